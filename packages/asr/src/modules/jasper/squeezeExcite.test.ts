import { activation } from '@nemo/core'
import { compile, input, ort, type TensorData } from '@nemo/graph'
import { describe, expect, it } from 'vitest'
import { SqueezeExcite, type SqueezeInterpolation } from './squeezeExcite.js'

const runtime = ort({ threads: 1 })
const CHANNELS = 2

async function run(
  frames: readonly number[][],
  window: number,
  interpolation: SqueezeInterpolation,
): Promise<number[][]> {
  const module = new SqueezeExcite(CHANNELS, {
    reductionRatio: 1,
    contextWindow: window,
    interpolation,
    activation: activation('relu'),
  })
  const identity: TensorData = { dtype: 'float32', shape: [2, 2], data: Float32Array.from([1, 0, 0, 1]) }
  module.loadStateDict(
    new Map([
      ['fc.0.weight', identity],
      ['fc.2.weight', identity],
    ]),
  )
  const x = input('x', 'float32', ['B', CHANNELS, 'T'])
  const program = await compile({ y: module.forward(x) }, { runtime })
  const { y } = await program.run({ x: [frames] })
  const T = frames[0]!.length
  return [0, 1].map((c) => [...y.data].slice(c * T, (c + 1) * T).map(Number))
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x))
const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length

// With identity weights and positive data the gate is the sigmoid of the (stretched) means.
function reference(frames: readonly number[][], window: number, interpolation: SqueezeInterpolation): number[][] {
  return frames.map((row) => {
    const T = row.length
    const width = window < 1 ? T : Math.min(window, T)
    const means = Array.from({ length: T - width + 1 }, (_, p) => mean(row.slice(p, p + width)))
    const P = means.length
    return row.map((x, i) => {
      if (interpolation === 'nearest') return x * sigmoid(means[Math.floor((i * P) / T)]!)
      if (interpolation === 'area') {
        return x * sigmoid(mean(means.slice(Math.floor((i * P) / T), Math.ceil(((i + 1) * P) / T))))
      }
      const at = Math.max(0, ((i + 0.5) * P) / T - 0.5)
      const low = Math.min(Math.floor(at), P - 1)
      const high = Math.min(low + 1, P - 1)
      return x * sigmoid(means[low]! + (means[high]! - means[low]!) * (at - low))
    })
  })
}

describe('SqueezeExcite', () => {
  const frames = (T: number) => [0, 1].map((c) => Array.from({ length: T }, (_, t) => 1 + Math.sin(3 * c + t * t)))

  it.each(['nearest', 'linear', 'area'] as const)('stretches means over a window by %s', async (interpolation) => {
    for (const [T, window] of [
      [13, 4],
      [13, 13],
      [13, 1],
      [1, 1],
    ] as const) {
      const got = await run(frames(T), window, interpolation)
      const want = reference(frames(T), window, interpolation)
      got.flat().forEach((value, i) => {
        expect(value).toBeCloseTo(want.flat()[i]!, 5)
      })
    }
  })

  it('averages all frames when there are fewer than the window, or no window', async () => {
    for (const window of [9, -1]) {
      const got = await run(frames(6), window, 'nearest')
      got.flat().forEach((value, i) => {
        expect(value).toBeCloseTo(reference(frames(6), -1, 'nearest').flat()[i]!, 5)
      })
    }
  })

  it('has two weights without bias', () => {
    const module = new SqueezeExcite(16, { reductionRatio: 8, activation: activation('relu') })
    expect([...module.namedTensors()].map(([name, tensor]) => `${name} ${tensor}`)).toEqual([
      'fc.0.weight float32[2, 16]',
      'fc.2.weight float32[16, 2]',
    ])
  })
})
