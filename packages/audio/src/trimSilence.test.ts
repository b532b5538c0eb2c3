import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RandomGenerator } from './randomGenerator.js'
import { nonSilentRange, trimSilence } from './trimSilence.js'

/** librosa's definition written out: reflected frames one by one. */
function rangeByDefinition(samples: Float32Array, topDb: number, frameLength: number, hopLength: number) {
  const half = frameLength / 2
  const mirrored = (index: number): number => {
    if (index < 0) return mirrored(-index)
    if (index >= samples.length) return mirrored(2 * (samples.length - 1) - index)
    return samples[index]!
  }
  const powers = Array.from({ length: 1 + Math.floor(samples.length / hopLength) }, (_, frame) => {
    let sum = 0
    for (let i = 0; i < frameLength; i++) sum += mirrored(frame * hopLength - half + i) ** 2
    return Math.max(1e-10, sum / frameLength)
  })
  const loudest = Math.max(...powers)
  const loud = powers.map((power) => 10 * Math.log10(power) - 10 * Math.log10(loudest) > -topDb)
  return {
    start: loud.indexOf(true) * hopLength,
    end: Math.min(samples.length, (loud.lastIndexOf(true) + 1) * hopLength),
  }
}

describe('trimSilence', () => {
  it('equals the definition, on clips shorter than half a frame too', () => {
    const parts = fc.array(fc.record({ length: fc.nat(90), levelDb: fc.integer({ min: -90, max: 0 }) }), {
      minLength: 1,
      maxLength: 5,
    })
    fc.assert(
      fc.property(parts, fc.integer({ min: 5, max: 80 }), fc.nat(), (pieces, topDb, seed) => {
        const random = new RandomGenerator(seed)
        const samples = Float32Array.from(
          pieces.flatMap(({ length, levelDb }) => Array.from({ length }, () => 10 ** (levelDb / 20) * random.normal())),
        )
        fc.pre(samples.length > 1)
        const options = { topDb, frameLength: 64, hopLength: 16 }
        expect(nonSilentRange(samples, options)).toEqual(rangeByDefinition(samples, topDb, 64, 16))
      }),
      { numRuns: 200, seed: 9 },
    )
  })

  it('zeros alone are kept whole, as in librosa', () => {
    expect(nonSilentRange(new Float32Array(3000))).toEqual({ start: 0, end: 3000 })
  })

  it('no samples give none; one sample is kept', () => {
    expect(nonSilentRange(new Float32Array())).toEqual({ start: 0, end: 0 })
    expect(trimSilence(Float32Array.of(0.5))).toEqual(Float32Array.of(0.5))
  })
})
