import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { convolveFull, fft } from './fft.js'

const signal = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { maxLength: 70 })

describe('fft', () => {
  it('equals the sum that defines it', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 6 }),
        fc.infiniteStream(fc.double({ min: -1, max: 1, noNaN: true })),
        (log, numbers) => {
          const values = [...numbers.take(2 ** (log + 1))]
          const [re, im] = [values.slice(0, 2 ** log), values.slice(2 ** log)]
          const data = { real: Float64Array.from(re), imaginary: Float64Array.from(im) }
          fft(data)
          re.forEach((_, k) => {
            let [sumRe, sumIm] = [0, 0]
            re.forEach((__, t) => {
              const angle = (-2 * Math.PI * k * t) / re.length
              sumRe += re[t]! * Math.cos(angle) - im[t]! * Math.sin(angle)
              sumIm += re[t]! * Math.sin(angle) + im[t]! * Math.cos(angle)
            })
            expect(data.real[k]).toBeCloseTo(sumRe, 10)
            expect(data.imaginary[k]).toBeCloseTo(sumIm, 10)
          })
        },
      ),
      { numRuns: 50, seed: 10 },
    )
  })

  it('convolution equals the sum that defines it', () => {
    fc.assert(
      fc.property(signal, signal, (a, b) => {
        const full = convolveFull(Float32Array.from(a), Float32Array.from(b))
        expect(full.length).toBe(a.length === 0 || b.length === 0 ? 0 : a.length + b.length - 1)
        full.forEach((value, n) => {
          const want = a.reduce((sum, x, t) => sum + x * (b[n - t] ?? 0), 0)
          expect(value).toBeCloseTo(want, 4)
        })
      }),
      { numRuns: 100, seed: 11 },
    )
  })
})
