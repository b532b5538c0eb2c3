import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { melFilterbank, usedBins } from './melFilterbank.js'
import { hzToMel, melToHz } from './melScale.js'

const options = { sampleRate: 16000, fftSize: 512, melBins: 64 }

describe('mel scales', () => {
  it('are inverses of their formulas', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 24000, noNaN: true }), fc.constantFrom('slaney', 'htk'), (hz, scale) => {
        expect(melToHz(hzToMel(hz, scale), scale)).toBeCloseTo(hz, 6)
      }),
    )
  })

  it('meet at the known points', () => {
    expect(hzToMel(1000)).toBeCloseTo(15, 10)
    expect(hzToMel(6400)).toBeCloseTo(42, 10)
    expect(hzToMel(1000, 'htk')).toBeCloseTo(999.9855, 3)
  })
})

describe('melFilterbank', () => {
  it('has unit area under every Slaney filter that is wide enough to be sampled', () => {
    const { data, shape } = melFilterbank({ ...options, fftSize: 16384 })
    expect(shape).toEqual([64, 8193])
    for (let m = 0; m < 64; m++) {
      const sum = data.subarray(m * 8193, (m + 1) * 8193).reduce((a, b) => a + b, 0)
      expect((sum * 16000) / 16384).toBeCloseTo(1, 2)
    }
  })

  it('is a partition of unity between its outer centres without norm', () => {
    const { data } = melFilterbank({ ...options, melBins: 20, scale: 'htk', norm: 'none' })
    const sums = Array.from({ length: 257 }, (_, k) => {
      let sum = 0
      for (let m = 0; m < 20; m++) sum += data[m * 257 + k]!
      return sum
    })
    const [first, last] = [sums.findIndex((v) => v > 0.999), sums.findLastIndex((v) => v > 0.999)]
    for (const sum of sums.slice(first, last)) expect(sum).toBeCloseTo(1, 5)
  })

  it('uses neither the bin at its lower nor at its upper edge', () => {
    expect(usedBins(melFilterbank(options))).toEqual([1, 256])
    expect(usedBins(melFilterbank({ ...options, lowHz: 125, highHz: 3500 }))).toEqual([5, 112])
  })

  it('rejects edges and sizes that make no filter', () => {
    expect(() => melFilterbank({ ...options, lowHz: 4000, highHz: 300 })).toThrow(/lowHz 4000 and highHz 300/)
    expect(() => melFilterbank({ ...options, melBins: 2.5 })).toThrow(/melBins must be a whole number >= 1, found 2.5/)
  })

  it('counts all bins as used when all filters are empty', () => {
    expect(usedBins({ dtype: 'float32', shape: [1, 2, 3], data: new Float32Array(6) })).toEqual([0, 3])
  })
})
