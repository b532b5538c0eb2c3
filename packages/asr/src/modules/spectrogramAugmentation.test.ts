import { ConfigValidationError } from '@nemo/core'
import { input, type TensorData } from '@nemo/graph'
import { describe, expect, it } from 'vitest'
import { SpectrogramAugmentation, type SpectrogramAugmentationConfig } from './spectrogramAugmentation.js'

const ones = (shape: readonly [number, number, number]): TensorData => ({
  dtype: 'float32',
  shape,
  data: new Float32Array(shape[0] * shape[1] * shape[2]).fill(1),
})

/** Items of a batch of ones after augmentation, `[B][D][T]`. */
async function augment(
  config: SpectrogramAugmentationConfig,
  shape: readonly [number, number, number],
  random = { seed: 1, step: 0 },
): Promise<number[][][]> {
  const { augmentedSpec } = await new SpectrogramAugmentation(config).run({ inputSpec: ones(shape) }, random)
  const [B, D, T] = shape
  const data = [...augmentedSpec!.data].map(Number)
  const row = (b: number, d: number) => data.slice((b * D + d) * T, (b * D + d + 1) * T)
  return Array.from({ length: B }, (_, b) => Array.from({ length: D }, (_, d) => row(b, d)))
}

describe('SpectrogramAugmentation', () => {
  it('masks one band of at most freq_width features, of every width alike', async () => {
    const items = await augment({ freq_masks: 1, freq_width: 3 }, [2000, 8, 2])
    const counts = [0, 0, 0, 0]
    for (const item of items) {
      const masked = item.flatMap((row, d) => (row.every((v) => v === 0) ? [d] : []))
      for (const row of item) expect(new Set(row).size).toBe(1)
      if (masked.length > 0) expect(masked.at(-1)! - masked[0]!).toBe(masked.length - 1)
      counts[masked.length]!++
    }
    for (const count of counts) expect(Math.abs(count / 2000 - 0.25)).toBeLessThan(5 * Math.sqrt((0.25 * 0.75) / 2000))
  })

  it('starts masks anywhere that leaves room for the widest, ends included', async () => {
    const items = await augment({ time_masks: 1, time_width: 4 }, [500, 1, 6])
    const starts = items.map(([row]) => row!.indexOf(0)).filter((start) => start >= 0)
    expect([...new Set(starts)].sort()).toEqual([0, 1, 2])
  })

  it('cuts rectangles out with zeros, bands with the mask value', async () => {
    const rectangles = (await augment({ rect_masks: 4, rect_freq: 3, rect_time: 3, mask_value: 5 }, [20, 8, 8])).flat(2)
    expect(new Set(rectangles)).toEqual(new Set([0, 1]))
    const bands = (await augment({ freq_masks: 1, freq_width: 4, mask_value: 5 }, [20, 8, 2])).flat(2)
    expect(new Set(bands)).toEqual(new Set([1, 5]))
  })

  it('takes a share of the frames as time_width, at least one', async () => {
    const widest = async (share: number, frames: number) => {
      const items = await augment({ time_masks: 1, time_width: share }, [400, 1, frames])
      return Math.max(...items.map(([row]) => row!.filter((v) => v === 0).length))
    }
    // 0.29 * 100 is 28.999... in float64, as in Python.
    expect([await widest(0.29, 100), await widest(0.01, 20), await widest(0.5, 9)]).toEqual([28, 1, 4])
  })

  it('draws the same masks for the same seed and step, others for other steps', async () => {
    const config = { freq_masks: 2, time_masks: 2 }
    const shape = [3, 16, 40] as const
    expect(await augment(config, shape)).toEqual(await augment(config, shape))
    expect(await augment(config, shape)).not.toEqual(await augment(config, shape, { seed: 1, step: 1 }))
    expect(await augment(config, shape)).not.toEqual(await augment(config, shape, { seed: 2, step: 0 }))
  })

  it('draws different masks for each item', async () => {
    const items = await augment({ freq_masks: 2, time_masks: 2 }, [8, 16, 40])
    expect(new Set(items.map((item) => JSON.stringify(item))).size).toBe(8)
  })

  it('changes nothing without masks', async () => {
    expect((await augment({}, [1, 3, 4])).flat(2)).toEqual(new Array(12).fill(1))
  })

  it('refuses a band wider than the features, and a share above 1', () => {
    const spec = input('x', 'float32', ['B', 8, 'T'])
    expect(() => new SpectrogramAugmentation({ freq_masks: 1, freq_width: 9 }).forward({ inputSpec: spec })).toThrow(
      /freq_width: expected at most the number of features, 8, found 9/,
    )
    expect(() => new SpectrogramAugmentation({ time_masks: 1, time_width: 1.5 })).toThrow(ConfigValidationError)
  })

  it('masks everything at most when the frames are fewer than time_width', async () => {
    const items = await augment({ time_masks: 1, time_width: 10 }, [200, 1, 3])
    const widths = items.map(([row]) => row!.filter((v) => v === 0).length)
    expect(Math.max(...widths)).toBe(3)
  })
})
