import { truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AudioEmptyError, AudioError, nonSilentRange, readAudio, resample, writeWav } from '@nemo/audio'
import { seedInitialisation } from '@nemo/core'
import { describe, expect, it } from 'vitest'
import { scratchFolder, tinyConfig, tones } from '../../test/tinyRecogniser.js'
import { AsrError } from '../errors.js'
import { EncDecCTCModel } from '../index.js'

const folder = await scratchFolder()
const fixture = (name: string): string => fileURLToPath(new URL(`../../test/fixtures/${name}`, import.meta.url))
const sample = fixture('sample.wav')
const model = await EncDecCTCModel.restoreFrom<EncDecCTCModel>(fixture('model.nemo'))
const { samples } = await readAudio(sample, { sampleRate: 16000 })
const [expected] = await model.transcribe([sample], { logprobs: true })

function largestDifference(a: ArrayLike<number | bigint>, b: ArrayLike<number | bigint>): number {
  expect(a.length).toBe(b.length)
  return Array.from(a as ArrayLike<number>).reduce(
    (most, value, i) => Math.max(most, Math.abs(value - Number(b[i]))),
    0,
  )
}

describe('what transcribe takes', () => {
  it('paths, URLs and samples give the same', async () => {
    const texts = await model.transcribe([sample, new URL(`file://${sample}`), samples])
    expect(new Set(texts).size).toBe(1)
  })

  it('files of any encoding and number of channels', async () => {
    const stereo = { sampleRate: 16000, channels: [samples, samples] }
    await writeWav(join(folder, 'stereo.wav'), stereo, { encoding: 'pcm24' })
    await writeWav(join(folder, 'float.wav'), { ...stereo, channels: [samples] }, { encoding: 'float32' })
    const results = await model.transcribe([join(folder, 'stereo.wav'), join(folder, 'float.wav')], { logprobs: true })
    for (const { data } of results) expect(largestDifference(data, expected!.data)).toBeLessThan(1e-3)
  })

  it('files of another rate, which are resampled', async () => {
    const fast = resample(samples, 16000, 48000)
    await writeWav(join(folder, 'fast.wav'), { sampleRate: 48000, channels: [fast] })
    const [logProbs] = await model.transcribe([join(folder, 'fast.wav')], { logprobs: true })
    expect(logProbs!.shape).toEqual(expected!.shape)
    expect(largestDifference(logProbs!.data, expected!.data)).toBeLessThan(0.6)
  })

  it('no files give no texts', async () => {
    expect(await model.transcribe([])).toEqual([])
  })

  it('a single path without a list is refused', async () => {
    await expect(model.transcribe(sample as never)).rejects.toThrow(/list of paths/)
  })

  it('a batch size below 1 is refused', async () => {
    await expect(model.transcribe([sample], { batchSize: 0 })).rejects.toThrow(/batchSize.*0/)
  })
})

describe('order and batches', () => {
  it('texts come in the order of the files, whatever their lengths and the batch size', async () => {
    const pieces = [5000, samples.length, 9000, 12000, 7000].map((length) => samples.slice(0, length))
    const alone: string[] = []
    for (const piece of pieces) alone.push(...(await model.transcribe([piece])))
    expect(new Set(alone).size).toBeGreaterThan(2)
    for (const batchSize of [1, 2, 5, 16]) expect(await model.transcribe(pieces, { batchSize })).toEqual(alone)
  })

  it('log-probabilities have the frames of their own utterance, not of the batch', async () => {
    const [long, short] = await model.transcribe([samples, samples.slice(0, 9000)], { logprobs: true })
    const [alone] = await model.transcribe([samples.slice(0, 9000)], { logprobs: true })
    expect(long!.shape).toEqual(expected!.shape)
    expect(short!.shape).toEqual(alone!.shape)
    expect(largestDifference(short!.data, alone!.data)).toBeLessThan(1e-3)
  })

  it('calls at the same time do not disturb each other', async () => {
    const fresh = await EncDecCTCModel.restoreFrom<EncDecCTCModel>(fixture('model.nemo'))
    const [first, second] = await Promise.all([fresh.transcribe([sample]), fresh.transcribe([samples])])
    expect(first).toEqual(second)
  })
})

describe('files that cannot be read', () => {
  const kinds: Readonly<Record<string, (path: string) => Promise<void>>> = {
    missing: async () => undefined,
    empty: (path) => writeFile(path, ''),
    truncated: async (path) => {
      await writeWav(path, { sampleRate: 16000, channels: [samples] })
      await truncate(path, 2000)
    },
    'not audio': (path) => writeFile(path, 'This is a letter, not a recording.'),
  }

  it.each(Object.entries(kinds))('%s: is an error that names the path', async (kind, make) => {
    const path = join(folder, `bad ${kind}.wav`)
    await make(path)
    const error = await model.transcribe([sample, path]).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(AudioError)
    expect((error as AudioError).message).toContain(path)
    expect(await model.transcribe([sample])).toHaveLength(1)
  })

  it('a file of no samples, and no samples at all', async () => {
    const path = join(folder, 'no samples.wav')
    await writeWav(path, { sampleRate: 16000, channels: [new Float32Array(0)] })
    await expect(model.transcribe([path])).rejects.toThrow(AudioEmptyError)
    await expect(model.transcribe([path])).rejects.toThrow(path)
    await expect(model.transcribe([new Float32Array(0)])).rejects.toThrow(AsrError)
  })

  it('audio of a few samples is no error', async () => {
    expect(await model.transcribe([Float32Array.of(0.1, -0.2, 0.3)])).toHaveLength(1)
  })
})

