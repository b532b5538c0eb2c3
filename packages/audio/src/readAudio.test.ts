import { closeSync, mkdtempSync, openSync, readdirSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fixture, fixtureBytes } from '../test/npy.js'
import { chunk, fmt, riff, u16 } from '../test/wavBytes.js'
import { AudioSegment } from './audioSegment.js'
import { decodeAudio } from './decodeAudio.js'
import {
  AudioArgumentError,
  AudioEmptyError,
  AudioError,
  AudioFileError,
  AudioFormatError,
  AudioRangeError,
  AudioTruncatedError,
  SampleRateError,
} from './errors.js'
import { readAudio, readAudioClip } from './readAudio.js'
import { resample } from './resample.js'
import { writeWav } from './writeWav.js'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nemo-audio-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function write(name: string, bytes: Uint8Array | string): string {
  const path = join(folder, name)
  writeFileSync(path, bytes)
  return path
}

describe('readAudio', () => {
  it.each(['speech-24.wav', 'speech.flac', 'speech.mp3'])(
    'offset and duration cut the same part of %s as of all of it',
    async (file) => {
      const path = fixture(`formats/${file}`)
      const whole = await readAudio(path)
      await fc.assert(
        fc.asyncProperty(
          fc.double({ min: 0, max: 0.249, noNaN: true }),
          fc.double({ min: -1, max: 0.4, noNaN: true }),
          async (offset, duration) => {
            const first = Math.floor(offset * 22050)
            const count = duration > 0 ? Math.floor(duration * 22050) : whole.numSamples
            fc.pre(count > 0)
            const part = await readAudio(path, { offset, duration })
            expect(part.samples).toEqual(whole.samples.slice(first, first + count))
          },
        ),
        { numRuns: file.endsWith('wav') ? 60 : 8, seed: 14 },
      )
    },
  )

  it('reads only the part asked for, however large the file', async () => {
    // A sparse file: 3 GiB of zeros with four samples at 100 s.
    const path = join(folder, 'large.wav')
    const dataBytes = 3 * 2 ** 30
    const header = riff([fmt({ sampleRate: 16000 }), chunk('data', [], dataBytes)], { size: dataBytes + 36 })
    const file = openSync(path, 'w')
    writeSync(file, header)
    writeSync(file, Uint8Array.from([1, 2, 3, 4].flatMap(u16)), 0, 8, header.length + 2 * 1_600_000)
    closeSync(file)
    truncateSync(path, header.length + dataBytes)
    const { samples } = await readAudio(path, { offset: 100, duration: 4 / 16000 })
    expect(Array.from(samples)).toEqual([1, 2, 3, 4].map((s) => s / 0x8000))
  })

  it('chunks that stand far from the start of the file are found', async () => {
    const path = write('list.wav', riff([chunk('LIST', new Uint8Array(20_001)), fmt({}), chunk('data', u16(0x4000))]))
    expect(Array.from((await readAudio(path)).samples)).toEqual([0.5])
  })

  it('resamples to the rate wanted, and notes the rate it is asked to', async () => {
    const path = fixture('formats/speech.wav')
    const own = await readAudio(path)
    const read = await readAudio(path, { sampleRate: 16000, origSr: 22050 })
    expect([read.sampleRate, read.origSr]).toEqual([16000, 22050])
    expect(read.samples).toEqual(resample(own.samples, 22050, 16000))
    expect((await readAudio(path, { sampleRate: 16000 })).origSr).toBe(16000)
  })

  it('takes file URLs', async () => {
    const path = fixture('formats/speech.wav')
    expect(await readAudio(pathToFileURL(path))).toEqual(await readAudio(path))
    expect(await readAudio(pathToFileURL(path).href)).toEqual(await readAudio(path))
  })

  it('all channels come as a clip', async () => {
    const path = fixture('formats/six-24.wav')
    const clip = await readAudioClip(path)
    expect(clip).toEqual(await decodeAudio(fixtureBytes('formats/six-24.wav')))
    expect((await readAudio(path, { channel: 5 })).samples).toEqual(clip.channels[5])
  })

  it.each([
    [
      'a missing file',
      'no.wav',
      {},
      AudioFileError,
      'no.wav: the file cannot be opened: it does not exist. Check the path.',
    ],
    ['a folder', '.', {}, AudioFileError, 'the file cannot be opened'],
    [
      'a channel that is not there',
      'mono.wav',
      { channel: 1 },
      AudioRangeError,
      'mono.wav: channel 1 does not exist: the audio has 1 channel(s)',
    ],
    [
      'an offset past the end',
      'mono.wav',
      { offset: 9 },
      AudioRangeError,
      'the offset of 9 s lies at or past the end of the audio (0.000375 s)',
    ],
    ['a negative offset', 'mono.wav', { offset: -1 }, AudioArgumentError, 'found offset -1'],
    ['an offset that is no number', 'mono.wav', { offset: Number.NaN }, AudioArgumentError, 'found offset NaN'],
    [
      'another rate when strict',
      'mono.wav',
      { sampleRate: 16000, strictSampleRate: true },
      SampleRateError,
      'mono.wav: expected 16000 Hz, found 8000 Hz',
    ],
    ['an empty file', 'empty.wav', {}, AudioEmptyError, 'empty.wav: expected audio, found an empty file (0 bytes)'],
    [
      'a file without samples',
      'none.wav',
      {},
      AudioEmptyError,
      'none.wav: expected audio, found a file without samples',
    ],
    ['a duration below one sample', 'mono.wav', { duration: 1e-9 }, AudioEmptyError, 'without samples'],
    ['a truncated file', 'cut.wav', {}, AudioTruncatedError, 'cut.wav: expected 6 bytes of samples, found 5'],
    [
      'text',
      'text.wav',
      {},
      AudioFormatError,
      'text.wav: expected WAV, FLAC, MP3, Ogg Vorbis or Ogg Opus, found 5 bytes of unknown content',
    ],
  ])('%s', async (_, name, options, kind, message) => {
    const mono = riff([fmt({}), chunk('data', [1, 2, 3].flatMap(u16))])
    write('mono.wav', mono)
    write('cut.wav', mono.subarray(0, mono.length - 1))
    write('none.wav', riff([fmt({}), chunk('data', [])]))
    write('empty.wav', '')
    write('text.wav', 'hello')
    const error = await readAudio(join(folder, name), options).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(kind)
    expect(String(error)).toContain(message)
    expect((error as AudioError).source).toBe(join(folder, name))
  })

  it('damaged files on disk give audio or a named error', async () => {
    const bytes = fixtureBytes('formats/six-24.wav')
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(80), fc.nat(7)), { maxLength: 4 }), fc.nat(), async (flips, length) => {
        const copy = bytes.slice(0, length % (bytes.length + 1))
        for (const [position, bit] of flips) if (position < copy.length) copy[position]! ^= 1 << bit
        await readAudio(write('fuzz.wav', copy), { allowTruncated: true }).catch((error: unknown) =>
          expect(error).toBeInstanceOf(AudioError),
        )
      }),
      { numRuns: 300, seed: 15 },
    )
  })
})

describe('writeWav', () => {
  it('what is written reads back, folders made', async () => {
    const path = join(folder, 'a/b/c.wav')
    const segment = new AudioSegment(Float32Array.of(0, 0.25, -1), 11025)
    await writeWav(path, segment)
    expect(await readAudio(path)).toEqual(segment)
    const clip = { sampleRate: 8000, channels: [Float32Array.of(0.1, 2), Float32Array.of(-0.3, 0)] }
    await writeWav(path, clip, { encoding: 'float32' })
    expect(await readAudioClip(path)).toEqual(clip)
    expect(readdirSync(join(folder, 'a/b'))).toEqual(['c.wav'])
  })

  it('a path that cannot be written is a file error, and leaves nothing behind', async () => {
    const path = write('file', 'x')
    const segment = new AudioSegment(new Float32Array(1), 8000)
    await expect(writeWav(join(path, 'c.wav'), segment)).rejects.toThrow(AudioFileError)
    await expect(writeWav(folder, segment)).rejects.toThrow(AudioFileError)
    expect(readdirSync(folder)).toEqual(['file'])
  })
})
