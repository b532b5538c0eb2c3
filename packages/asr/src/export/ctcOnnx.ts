import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { atomicWriteFile, isConfigObject } from '@nemo/core'
import { exportOnnx, input, type Tensor } from '@nemo/graph'
import type { AudioEncoderModel } from '../models/audioEncoderModel.js'
import type { EncDecCTCModel } from '../models/encDecCTCModel.js'
import type { LabelVocabulary } from '../models/labelVocabulary.js'
import { ConformerEncoder } from '../modules/conformerEncoder.js'
import { ConvASREncoder } from '../modules/convASREncoder.js'

/** Frames of features per frame of output: the product of the encoder's strides. */
export function subsamplingFactor(model: EncDecCTCModel): number {
  const { encoder } = model.cfg
  if (model.encoder instanceof ConformerEncoder) return model.encoder.subsamplingFactor
  const blocks = isConfigObject(encoder) && Array.isArray(encoder.jasper) ? encoder.jasper : []
  let factor = 1
  for (const block of blocks) {
    if (!isConfigObject(block)) continue
    const stride = Number(Array.isArray(block.stride) ? block.stride[0] : (block.stride ?? 1))
    const repeats = block.stride_last ? 1 : Number(block.repeat ?? 1)
    factor *= stride ** repeats
  }
  return factor
}

/** Symbols and ids, a line each, as sherpa-onnx reads them: `▁` stands for the space, `<blk>` for the blank. */
export function tokensText({ symbols }: LabelVocabulary): string {
  return [...symbols.map((symbol, id) => `${symbol} ${id}`), `<blk> ${symbols.length}`, ''].join('\n')
}

/** Features of a frame that the encoder takes. */
export function featureCount({ encoder, cfg }: AudioEncoderModel): number {
  if (encoder instanceof ConvASREncoder) return encoder.featIn
  return Number(isConfigObject(cfg.encoder) ? cfg.encoder.feat_in : undefined)
}

// sherpa-onnx knows per_feature and none; it must refuse other statistics rather than leave them out.
function normalizeType(normalize: unknown): string {
  if (normalize === undefined) return 'per_feature'
  return typeof normalize === 'string' && !['none', 'NA'].includes(normalize)
    ? normalize
    : isConfigObject(normalize)
      ? 'fixed'
      : ''
}

/** Writes a CTC model as an ONNX file and its labels as `tokens.txt`; see `EncDecCTCModel.export`. */
export async function writeCtcOnnx(
  model: EncDecCTCModel,
  path: string,
  options: { readonly preprocessor?: boolean },
): Promise<void> {
  const { preprocessor } = model.cfg
  const features = isConfigObject(preprocessor) ? preprocessor : {}
  model.nameParameters()
  const drawn = model.withMode(false, () =>
    options.preprocessor
      ? model.forward({
          inputSignal: input('input_signal', 'float32', ['B', 'T']),
          inputSignalLength: input('length', 'int64', ['B']),
        })
      : model.forward({
          processedSignal: input('audio_signal', 'float32', ['B', featureCount(model), 'T']),
          processedSignalLength: input('length', 'int64', ['B']),
        }),
  )
  const modelType = model.target.split('.').at(-1)!
  const outputs: Record<string, Tensor> = { logprobs: drawn.logProbs, encoded_lengths: drawn.encodedLengths }
  const bytes = await exportOnnx(outputs, {
    graphName: modelType,
    inputs: [options.preprocessor ? 'input_signal' : 'audio_signal', 'length'],
    metadata: {
      model_type: modelType,
      version: '1',
      vocab_size: String(model.labels.length + 1),
      subsampling_factor: String(subsamplingFactor(model)),
      normalize_type: normalizeType(features.normalize),
      sample_rate: String(model.sampleRate),
      labels: JSON.stringify(model.labels),
      target: model.target,
    },
  })
  await mkdir(dirname(path), { recursive: true })
  await atomicWriteFile(path, bytes)
  await atomicWriteFile(join(dirname(path), 'tokens.txt'), tokensText(model.vocabulary))
}
