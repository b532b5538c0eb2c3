import { compile, constant, input, ort } from '@nemo/graph'
import { describe, expect, it } from 'vitest'
import { melFilterbank } from './melFilterbank.js'
import { dctMatrix, mfcc } from './mfcc.js'

describe('dctMatrix', () => {
  it('is orthonormal', () => {
    const { data } = dctMatrix(12, 12, { ortho: true })
    for (let a = 0; a < 12; a++) {
      for (let b = 0; b < 12; b++) {
        let dot = 0
        for (let n = 0; n < 12; n++) dot += data[n * 12 + a]! * data[n * 12 + b]!
        expect(dot).toBeCloseTo(a === b ? 1 : 0, 5)
      }
    }
  })

  it('doubles plain cosines otherwise', () => {
    const { data, shape } = dctMatrix(2, 4)
    expect(shape).toEqual([4, 2])
    expect(data[2 * 2]).toBe(2)
    expect(data[2 * 2 + 1]).toBeCloseTo(2 * Math.cos((Math.PI / 4) * 2.5), 6)
  })

  it('has no more coefficients than bins', () => {
    expect(() => dctMatrix(5, 4)).toThrow(/5 coefficients cannot be had from 4 mel bins/)
  })
})

describe('mfcc', () => {
  it('cuts decibels 80 below the loudest bin of the batch', async () => {
    const bank = melFilterbank({ sampleRate: 8000, fftSize: 64, melBins: 4, scale: 'htk', norm: 'none' })
    const transposed = new Float32Array(33 * 4)
    for (let m = 0; m < 4; m++) for (let k = 0; k < 33; k++) transposed[k * 4 + m] = bank.data[m * 33 + k]!
    const identity = Float32Array.from({ length: 16 }, (_, i) => (i % 5 === 0 ? 1 : 0))
    const x = input('x', 'float32', [2, 'L'])
    const y = mfcc(x, {
      fftSize: 64,
      windowSamples: 64,
      hopSamples: 32,
      filterbank: constant({ dtype: 'float32', shape: [33, 4], data: transposed }),
      dct: constant({ dtype: 'float32', shape: [4, 4], data: identity }),
      logMels: false,
    })
    const loud = Array.from({ length: 128 }, (_, i) => Math.sin(0.5 * i))
    const { y: levels } = await (await compile({ y }, { runtime: ort({ threads: 1 }) })).run({
      x: [loud, loud.map(() => 0)],
    })
    const values = [...levels.data].map(Number)
    expect(Math.min(...values)).toBeCloseTo(Math.max(...values) - 80, 3)
  })
})