describe('parts, channels and rates', () => {
  it('a part of a file is the same as its samples', async () => {
    const [part] = await model.transcribe([{ audioFile: sample, offset: 0.25, duration: 1 }], { logprobs: true })
    const [cut] = await model.transcribe([samples.subarray(4000, 20_000)], { logprobs: true })
    expect(part!.data).toEqual(cut!.data)
  })

  it('samples with their rate are resampled', async () => {
    const audio = { samples: resample(samples, 16000, 48000), sampleRate: 48000 }
    const [logProbs] = await model.transcribe([audio], { logprobs: true })
    expect(largestDifference(logProbs!.data, expected!.data)).toBeLessThan(0.6)
  })

  it('one channel of several, or the mean of some', async () => {
    const silent = new Float32Array(samples.length)
    const clip = { sampleRate: 16000, channels: [silent, samples, samples] }
    const one = await model.transcribe([clip], { logprobs: true, channels: 1 })
    expect(one[0]!.data).toEqual(expected!.data)
    const some = await model.transcribe([clip], { logprobs: true, channels: [1, 2] })
    expect(largestDifference(some[0]!.data, expected!.data)).toBeLessThan(1e-3)
    await expect(model.transcribe([clip], { channels: 3 })).rejects.toThrow(/channel 3/)
  })
})

describe('hypotheses', () => {
  it('have words and labels in the time of the audio, trimmed or not', async () => {
    const late = new Float32Array(samples.length + 32_000)
    late.set(samples, 16_000)
    const { start, end } = nonSilentRange(late)
    expect(start).toBeGreaterThan(10_000)
    const [trimmed] = await model.transcribe([late], { returnHypotheses: true })
    const [cut] = await model.transcribe([late.subarray(start, end)], { returnHypotheses: true, trim: false })
    expect(cut!.words.length).toBeGreaterThan(0)
    expect(cut!.words.map(({ word }) => word).join(' ')).toBe(cut!.text.trim().replaceAll(/\s+/g, ' '))
    expect(cut!.tokens.map(({ id }) => id)).toEqual(cut!.ids)
    expect(trimmed!.words).toEqual(
      cut!.words.map((word) => ({ ...word, start: word.start + start / 16_000, end: word.end + start / 16_000 })),
    )
    expect('logProbs' in cut!).toBe(false)
  })

  it('have log-probabilities on request', async () => {
    const [found] = await model.transcribe([samples], { returnHypotheses: true, logprobs: true })
    expect(found!.logProbs.data).toEqual(expected!.data)
  })
})

describe('transcribeEach', () => {
  it('takes a stream, in order, and tells of audio that cannot be read', async () => {
    const lengths = Array.from({ length: 40 }, (_, i) => 6000 + 400 * ((i * 7) % 11))
    async function* audio() {
      for (const [i, length] of lengths.entries()) yield i === 3 ? join(folder, 'none.wav') : samples.slice(0, length)
    }
    const bad: [string, unknown, number][] = []
    const found: [number, string][] = []
    const options = { batchSize: 2, onBadAudio: (e: Error, of: unknown, at: number) => bad.push([e.name, of, at]) }
    for await (const { index, transcript } of model.transcribeEach(audio(), options))
      found.push([index, transcript.text])
    expect(bad).toEqual([['AudioFileError', join(folder, 'none.wav'), 3]])
    const kept = lengths.map((length, i) => [i, length] as const).filter(([i]) => i !== 3)
    const texts = await model.transcribe(kept.map(([, length]) => samples.slice(0, length)))
    expect(found).toEqual(kept.map(([i], at) => [i, texts[at]]))
  })

  it('without a listener the error is thrown', async () => {
    const found = model.transcribeEach([join(folder, 'none.wav')])
    await expect(found.next()).rejects.toThrow(/none.wav/)
  })
})

it('weights that changed after the first call are used', async () => {
  seedInitialisation(1)
  const changing = new EncDecCTCModel(tinyConfig()).eval()
  const audio = tones('abc')
  const [before] = await changing.transcribe([audio], { logprobs: true })
  const [again] = await changing.transcribe([audio], { logprobs: true })
  expect(again!.data).toEqual(before!.data)
  seedInitialisation(2)
  changing.loadStateDict(await new EncDecCTCModel(tinyConfig()).stateDict())
  const [after] = await changing.transcribe([audio], { logprobs: true })
  expect(largestDifference(after!.data, before!.data)).toBeGreaterThan(0.01)
})

it('the model’s own settings stay as they are', async () => {
  const { featurizer } = model.preprocessor as unknown as { featurizer: { padTo: number } }
  const before = featurizer.padTo
  await model.transcribe([samples])
  expect(featurizer.padTo).toBe(before)
})
