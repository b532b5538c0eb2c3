import { describe, expect, it } from 'vitest'
import { CropOrPadSpectrogramAugmentation } from './cropOrPadSpectrogramAugmentation.js'

const inputSignal = [[[1, 2, 3, 4, 5, 6]], [[7, 8, 9, 10, 11, 12]]]
const length = [6, 4]

async function run(frames: number, options: { training?: boolean; step?: number } = {}) {
  const module = new CropOrPadSpectrogramAugmentation({ audio_length: frames }).train(options.training ?? false)
  const { processedSignal, processedLength } = await module.run(
    { inputSignal, length },
    { seed: 1, step: options.step ?? 0 },
  )
  const data = [...processedSignal!.data].map(Number)
  return { rows: [data.slice(0, frames), data.slice(frames)], lengths: [...processedLength!.data].map(Number) }
}

describe('CropOrPadSpectrogramAugmentation', () => {
  it('pads both sides with zeros, one more on the right if odd', async () => {
    expect(await run(9)).toEqual({
      rows: [
        [0, 1, 2, 3, 4, 5, 6, 0, 0],
        [0, 7, 8, 9, 10, 11, 12, 0, 0],
      ],
      lengths: [9, 9],
    })
    expect((await run(6)).rows).toEqual(inputSignal.map(([row]) => row))
  })

  it('crops the middle outside training', async () => {
    expect((await run(3)).rows).toEqual([
      [2, 3, 4],
      [8, 9, 10],
    ])
  })

  it('crops each item at a place of its own while training', async () => {
    const starts = new Set<number>()
    let apart = 0
    for (let step = 0; step < 20; step++) {
      const { rows } = await run(4, { training: true, step })
      const [a, b] = [rows[0]![0]! - 1, rows[1]![0]! - 7]
      for (const row of rows) expect(row).toEqual(row.map((_, i) => row[0]! + i))
      starts.add(a).add(b)
      if (a !== b) apart++
    }
    expect([...starts].sort()).toEqual([0, 1, 2])
    expect(apart).toBeGreaterThan(0)
  })
})
