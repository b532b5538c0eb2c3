import { createHash } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { Espeak, type Speech } from './espeak.js'

let espeak: Espeak
beforeAll(async () => {
  espeak = await Espeak.load()
})

describe('Espeak', () => {
  it('speaks digits as mono 22.05 kHz samples inside [-1, 1)', () => {
    const { samples, sampleRate } = espeak.synthesize('one two three')
    expect(sampleRate).toBe(22050)
    expect(samples.length / sampleRate).toBeGreaterThan(0.5)
    expect(samples.every((sample) => sample >= -1 && sample < 1)).toBe(true)
    expect(Math.max(...samples)).toBeGreaterThan(0.1)
  })

  it('gives the same samples whatever was spoken before', () => {
    const first = sound(espeak.synthesize('five', { variant: 'f2' }))
    for (const variant of ['croak', 'f5', 'klatt3', 'm2']) {
      espeak.synthesize('nine zero eight', { voice: 'en-gb-scotland', variant, rateWpm: 300, pitch: 90 })
    }
    expect(() => espeak.synthesize('five', { variant: 'nobody' })).toThrow()
    espeak.synthesize('eins zwei', { voice: 'de' })
    espeak.synthesize('four '.repeat(100))
    expect(sound(espeak.synthesize('five', { variant: 'f2' }))).toBe(first)
  })

  it('gives the same samples in every instance', async () => {
    const other = await Espeak.load()
    for (const variant of ['m3', 'f2', 'croak']) {
      expect(sound(other.synthesize('zero', { variant }))).toBe(sound(espeak.synthesize('zero', { variant })))
    }
  })

  it('knows the accents of English by their language names', () => {
    expect(espeak.voices()).toEqual(
      expect.arrayContaining(['en-us', 'en-gb', 'en-gb-scotland', 'en-gb-x-rp', 'en-029']),
    )
    const accents = ['en-us', 'en-gb', 'en-gb-scotland'].map((voice) => sound(espeak.synthesize('four', { voice })))
    expect(new Set(accents).size).toBe(3)
  })

  it('speaks longer at a lower rate', () => {
    const slow = espeak.synthesize('six seven', { rateWpm: 100 }).samples.length
    const fast = espeak.synthesize('six seven', { rateWpm: 300 }).samples.length
    expect(slow).toBeGreaterThan(1.8 * fast)
  })

  it('speaks as a defined variant', () => {
    espeak.defineVariant('low-voice', ['pitch 60 70'])
    espeak.defineVariant('high-voice', ['pitch 240 280'])
    expect(espeak.variants()).toContain('low-voice')
    const low = pitchHz(espeak.synthesize('nine', { variant: 'low-voice' }))
    const high = pitchHz(espeak.synthesize('nine', { variant: 'high-voice' }))
    expect(low).toBeGreaterThan(50)
    expect(low).toBeLessThan(90)
    expect(high).toBeGreaterThan(190)
    expect(high).toBeLessThan(320)
  })

  it.each([
    [{ voice: 'en-zz' }, 'unknown voice "en-zz"'],
    [{ variant: 'nobody' }, 'unknown variant "nobody"'],
    [{ rateWpm: 20 }, 'rateWpm: expected 80 to 450, found 20'],
    [{ pitch: Number.NaN }, 'pitch: expected 0 to 99, found NaN'],
  ])('refuses %j', (options, message) => {
    expect(() => espeak.synthesize('one', options)).toThrow(message)
  })

  it('refuses a text that is too long or says nothing', () => {
    expect(() => espeak.synthesize('one '.repeat(2000))).toThrow('at most 4096 bytes, found 8000')
    expect(() => espeak.synthesize('')).toThrow('expected words to speak, found ""')
  })

  it('refuses variant names that would leave its folder', () => {
    expect(() => espeak.defineVariant('../m1', [])).toThrow('variant name "../m1"')
  })
})

/** A hash: comparing arrays of samples by their elements takes seconds. */
function sound({ samples }: Speech): string {
  return createHash('sha256').update(new Uint8Array(samples.buffer)).digest('hex')
}

/** By the highest autocorrelation of the middle 80 ms. */
function pitchHz({ samples, sampleRate }: Speech): number {
  const middle = Math.floor(samples.length * 0.4)
  const frame = samples.subarray(middle, middle + Math.round(0.08 * sampleRate))
  let best = 0
  let bestLag = 1
  for (let lag = Math.round(sampleRate / 400); lag < sampleRate / 50; lag++) {
    let sum = 0
    for (let t = lag; t < frame.length; t++) sum += frame[t]! * frame[t - lag]!
    const score = sum / (frame.length - lag)
    if (score > best * 1.02) {
      best = score
      bestLag = lag
    }
  }
  return sampleRate / bestLag
}
