import { compile, constant, input, ort } from '@nemo/graph'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { powerSpectrogram } from './powerSpectrogram.js'
import { windowFunction } from './window.js'

const runtime = ort({ threads: 1 })

async function run(signal: readonly number[], options: Parameters<typeof powerSpectrogram>[1]) {
  const x = input('x', 'float32', ['B', 'L'])
  const program = await compile({ power: powerSpectrogram(x, options) }, { runtime })
  const { power } = await program.run({ x: [signal] })
  await program.dispose()
  return power
}

// The definition, frame by frame and bin by bin.
function reference(signal: readonly number[], fftSize: number, window: Float32Array, hop: number, center: boolean) {
  const half = center ? Math.floor(fftSize / 2) : 0
  const at = (i: number) => signal[i < 0 ? -i : i >= signal.length ? 2 * (signal.length - 1) - i : i]!
  const frames = Math.floor((signal.length + 2 * half - fftSize) / hop) + 1
  const before = Math.floor((fftSize - window.length) / 2)
  const bins = Math.floor(fftSize / 2) + 1
  return Array.from({ length: bins }, (_, k) =>
    Array.from({ length: frames }, (_, t) => {
      let [re, im] = [0, 0]
      for (let n = 0; n < window.length; n++) {
        const sample = at(t * hop - half + before + n) * window[n]!
        re += sample * Math.cos((2 * Math.PI * k * n) / fftSize)
        im += sample * Math.sin((2 * Math.PI * k * n) / fftSize)
      }
      return re * re + im * im
    }),
  )
}

describe('powerSpectrogram', () => {
  it('equals the definition for any geometry', async () => {
    const geometry = fc
      .record({
        fftSize: fc.integer({ min: 2, max: 24 }),
        share: fc.double({ min: 0.1, max: 1, noNaN: true }),
        hopSamples: fc.integer({ min: 1, max: 9 }),
        extra: fc.integer({ min: 0, max: 20 }),
        center: fc.boolean(),
        seed: fc.integer(),
      })
      .map((g) => ({ ...g, windowSamples: Math.max(1, Math.round(g.fftSize * g.share)) }))
    await fc.assert(
      fc.asyncProperty(geometry, async ({ fftSize, windowSamples, hopSamples, extra, center, seed }) => {
        const signal = Array.from({ length: fftSize + 1 + extra }, (_, i) => Math.sin(seed + 1.7 * i * i))
        const window = windowFunction('hamming', windowSamples)
        const power = await run(signal, { fftSize, windowSamples, hopSamples, window: constant(window), center })
        const want = reference(signal, fftSize, window, hopSamples, center)
        expect(power.shape).toEqual([1, want.length, want[0]!.length])
        want.flat().forEach((value, i) => {
          expect(power.data[i]).toBeCloseTo(value, 3)
        })
      }),
      { numRuns: 40, seed: 1 },
    )
  })

  it('computes only the bins it is asked for', async () => {
    const signal = Array.from({ length: 40 }, (_, i) => Math.cos(i * i))
    const options = { fftSize: 16, windowSamples: 12, hopSamples: 5 }
    const all = await run(signal, options)
    const some = await run(signal, { ...options, bins: [2, 6] })
    const frames = all.shape[2]!
    expect(some.shape).toEqual([1, 4, frames])
    expect([...some.data]).toEqual([...all.data].slice(2 * frames, 6 * frames))
  })

  it('refuses a window longer than the transform', () => {
    const x = input('x', 'float32', [1, 100])
    expect(() => powerSpectrogram(x, { fftSize: 16, windowSamples: 17, hopSamples: 4 })).toThrow(
      /window of 17 samples does not fit into a transform of 16/,
    )
  })
})
