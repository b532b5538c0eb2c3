// References: ffmpeg's decoding, made by test/makeFixtures.sh.
import { describe, expect, it } from 'vitest'
import { fixtureBytes } from '../test/npy.js'
import { decodeAudio, detectAudioFormat } from './decodeAudio.js'
import { AudioEmptyError, AudioFormatError, AudioTruncatedError } from './errors.js'

/** Interleaved integers as one array per channel. */
function reference(name: string, channels: number): Float32Array[] {
  const bytes = fixtureBytes(`formats/${name}`)
  const integers = name.endsWith('s32le') ? new Int32Array(bytes.buffer) : new Int16Array(bytes.buffer)
  const scale = name.endsWith('s32le') ? 2 ** 31 : 2 ** 15
  return Array.from({ length: channels }, (_, c) =>
    Float32Array.from({ length: integers.length / channels }, (_, t) => integers[t * channels + c]! / scale),
  )
}

/** Half a 16-bit step: what rounding the reference to integers costs. */
const ROUNDING = 0.51 / 32768

describe('files decode to what ffmpeg decodes', () => {
  it.each([
    { file: 'speech-alaw.wav', bits: 16, channels: 1, sampleRate: 22050, tolerance: 0 },
    { file: 'speech-mulaw.wav', bits: 16, channels: 1, sampleRate: 22050, tolerance: 0 },
    { file: 'six-24.wav', bits: 32, channels: 6, sampleRate: 22050, tolerance: 0 },
    { file: 'speech.flac', bits: 16, channels: 1, sampleRate: 22050, tolerance: 0 },
    { file: 'stereo-24.flac', bits: 32, channels: 2, sampleRate: 22050, tolerance: 0 },
    { file: 'stereo.oga', bits: 16, channels: 2, sampleRate: 22050, tolerance: ROUNDING },
    { file: 'speech.mp3', bits: 16, channels: 1, sampleRate: 22050, tolerance: ROUNDING },
    { file: 'stereo.mp3', bits: 16, channels: 2, sampleRate: 44100, tolerance: ROUNDING },
    // Two roundings: libopus hands ffmpeg 16-bit samples of its own.
    { file: 'stereo.opus', bits: 16, channels: 2, sampleRate: 48000, tolerance: 2 * ROUNDING },
    { file: 'six.opus', bits: 16, channels: 6, sampleRate: 48000, tolerance: 2 * ROUNDING },
  ])('$file', async ({ file, bits, channels, sampleRate, tolerance }) => {
    const clip = await decodeAudio(fixtureBytes(`formats/${file}`), { source: file })
    const want = reference(`${file}.s${bits}le`, channels)
    expect(clip.sampleRate).toBe(sampleRate)
    expect(clip.channels.length).toBe(channels)
    clip.channels.forEach((samples, c) => {
      expect(samples.length).toBe(want[c]!.length)
      samples.forEach((sample, t) => {
        expect(Math.abs(sample - want[c]![t]!)).toBeLessThanOrEqual(tolerance)
      })
    })
  })

  it('stereo.ogg, cut where its last page says; ffmpeg keeps 20 samples of padding', async () => {
    const clip = await decodeAudio(fixtureBytes('formats/stereo.ogg'))
    const want = reference('stereo.ogg.s16le', 2)
    expect(clip.channels.map((samples) => samples.length)).toEqual([3308, 3308])
    clip.channels.forEach((samples, c) => {
      samples.forEach((sample, t) => {
        expect(Math.abs(sample - want[c]![t]!)).toBeLessThanOrEqual(ROUNDING)
      })
    })
  })

  it('16-bit FLAC, 24-bit WAV and 16-bit WAV of one recording are the same samples', async () => {
    const clips = await Promise.all(
      ['speech.wav', 'speech-24.wav', 'speech.flac'].map((file) => decodeAudio(fixtureBytes(`formats/${file}`))),
    )
    expect(clips[1]).toEqual(clips[0])
    expect(clips[2]).toEqual(clips[0])
  })
})

describe('formats are told by content', () => {
  it.each([
    ['speech.wav', 'wav'],
    ['speech.flac', 'flac'],
    ['speech.mp3', 'mp3'],
    ['stereo.ogg', 'ogg-vorbis'],
    ['stereo.opus', 'ogg-opus'],
    ['stereo.oga', 'ogg-flac'],
  ])('%s is %s', (file, format) => {
    expect(detectAudioFormat(fixtureBytes(`formats/${file}`))).toBe(format)
  })

  it('an ID3v2 tag may stand before FLAC', async () => {
    const flac = fixtureBytes('formats/speech.flac')
    const tagged = Uint8Array.from([0x49, 0x44, 0x33, 4, 0, 0, 0, 0, 0, 3, 1, 2, 3, ...flac])
    expect(await decodeAudio(tagged)).toEqual(await decodeAudio(flac))
  })

  it.each([
    ['an MP4/M4A file', '\0\0\0\u0020ftypM4A '],
    ['a WebM/Matroska file', '\u001aE\u00df\u00a3'],
    ['an AIFF file', 'FORM\0\0\0\0AIFF'],
    ['an HTML or XML page', '<!DOCTYPE html>'],
    ['a Git LFS pointer', 'version https://git-lfs.github.com/spec/v1'],
    ['9 bytes of unknown content (68 65 6c 6c 6f 20 79 6f ...)', 'hello you'],
  ])('%s is named in the error', async (name, text) => {
    const bytes = Uint8Array.from(text, (letter) => letter.charCodeAt(0))
    const error = await decodeAudio(bytes, { source: 'x.wav' }).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(AudioFormatError)
    expect(String(error)).toContain(`x.wav: expected WAV, FLAC, MP3, Ogg Vorbis or Ogg Opus, found ${name}`)
  })

  it('no bytes are an error of their own', async () => {
    await expect(decodeAudio(new Uint8Array())).rejects.toThrow(AudioEmptyError)
  })
})

describe('files that end early', () => {
  it.each(['speech.wav', 'speech.flac', 'stereo.ogg', 'stereo.opus', 'stereo.oga'])('%s is truncated', async (file) => {
    const bytes = fixtureBytes(`formats/${file}`)
    await expect(decodeAudio(bytes.subarray(0, bytes.length - 300))).rejects.toThrow(AudioTruncatedError)
  })

  it.each(['speech.wav', 'speech.flac'])('%s gives its start when that is allowed', async (file) => {
    const bytes = fixtureBytes(`formats/${file}`)
    const whole = await decodeAudio(bytes)
    const part = await decodeAudio(bytes.subarray(0, bytes.length - 300), { allowTruncated: true })
    const length = part.channels[0]!.length
    expect(length).toBeGreaterThan(0)
    expect(length).toBeLessThan(whole.channels[0]!.length)
    expect(part.channels[0]).toEqual(whole.channels[0]!.subarray(0, length))
  })
})
