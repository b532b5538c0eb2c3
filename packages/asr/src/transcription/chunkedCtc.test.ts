import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readAudio, writeWav } from '@nemo/audio'
import { seedInitialisation } from '@nemo/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { scratchFolder, tinyConfig } from '../../test/tinyRecogniser.js'
import { EncDecCTCModel } from '../index.js'
import { audioChunks } from './audioChunks.js'

const folder = await scratchFolder()
const fixture = (name: string): string => fileURLToPath(new URL(`../../test/fixtures/${name}`, import.meta.url))
const model = await EncDecCTCModel.restoreFrom<EncDecCTCModel>(fixture('model.nemo'))
const { samples } = await readAudio(fixture('sample.wav'), { sampleRate: 16000 })
// Speech at several levels one after the other: statistics of a part are not those of the whole.
const long = new Float32Array(6 * samples.length)
for (let i = 0; i < 6; i++)
  long.set(
    samples.map((x) => x * [1, 0.3, 0.05, 0.7, 0.02, 1][i]!),
    i * samples.length,
  )
const path = join(folder, 'long.wav')
await writeWav(path, { sampleRate: 16000, channels: [long] }, { encoding: 'float32' })
const [whole] = await model.transcribe([long], { returnHypotheses: true, logprobs: true, trim: false })

async function frames(...args: Parameters<EncDecCTCModel['streamLogProbs']>): Promise<number[]> {
  const all: number[] = []
  for await (const { startFrame, logProbs } of model.streamLogProbs(...args)) {
    expect(startFrame).toBe(all.length / (model.blank + 1))
    for (const value of logProbs) all.push(value)
  }
  return all
}

async function* blocks(size: number): AsyncGenerator<Float32Array> {
  for (let at = 0; at < long.length; at += size) yield long.subarray(at, at + size)
}

function largestDifference(found: readonly number[]): number {
  expect(found.length).toBe(whole!.logProbs.data.length)
  return found.reduce((most, value, i) => Math.max(most, Math.abs(value - whole!.logProbs.data[i]!)), 0)
}

describe('a recording in chunks', () => {
  it.each([
    { chunkSeconds: 1, contextSeconds: 1, batchSize: 1 },
    { chunkSeconds: 0.5, contextSeconds: { left: 1.5, right: 1 }, batchSize: 3 },
    { chunkSeconds: 30 },
  ])('gives the frames of the whole where the context reaches: %o', async (options) => {
    expect(largestDifference(await frames(path, options))).toBeLessThan(2e-3)
    expect(largestDifference(await frames(long, options))).toBeLessThan(2e-3)
  })

  it('gives the whole’s text, times and confidence', async () => {
    const found = await model.transcribeLong(path, { chunkSeconds: 1, contextSeconds: 1 })
    expect(found.text).toBe(whole!.text)
    expect(found.words.map(({ word, startFrame, endFrame }) => [word, startFrame, endFrame])).toEqual(
      whole!.words.map(({ word, startFrame, endFrame }) => [word, startFrame, endFrame]),
    )
    expect(found.confidence).toBeCloseTo(whole!.confidence, 2)
  })

  it('without context differs', async () => {
    expect(largestDifference(await frames(path, { chunkSeconds: 0.5, contextSeconds: 0 }))).toBeGreaterThan(0.05)
  })

  it('a part of a file is the same as its samples', async () => {
    const part = { audioFile: path, offset: 1, duration: 2 }
    const found = await model.transcribeLong(part, { chunkSeconds: 0.7, contextSeconds: 1 })
    const [want] = await model.transcribe([part], { returnHypotheses: true, trim: false })
    expect(found.text).toBe(want!.text)
  })
})

describe('audio that is still arriving', () => {
  it('is normalised by what was heard, whatever the size of its blocks', async () => {
    const options = { chunkSeconds: 1, contextSeconds: 1 }
    const found = await Promise.all([blocks(777), blocks(50_000)].map((arriving) => frames(arriving, options)))
    expect(found[0]!.length).toBe(whole!.logProbs.data.length)
    expect(found[0]).toEqual(found[1])
    expect(await frames(path, { ...options, normalization: 'heard', batchSize: 1 })).toEqual(found[0])
  })

  it('in one chunk is the whole', async () => {
    expect(largestDifference(await frames(blocks(9999), { chunkSeconds: 60 }))).toBeLessThan(2e-3)
  })

  it('gives words as they become certain', async () => {
    const words: string[] = []
    const heard: number[] = []
    for await (const { words: found, heardSeconds } of model.transcribeStream(blocks(4000), { chunkSeconds: 60 })) {
      words.push(...found.map(({ word }) => word))
      heard.push(heardSeconds)
    }
    expect(words).toEqual(whole!.words.map(({ word }) => word))
    expect(heard.at(-1)).toBeCloseTo(long.length / 16000)
  })

  it('cannot be normalised by the whole', async () => {
    await expect(frames(blocks(1000), { normalization: 'whole' })).rejects.toThrow(/only once.*"heard".*"whole"/)
  })
})

it('a model without normalisation needs no statistics', async () => {
  seedInitialisation(3)
  const config = tinyConfig()
  ;(config.preprocessor as Record<string, unknown>).normalize = null
  const plain = new EncDecCTCModel(config).eval()
  const audio = long.subarray(0, 20_000)
  const [want] = await plain.transcribe([audio], { trim: false })
  expect((await plain.transcribeLong(audio, { chunkSeconds: 0.5, contextSeconds: 0.5 })).text).toBe(want)
})

it.each([{ chunkSeconds: 0 }, { contextSeconds: -1 }, { batchSize: 0 }])('%o is refused', async (options) => {
  await expect(model.transcribeLong(path, options)).rejects.toThrow(RangeError)
})

describe('audioChunks', () => {
  it('cover every frame once, with their context, however the samples arrive', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 200 }),
        fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }),
        fc.record({
          chunk: fc.integer({ min: 1, max: 6 }),
          left: fc.integer({ min: 0, max: 5 }),
          right: fc.integer({ min: 0, max: 5 }),
        }),
        async (length, sizes, geometry) => {
          const signal = Float32Array.from({ length }, (_, i) => i)
          function* cut() {
            for (let at = 0, i = 0; at < length; at += sizes[i++ % sizes.length]!)
              yield signal.subarray(at, at + sizes[i % sizes.length]!)
          }
          const seen: number[] = []
          const { chunk, left, right } = geometry
          const frame = 4
          const scaled = { frame, chunk: chunk * frame, left: left * frame, right: right * frame }
          for await (const { samples: part, skipFrames, keepFrames, endSample } of audioChunks(cut(), scaled)) {
            const from = seen.length
            expect(part[0]).toBe(Math.max(0, from - left * frame))
            expect(part.at(-1)).toBe(endSample - 1)
            expect(endSample).toBe(Math.min(length, from + (chunk + right) * frame))
            const start = skipFrames * frame
            seen.push(...part.subarray(start, keepFrames === undefined ? part.length : start + keepFrames * frame))
          }
          expect(seen).toEqual([...signal])
        },
      ),
    )
  })
})
