import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import {
  CheckpointCallback,
  EvaluatorCallback,
  MelSpectrogramType,
  NeuralModuleFactory,
  NeuralPortNmTensorMismatchError,
  SimpleLossLoggerCallback,
} from '@nemo/core'
import { ort, type TensorData } from '@nemo/graph'
import { afterAll, expect, it } from 'vitest'
import {
  type AsrEvaluation,
  AudioToMelSpectrogramPreprocessor,
  AudioToTextDataLayer,
  CTCLossNM,
  GreedyCTCDecoder,
  JasperDecoderForCTC,
  JasperEncoder,
  monitorAsrTrainProgress,
  postProcessPredictions,
  processEvaluationBatch,
  processEvaluationEpoch,
} from '../src/index.js'
import { scratchFolder, tinyConfig, tinyLabels, writeCorpus } from './tinyRecogniser.js'

const runtime = ort({ threads: 1 })
afterAll(() => runtime.dispose())
const folder = await scratchFolder()

const labels = tinyLabels
const jasper = [
  { filters: 16, repeat: 1, kernel: [5], stride: [2], dilation: [1], dropout: 0, residual: false, separable: true },
  { filters: 16, repeat: 1, kernel: [5], stride: [1], dilation: [1], dropout: 0, residual: true, separable: true },
]
const preprocessing = tinyConfig().preprocessor as Record<string, unknown>

/** Modules of a small Jasper, and the graph that they make of a manifest. */
async function recogniser(manifest: string) {
  const dataLayer = await AudioToTextDataLayer.open({
    manifest_filepath: manifest,
    labels,
    batch_size: 4,
    sample_rate: 8000,
  })
  const { _target_, ...settings } = preprocessing
  const preprocessor = new AudioToMelSpectrogramPreprocessor(settings)
  const encoder = new JasperEncoder({ feat_in: 16, activation: 'relu', jasper })
  const decoder = new JasperDecoderForCTC({ feat_in: encoder.featOut, num_classes: labels.length })
  const ctcLoss = new CTCLossNM({ num_classes: labels.length })
  const greedy = new GreedyCTCDecoder()
  const { audioSignal, aSigLength, transcripts, transcriptLength } = dataLayer.forward()
  const { processedSignal, processedLength } = preprocessor.forward({ inputSignal: audioSignal, length: aSigLength })
  const { outputs, encodedLengths } = encoder.forward({ audioSignal: processedSignal, length: processedLength })
  const { output: logProbs } = decoder.forward({ encoderOutput: outputs })
  const { predictions } = greedy.forward({ logProbs })
  const { loss } = ctcLoss.forward({
    logProbs,
    targets: transcripts,
    inputLength: encodedLengths,
    targetLength: transcriptLength,
  })
  return { dataLayer, encoder, decoder, processedSignal, predictions, loss, transcripts, transcriptLength }
}

it('the tutorial learns tones, reports word error rates and leaves NeMo checkpoints', async () => {
  const manifest = await writeCorpus(join(folder, 'tones'), ['a b', 'b c', 'c a', 'b a c', 'a a', 'c c', 'b', 'a c'])
  const nf = new NeuralModuleFactory({ runtime, randomSeed: 1 })
  const made = await recogniser(manifest)
  expect(made.dataLayer.length).toBe(8)
  expect(made.processedSignal.neuralType?.elementsType).toBeInstanceOf(MelSpectrogramType)
  const { loss, predictions, transcripts, transcriptLength } = made
  const lines: string[] = []
  const logger = { info: (line: string) => lines.push(line) } as never
  const rates: number[] = []
  const checkpoints = join(folder, 'checkpoints')
  await nf.train({
    tensorsToOptimize: [loss],
    callbacks: [
      new SimpleLossLoggerCallback({
        tensors: [loss, predictions, transcripts, transcriptLength],
        stepFreq: 20,
        printFunc: (values) => monitorAsrTrainProgress(values, { labels, logger }),
      }),
      new EvaluatorCallback<AsrEvaluation, Record<string, number>>({
        evalTensors: [loss, predictions, transcripts, transcriptLength],
        evalStep: 1000,
        userIterCallback: (values, globalVars) => processEvaluationBatch(values, globalVars, { labels }),
        userEpochsDoneCallback: (globalVars) => {
          const results = processEvaluationEpoch(globalVars, { tag: 'TONES', logger })
          rates.push(results.Evaluation_WER_TONES!)
          return results
        },
      }),
      new CheckpointCallback({ folder: checkpoints, stepFreq: 1000 }),
    ],
    optimizer: 'novograd',
    optimizationParams: { num_epochs: 60, lr: 0.03, betas: [0.8, 0.5] },
  })
  expect(rates).toHaveLength(2)
  // As in NeMo 0.9, padded frames are decoded too.
  expect(rates[0]).toBeGreaterThan(0.8)
  expect(rates[1]).toBeLessThan(0.35)
  expect(lines.filter((line) => line.startsWith('training_batch_WER:'))).toHaveLength(6)
  expect(lines.at(-1)).toMatch(/^==========>>>>>>Evaluation WER TONES: {1,2}[\d.]+%$/)
  expect((await readdir(checkpoints)).sort()).toEqual([
    'JasperDecoderForCTC-STEP-120.pt',
    'JasperEncoder-STEP-120.pt',
    'trainer-STEP-120.pt',
  ])
  const fresh = await recogniser(manifest)
  const [again] = await nf.infer({ tensors: [fresh.predictions], verbose: false, checkpointDir: checkpoints })
  const [trained] = await nf.infer({ tensors: [predictions], verbose: false })
  expect(new Set(postProcessPredictions(again!, labels))).toEqual(new Set(postProcessPredictions(trained!, labels)))
})

it('a waveform is no spectrogram', async () => {
  const { encoder, dataLayer } = await recogniser(await writeCorpus(join(folder, 'one'), ['a']))
  const { audioSignal, aSigLength } = dataLayer.forward()
  // @ts-expect-error the encoder wants a spectrogram
  expect(() => encoder.forward({ audioSignal, length: aSigLength })).toThrow(NeuralPortNmTensorMismatchError)
})

it('an encoder is exported without lengths and masks', async () => {
  const nf = new NeuralModuleFactory({ runtime })
  const encoder = new JasperEncoder({ feat_in: 16, activation: 'relu', jasper })
  const output = join(folder, 'encoder.onnx')
  await nf.deploymentExport({ module: encoder, output, dFormat: 'ONNX' })
  const { importOnnx } = await import('@nemo/graph')
  const { readFile } = await import('node:fs/promises')
  const { inputs, outputs } = importOnnx(await readFile(output))
  expect([Object.keys(inputs), Object.keys(outputs)]).toEqual([['audio_signal'], ['outputs']])
})

it('modules come by their first names', async () => {
  const nf = new NeuralModuleFactory({ runtime })
  const decoder = await nf.getModule({
    name: 'JasperDecoderForCTC',
    collection: 'nemo_asr',
    params: { feat_in: 8, num_classes: 3 },
  })
  expect(decoder).toBeInstanceOf(JasperDecoderForCTC)
  expect([...(await decoder.stateDict()).keys()]).toEqual(['decoder_layers.0.weight', 'decoder_layers.0.bias'])
})

it('progress wants its four values', () => {
  const loss: TensorData = { dtype: 'float32', shape: [], data: Float32Array.of(1) }
  expect(() => monitorAsrTrainProgress([loss], { labels })).toThrow(/expected the values of loss, predictions.*found 1/)
})
