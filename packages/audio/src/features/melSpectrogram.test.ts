import { compile, constant, grad, input, mul, ort, reduceSum, type TensorData, withRandomStreams } from '@nemo/graph'
import { describe, expect, it } from 'vitest'
import { melFilterbank } from './melFilterbank.js'
import { type MelSpectrogramOptions, melSpectrogram } from './melSpectrogram.js'
import { windowFunction } from './window.js'

const runtime = ort({ threads: 1 })

const base: MelSpectrogramOptions = {
  fftSize: 64,
  windowSamples: 40,
  hopSamples: 20,
  window: constant(windowFunction('hann', 40)),
  filterbank: constant(melFilterbank({ sampleRate: 8000, fftSize: 64, melBins: 6 })),
}

function signal(length: number, seed = 1): number[] {
  return Array.from({ length }, (_, i) => 0.3 * Math.sin(0.3 * i) + 0.1 * Math.sin(seed + 1.3 * i * i))
}

async function run(
  batch: readonly (readonly number[])[],
  lengths: readonly number[],
  options: Partial<MelSpectrogramOptions> = {},
  random: { seed?: number; step?: number } = {},
): Promise<{ features: TensorData; lengths: number[]; row: (item: number, feature: number) => number[] }> {
  const x = input('x', 'float32', ['B', 'L'])
  const n = input('n', 'int64', ['B'])
  const drawn = withRandomStreams(() => melSpectrogram(x, n, { ...base, ...options }))
  const program = await compile({ ...drawn }, { runtime })
  const outputs = await program.run({ x: batch, n: lengths }, random)
  await program.dispose()
  const { features } = outputs
  const [, D, T] = features.shape as [number, number, number]
  const row = (item: number, feature: number) =>
    [...features.data].slice((item * D + feature) * T, (item * D + feature + 1) * T).map(Number)
  return { features, lengths: [...outputs.lengths.data].map(Number), row }
}

describe('melSpectrogram', () => {
  it('has floor(samples / hop) + 1 valid frames, and one for an empty item', async () => {
    const { features, lengths } = await run([signal(119), signal(119)], [119, 0])
    expect(features.shape).toEqual([2, 6, 6])
    expect(lengths).toEqual([6, 1])
  })

  it('has floor(samples / hop) frames with exactPad, and none for an empty item', async () => {
    const { features, lengths } = await run([signal(119), signal(119)], [119, 0], { exactPad: true })
    expect(features.shape).toEqual([2, 6, 5])
    expect(lengths).toEqual([5, 0])
  })

  it('pads frames to a multiple, which may be there already, with the pad value', async () => {
    for (const [samples, frames] of [
      [119, 8],
      [140, 8],
      [160, 16],
    ] as const) {
      const { features, row } = await run([signal(samples)], [samples], { padTo: 8, padValue: -7 })
      expect(features.shape).toEqual([1, 6, frames])
      const valid = Math.floor(samples / 20) + 1
      expect(row(0, 2).slice(valid)).toEqual(new Array(frames - valid).fill(-7))
      expect(row(0, 2).slice(0, valid)).not.toContain(-7)
    }
  })

  it('cuts or pads to a fixed number of frames', async () => {
    for (const frames of [3, 6, 9]) {
      const { features } = await run([signal(119)], [119], { padTo: { frames } })
      expect(features.shape).toEqual([1, 6, frames])
    }
  })

  it('normalises each feature over valid frames by the unbiased deviation', async () => {
    const { row, lengths } = await run([signal(200), signal(200, 5)], [200, 90], { normalize: 'per_feature' })
    for (const item of [0, 1]) {
      const valid = row(item, 3).slice(0, lengths[item]!)
      const mean = valid.reduce((a, b) => a + b, 0) / valid.length
      const variance = valid.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (valid.length - 1)
      expect(mean).toBeCloseTo(0, 4)
      expect(variance).toBeCloseTo(1, 3)
      expect(row(item, 3).slice(lengths[item]!)).toEqual(
        row(item, 3)
          .slice(lengths[item]!)
          .map(() => 0),
      )
    }
  })

  it('normalises all features together', async () => {
    const { features } = await run([signal(200)], [200], { normalize: 'all_features' })
    const values = [...features.data].map(Number)
    const mean = values.reduce((a, b) => a + b, 0) / values.length
    expect(mean).toBeCloseTo(0, 4)
    expect(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (values.length - 1)).toBeCloseTo(1, 3)
  })

  it('makes an utterance of one frame all zeros instead of NaN', async () => {
    const { row, lengths } = await run([signal(200), signal(200)], [200, 10], { normalize: 'per_feature' })
    expect(lengths[1]).toBe(1)
    expect(row(1, 0)).toEqual(new Array(11).fill(0))
  })

  it('normalises by fixed statistics, one number for each feature', async () => {
    const plain = await run([signal(100)], [100])
    const fixed = { fixed_mean: [1, 2, 3, 4, 5, 6], fixed_std: [2, 2, 2, 2, 2, 4] }
    const { row } = await run([signal(100)], [100], { normalize: fixed })
    row(0, 5).forEach((value, t) => {
      expect(value).toBeCloseTo((plain.row(0, 5)[t]! - 6) / 4, 4)
    })
    await expect(run([signal(100)], [100], { normalize: { fixed_mean: [1], fixed_std: [1] } })).rejects.toThrow(
      /fixed_mean: expected 6 numbers, one for each feature, found 1/,
    )
  })

  it('adds the same noise for the same seed and step, and needs none to be silent', async () => {
    const noisy = { dither: 0.1 }
    const a = await run([signal(200)], [200], noisy, { seed: 1, step: 3 })
    const b = await run([signal(200)], [200], noisy, { seed: 1, step: 3 })
    const c = await run([signal(200)], [200], noisy, { seed: 1, step: 4 })
    expect(a.features.data).toEqual(b.features.data)
    expect(a.features.data).not.toEqual(c.features.data)
  })

  it('clamps or adds before the logarithm, and can leave it out', async () => {
    const silence = [new Array<number>(100).fill(0)]
    const clamp = await run(silence, [100], { log: { type: 'clamp', value: 1e-5 } })
    expect(clamp.row(0, 0)[0]).toBeCloseTo(Math.log(1e-5), 4)
    const add = await run(silence, [100])
    expect(add.row(0, 0)[0]).toBeCloseTo(Math.log(2 ** -24), 4)
    const linear = await run(silence, [100], { log: null })
    expect(linear.row(0, 0)[0]).toBe(0)
  })

  it('repeats the features when frames are spliced, as NeMo does', async () => {
    const { features, row } = await run([signal(100)], [100], { frameSplicing: 3 })
    expect(features.shape).toEqual([1, 18, 6])
    expect(row(0, 8)).toEqual(row(0, 2))
  })

  it('refuses an odd hop with exactPad', async () => {
    await expect(run([signal(100)], [100], { exactPad: true, hopSamples: 21 })).rejects.toThrow(
      /exact_pad: expected an even number of samples between frames, found 21/,
    )
  })

  it('has a finite gradient at silence with a magnitude guard', async () => {
    const x = input('x', 'float32', [1, 'L'])
    const n = input('n', 'int64', [1])
    const { features } = melSpectrogram(x, n, { ...base, magnitudePower: 1, magnitudeGuard: 1e-5 })
    const [dx] = grad(reduceSum(mul(features, features)), [x])
    const values = await (await compile({ dx: dx! }, { runtime })).run({
      x: [new Array<number>(100).fill(0)],
      n: [100],
    })
    expect([...values.dx.data].every((v) => Number.isFinite(Number(v)))).toBe(true)
  })
})
