import { AudioSegment, perturbationNames, processAugmentations, RandomGenerator } from '@nemo/audio'
import { describe, expect, it } from 'vitest'
import { limitBand } from './bandFilter.js'
import { rootMeanSquare } from './noise.js'
import { addRoomEcho } from './roomEcho.js'
import { changeVoice, registerSpeechPerturbations } from './speechPerturbations.js'
import { stretchTime } from './timeStretch.js'

const sampleRate = 16000
const tone = (hz: number, length = 16000) =>
  Float32Array.from({ length }, (_, t) => 0.5 * Math.sin((2 * Math.PI * hz * t) / sampleRate))

describe('stretchTime', () => {
  it.each([0.5, 0.8, 1, 1.3, 2])('by %f keeps the pitch', (factor) => {
    const stretched = stretchTime(tone(200), sampleRate, factor)
    expect(stretched.length).toBe(Math.round(16000 * factor))
    expect(toneHz(stretched)).toBeCloseTo(200, -0.9)
    expect(rootMeanSquare(stretched.subarray(500, -500))).toBeCloseTo(0.5 / Math.SQRT2, 1)
  })

  it('copies what is shorter than two frames', () => {
    expect(stretchTime(new Float32Array(0), sampleRate, 2).length).toBe(0)
    expect(stretchTime(tone(200, 300), sampleRate, 2).length).toBe(300)
  })

  it('refuses factors beyond 4', () => {
    expect(() => stretchTime(tone(200), sampleRate, 5)).toThrow('found 5')
  })
})

describe('changeVoice', () => {
  it('moves all frequencies by the size and the length by the duration', () => {
    const changed = changeVoice(tone(300), sampleRate, 1.25, 0.9)
    expect(toneHz(changed)).toBeCloseTo(240, -0.9)
    expect(changed.length).toBe(14400)
  })

  it('gives an empty clip for an empty clip', () => {
    expect(changeVoice(new Float32Array(0), sampleRate, 1.2, 1).length).toBe(0)
  })
})

describe('limitBand', () => {
  const gainDb = (hz: number, band: Parameters<typeof limitBand>[2]) => {
    const samples = tone(hz)
    limitBand(samples, sampleRate, band)
    return 20 * Math.log10(rootMeanSquare(samples.subarray(4000)) / (0.5 / Math.SQRT2))
  }

  it('lets a telephone band through and little else', () => {
    const telephone = { lowHz: 300, highHz: 3400 }
    expect(gainDb(1000, telephone)).toBeCloseTo(0, 0)
    expect(gainDb(75, telephone)).toBeLessThan(-22)
    expect(gainDb(7000, telephone)).toBeLessThan(-14)
  })

  it('raises and lowers around a peak', () => {
    expect(gainDb(1000, { peaks: [{ hz: 1000, gainDb: 6 }] })).toBeCloseTo(6, 0)
    expect(gainDb(1000, { peaks: [{ hz: 1000, gainDb: -6 }] })).toBeCloseTo(-6, 0)
    expect(gainDb(100, { peaks: [{ hz: 1000, gainDb: 6 }] })).toBeCloseTo(0, 0)
  })

  it('tilts the spectrum', () => {
    expect(gainDb(200, { tiltDb: 6 })).toBeCloseTo(0, 0)
    expect(gainDb(6000, { tiltDb: 6 })).toBeCloseTo(6, 0)
    expect(gainDb(6000, { tiltDb: -6 })).toBeCloseTo(-6, 0)
  })
})

describe('addRoomEcho', () => {
  it('adds an echo of the given level that falls by 60 dB in the reverberation time', () => {
    const samples = new Float32Array(16000)
    samples[0] = 1
    addRoomEcho(samples, sampleRate, {
      reverberationSeconds: 0.3,
      echoDb: -10,
      combSeconds: [0.0113, 0.0147, 0.0191, 0.0237],
    })
    expect(samples[0]).toBe(1)
    const tail = samples.subarray(1)
    const energy = (from: number, to: number) => rootMeanSquare(tail.subarray(from * sampleRate, to * sampleRate)) ** 2
    expect(10 * Math.log10(tail.reduce((sum, sample) => sum + sample * sample, 0))).toBeCloseTo(-10, 1)
    const fall = 10 * Math.log10(energy(0.05, 0.1) / energy(0.2, 0.25))
    expect(fall).toBeGreaterThan(20)
    expect(fall).toBeLessThan(40)
  })
})

describe('registerSpeechPerturbations', () => {
  it('makes them known to configs, as pure functions of their seed', async () => {
    registerSpeechPerturbations()
    expect(perturbationNames()).toEqual(expect.arrayContaining(['voice', 'room_echo', 'band', 'coloured_noise']))
    const augmentor = processAugmentations({
      voice: { prob: 1, min_size: 0.8, max_size: 1.2 },
      room_echo: { prob: 1 },
      band: { prob: 1, telephone: 1 },
      coloured_noise: { prob: 1, min_snr_db: 10, max_snr_db: 20 },
    })
    const segment = new AudioSegment(tone(300, 8000), sampleRate)
    const first = await augmentor!.perturb(segment, new RandomGenerator(1, 2))
    const second = await augmentor!.perturb(segment, new RandomGenerator(1, 2))
    const other = await augmentor!.perturb(segment, new RandomGenerator(1, 3))
    expect(first.samples).toEqual(second.samples)
    expect(other.samples).not.toEqual(first.samples)
    expect(segment.samples).toEqual(tone(300, 8000))
    expect(first.numSamples).toBeLessThanOrEqual(augmentor!.maxAugmentationLength(8000))
  })

  it('refuses unknown options', () => {
    expect(() => processAugmentations({ voice: { prob: 1, loudness: 3 } })).toThrow('loudness')
  })
})

/** By counting upward zero crossings of the middle. */
function toneHz(samples: Float32Array): number {
  const middle = samples.subarray(Math.floor(samples.length * 0.1), Math.floor(samples.length * 0.9))
  let crossings = 0
  for (let t = 1; t < middle.length; t++) if (middle[t - 1]! < 0 && middle[t]! >= 0) crossings++
  return (crossings * sampleRate) / middle.length
}
