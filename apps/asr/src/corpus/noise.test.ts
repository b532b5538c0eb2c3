import { RandomGenerator } from '@nemo/audio'
import { describe, expect, it } from 'vitest'
import { addNoise, makeBabble, makeNoise, rootMeanSquare, speechRms } from './noise.js'

const sampleRate = 16000

describe('makeNoise', () => {
  it.each(['white', 'pink', 'brown', 'hum'] as const)(
    '%s has unit root mean square and repeats with its seed',
    (colour) => {
      const noise = makeNoise(colour, 16000, sampleRate, new RandomGenerator(3))
      expect(rootMeanSquare(noise)).toBeCloseTo(1, 4)
      expect(
        Buffer.compare(
          Buffer.from(noise.buffer),
          Buffer.from(makeNoise(colour, 16000, sampleRate, new RandomGenerator(3)).buffer),
        ),
      ).toBe(0)
    },
  )

  it('falls by 3 dB an octave when pink and 6 when brown', () => {
    for (const [colour, slope] of [
      ['white', 0],
      ['pink', -3],
      ['brown', -6],
    ] as const) {
      const noise = makeNoise(colour, 1 << 17, sampleRate, new RandomGenerator(1))
      // Two octaves apart.
      const fall = (10 * Math.log10(powerAt(noise, 2000) / powerAt(noise, 500))) / 2
      expect(fall).toBeGreaterThan(slope - 1.2)
      expect(fall).toBeLessThan(slope + 1.2)
    }
  })
})

describe('makeBabble', () => {
  it('repeats short clips to fill the length', () => {
    const clip = Float32Array.from({ length: 100 }, (_, t) => Math.sin(t))
    const babble = makeBabble([clip], 1000, 3, new RandomGenerator(1))
    expect(babble.length).toBe(1000)
    expect(rootMeanSquare(babble)).toBeCloseTo(1, 4)
  })
})

describe('addNoise', () => {
  it('reaches the wanted ratio of speech to noise, pauses not counted', () => {
    const speech = new Float32Array(32000)
    for (let t = 8000; t < 16000; t++) speech[t] = 0.3 * Math.sin(t)
    const before = speech.slice()
    addNoise(speech, makeNoise('white', speech.length, sampleRate, new RandomGenerator(2)), 20, sampleRate)
    const added = speech.map((sample, t) => sample - before[t]!)
    expect(20 * Math.log10(speechRms(before, sampleRate) / rootMeanSquare(added))).toBeCloseTo(20, 1)
  })

  it('leaves silence silent', () => {
    const silence = new Float32Array(100)
    addNoise(silence, makeNoise('white', 100, sampleRate, new RandomGenerator(2)), 10, sampleRate)
    expect(silence.every((sample) => sample === 0)).toBe(true)
  })
})

/** Mean power in a band a tenth of an octave wide, by single Fourier bins of 4096 samples. */
function powerAt(samples: Float32Array, hz: number): number {
  const size = 4096
  let power = 0
  for (let start = 0; start + size <= samples.length; start += size) {
    for (let offset = -3; offset <= 3; offset++) {
      const step = (2 * Math.PI * (Math.round((hz * size) / sampleRate) + offset)) / size
      let [re, im] = [0, 0]
      for (let t = 0; t < size; t++) {
        const window = 1 - Math.cos((2 * Math.PI * t) / size)
        re += window * samples[start + t]! * Math.cos(step * t)
        im += window * samples[start + t]! * Math.sin(step * t)
      }
      power += re * re + im * im
    }
  }
  return power
}
