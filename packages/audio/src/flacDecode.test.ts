import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fixtureBytes } from '../test/npy.js'
import { AudioError, AudioFormatError, AudioTruncatedError } from './errors.js'
import { decodeFlac, parseFlacStreamInfo } from './flacDecode.js'

const speech = fixtureBytes('formats/speech.flac')
const info = parseFlacStreamInfo(speech)

describe('FLAC', () => {
  it('stream info', () => {
    expect(info).toMatchObject({ sampleRate: 22050, channels: 1, bitsPerSample: 16, totalSamples: 5513 })
  })

  it('decoding may stop early', () => {
    const whole = decodeFlac(speech).channels[0]!
    expect(decodeFlac(speech, { maxSamples: 100 }).channels[0]).toEqual(whole.subarray(0, 100))
    expect(decodeFlac(speech, { maxSamples: 5000 }).channels[0]).toEqual(whole.subarray(0, 5000))
    expect(decodeFlac(speech, { maxSamples: 9999 }).channels[0]).toEqual(whole)
  })

  it('a flipped bit in a frame is found by its CRC', () => {
    const damaged = speech.slice()
    damaged[info.framesOffset + 700]! ^= 4
    expect(() => decodeFlac(damaged, { source: 'a.flac' })).toThrow(AudioFormatError)
    expect(() => decodeFlac(damaged, { source: 'a.flac' })).toThrow(
      /^a\.flac: the FLAC frame at byte \d+ is damaged: its CRC-16/,
    )
  })

  it('missing frames are an error that counts samples', () => {
    const cut = speech.subarray(0, info.framesOffset)
    expect(() => decodeFlac(cut)).toThrow('expected 5513 samples, found 0')
    expect(() => decodeFlac(cut)).toThrow(AudioTruncatedError)
  })

  it('an unknown total decodes to the end', () => {
    const streamed = speech.slice()
    // 36 bits of STREAMINFO, after 4 + 4 + 13 bytes and 4 bits.
    streamed[21]! &= 0xf0
    streamed.fill(0, 22, 26)
    expect(decodeFlac(streamed)).toEqual(decodeFlac(speech))
  })

  it('flipped bits and cuts give audio or a named error', () => {
    const flips = fc.array(fc.record({ position: fc.oneof(fc.nat(60), fc.nat()), bit: fc.nat(7) }), { maxLength: 6 })
    const file = fc.constantFrom(speech, fixtureBytes('formats/stereo-24.flac'))
    fc.assert(
      fc.property(file, flips, fc.option(fc.nat()), fc.boolean(), (bytes, at, length, allowTruncated) => {
        const copy = bytes.slice(0, length === null ? undefined : length % bytes.length)
        for (const { position, bit } of at) if (copy.length > 0) copy[position % copy.length]! ^= 1 << bit
        try {
          const clip = decodeFlac(copy, { allowTruncated })
          expect(clip.channels.length).toBeGreaterThan(0)
        } catch (error) {
          expect(error).toBeInstanceOf(AudioError)
        }
      }),
      { numRuns: 400, seed: 3 },
    )
  })
})
