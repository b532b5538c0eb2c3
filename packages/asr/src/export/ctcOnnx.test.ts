import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readAudio } from '@nemo/audio'
import { type ConfigObject, seedInitialisation } from '@nemo/core'
import { importOnnx, type TensorData } from '@nemo/graph'
import { beforeAll, describe, expect, it } from 'vitest'
import { expectClose } from '../../test/goldenFixture.js'
import { scratchFolder, tinyConfig } from '../../test/tinyRecogniser.js'
import { EncDecCTCModel } from '../index.js'
import { CharacterVocabulary } from '../models/labelVocabulary.js'
import { subsamplingFactor, tokensText } from './ctcOnnx.js'

// What these tests use of onnxruntime-node, which is @nemo/graph's dependency.
interface OrtTensor {
  readonly dims: readonly number[]
  readonly data: Float32Array | BigInt64Array
}
interface OrtSession {
  readonly inputNames: readonly string[]
  readonly outputNames: readonly string[]
  run(feeds: Readonly<Record<string, OrtTensor>>): Promise<Record<string, OrtTensor>>
}
const { InferenceSession, Tensor } = createRequire(new URL('../../../graph/package.json', import.meta.url))(
  'onnxruntime-node',
) as {
  readonly InferenceSession: { create(path: string): Promise<OrtSession> }
  readonly Tensor: new (type: string, data: OrtTensor['data'], dims: readonly number[]) => OrtTensor
}

const fixture = (name: string): string => fileURLToPath(new URL(`../../test/fixtures/${name}`, import.meta.url))
const folder = await scratchFolder()
const model = await EncDecCTCModel.restoreFrom<EncDecCTCModel>(fixture('model.nemo'))
const { samples } = await readAudio(fixture('sample.wav'), { sampleRate: 16000 })

const float = (data: Float32Array, dims: readonly number[]) => new Tensor('float32', data, dims)
const lengths = (...values: number[]) => new Tensor('int64', BigInt64Array.from(values, BigInt), [values.length])
const asData = ({ dims, data }: OrtTensor): TensorData => ({ dtype: 'float32', shape: [...dims], data }) as TensorData

/** Two utterances of different length, padded. */
function batch(first: Float32Array, second: Float32Array): TensorData {
  const width = Math.max(first.length, second.length)
  const data = new Float32Array(2 * width)
  data.set(first, 0)
  data.set(second, width)
  return { dtype: 'float32', shape: [2, width], data }
}

describe('the exported recogniser on features', () => {
  const path = join(folder, 'plain/model.onnx')
  let session: OrtSession
  beforeAll(async () => {
    await model.export(path)
    session = await InferenceSession.create(path)
  })

  it('has NeMo’s names for inputs and outputs', () => {
    expect(session.inputNames).toEqual(['audio_signal', 'length'])
    expect(session.outputNames[0]).toBe('logprobs')
  })

  it.each([
    ['one utterance', samples, samples.slice(0, 100)],
    ['another length', samples.slice(0, 9000), samples.slice(3000, 9500)],
  ])('gives our log-probabilities in ONNX Runtime for any batch and time: %s', async (_name, first, second) => {
    for (const inputSignal of [
      batch(first, second),
      { dtype: 'float32', shape: [1, first.length], data: first } as const,
    ]) {
      const count = inputSignal.shape[0]!
      const length = [first.length, second.length].slice(0, count)
      const { processedSignal, processedLength } = await model.preprocessor.run({ inputSignal, length })
      const ours = await model.run({ processedSignal: processedSignal!, processedSignalLength: processedLength! })
      const theirs = await session.run({
        audio_signal: float(processedSignal!.data as Float32Array, processedSignal!.shape),
        length: lengths(...Array.from(processedLength!.data as BigInt64Array, Number)),
      })
      expectClose('logprobs', asData(theirs.logprobs!), ours.logProbs!, 1e-4)
    }
  })

  it('says what runtimes need to know', async () => {
    const { metadata } = await importOnnx(new Uint8Array(await readFile(path)))
    expect(Object.fromEntries(Object.entries(metadata))).toMatchObject({
      model_type: 'EncDecCTCModel',
      vocab_size: '29',
      subsampling_factor: '2',
      normalize_type: 'per_feature',
      sample_rate: '16000',
    })
  })

  it('comes with its labels', async () => {
    const lines = (await readFile(join(folder, 'plain/tokens.txt'), 'utf8')).split('\n')
    expect(lines.slice(0, 2)).toEqual(['▁ 0', 'a 1'])
    expect(lines.slice(-2)).toEqual(['<blk> 28', ''])
    expect(lines).toHaveLength(30)
  })
})

it('with its preprocessor, the exported recogniser takes samples', async () => {
  const path = join(folder, 'whole/model.onnx')
  await model.export(path, { preprocessor: true })
  const session = await InferenceSession.create(path)
  expect(session.inputNames).toEqual(['input_signal', 'length'])
  for (const count of [samples.length, 8000]) {
    const signal = samples.slice(0, count)
    const inputSignal: TensorData = { dtype: 'float32', shape: [1, count], data: signal }
    const ours = await model.run({ inputSignal, inputSignalLength: [count] })
    const theirs = await session.run({ input_signal: float(signal, [1, count]), length: lengths(count) })
    expectClose('logprobs', asData(theirs.logprobs!), ours.logProbs!, 1e-3)
  }
})

describe('metadata', () => {
  const changed = (section: string, changes: ConfigObject): EncDecCTCModel => {
    const config = tinyConfig()
    seedInitialisation(1)
    return new EncDecCTCModel({ ...config, [section]: { ...(config[section] as ConfigObject), ...changes } })
  }

  it.each([
    ['per_feature', 'per_feature'],
    [null, ''],
    ['all_features', 'all_features'],
  ])('normalize %s is written as "%s"', async (normalize, written) => {
    const path = join(folder, `${written || 'none'}/model.onnx`)
    await changed('preprocessor', { normalize }).export(path)
    const { metadata } = await importOnnx(new Uint8Array(await readFile(path)))
    expect(Object.fromEntries(Object.entries(metadata)).normalize_type).toBe(written)
  })

  it('subsampling is the product of the strides, one per block with stride_last', () => {
    const block = { filters: 8, kernel: [3], dilation: [1], dropout: 0, residual: false }
    const factor = (...jasper: ConfigObject[]) =>
      subsamplingFactor(changed('encoder', { jasper: [...jasper, { ...block, filters: 16, repeat: 1, stride: [1] }] }))
    expect(factor({ ...block, repeat: 1, stride: [2] }, { ...block, repeat: 1, stride: [2] })).toBe(4)
    expect(factor({ ...block, repeat: 2, stride: [2] })).toBe(4)
    expect(factor({ ...block, repeat: 2, stride: [2], stride_last: true })).toBe(2)
  })

  it('the space is written as sherpa-onnx reads it', () => {
    expect(tokensText(new CharacterVocabulary([' ', 'a']))).toBe('▁ 0\na 1\n<blk> 2\n')
  })
})
