import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fixtureBytes } from '../test/npy.js'
import { ascii, chunk, fmt, riff, u16, u32 } from '../test/wavBytes.js'
import { AudioError, AudioFormatError, AudioTruncatedError } from './errors.js'
import { decodeWav } from './wavDecode.js'
import { encodeWav } from './wavEncode.js'

const samples = [0, 1, -1, 0x7fff, -0x8000]
const data16 = chunk('data', samples.flatMap(u16))
const values16 = samples.map((sample) => sample / 0x8000)

function mono(bytes: Uint8Array, options = {}): number[] {
  return Array.from(decodeWav(bytes, options).channels[0]!)
}

describe('encodings', () => {
  it('8 bits are unsigned', () => {
    expect(mono(riff([fmt({ bits: 8 }), chunk('data', [128, 0, 255, 129])]))).toEqual([0, -1, 127 / 128, 1 / 128])
  })

  it('16 bits', () => {
    expect(mono(riff([fmt({}), data16]))).toEqual(values16)
  })

  it('24 bits', () => {
    const data = chunk('data', [0xff, 0xff, 0xff, 0, 0, 0x80, 0xff, 0xff, 0x7f, 1, 2, 3])
    expect(mono(riff([fmt({ bits: 24 }), data]))).toEqual([-1, -0x800000, 0x7fffff, 0x030201].map((s) => s / 0x800000))
  })

  it('32 bits', () => {
    expect(mono(riff([fmt({ bits: 32 }), chunk('data', [...u32(0x80000000), ...u32(0x40000000)])]))).toEqual([-1, 0.5])
  })

  it('floats of 32 and 64 bits keep values beyond 1', () => {
    const f32 = new Uint8Array(Float32Array.of(1.5, -0.25).buffer)
    const f64 = new Uint8Array(Float64Array.of(1.5, -0.25).buffer)
    expect(mono(riff([fmt({ tag: 3, bits: 32 }), chunk('data', f32)]))).toEqual([1.5, -0.25])
    expect(mono(riff([fmt({ tag: 3, bits: 64 }), chunk('data', f64)]))).toEqual([1.5, -0.25])
  })

  it('A-law and mu-law reach their largest values of G.711', () => {
    expect(mono(riff([fmt({ tag: 6, bits: 8 }), chunk('data', [0xaa, 0x2a, 0xd5, 0x55])]))).toEqual(
      [32256, -32256, 8, -8].map((s) => s / 0x8000),
    )
    expect(mono(riff([fmt({ tag: 7, bits: 8 }), chunk('data', [0x80, 0x00, 0xff, 0x7f])]))).toEqual(
      [32124, -32124, 0, -0].map((s) => s / 0x8000),
    )
  })

  it('WAVE_FORMAT_EXTENSIBLE means its sub-format', () => {
    expect(mono(riff([fmt({ subFormat: 1 }), data16]))).toEqual(values16)
    const f32 = new Uint8Array(Float32Array.of(0.5).buffer)
    expect(mono(riff([fmt({ subFormat: 3, bits: 32 }), chunk('data', f32)]))).toEqual([0.5])
  })

  it('20 valid bits in a 24-bit container are left-justified', () => {
    const bytes = riff([fmt({ subFormat: 1, bits: 24, validBits: 20 }), chunk('data', [0xf0, 0xff, 0x7f])])
    expect(mono(bytes)).toEqual([0x7ffff0 / 0x800000])
  })

  it('12 bits declared in two bytes are left-justified', () => {
    expect(mono(riff([fmt({ bits: 12, blockAlign: 2 }), chunk('data', u16(0x4000))]))).toEqual([0.5])
  })

  it('an unset block alignment follows from the bits', () => {
    expect(mono(riff([fmt({ blockAlign: 0 }), data16]))).toEqual(values16)
  })

  it('many channels are de-interleaved', () => {
    const frames = Array.from({ length: 70 }, (_, i) => u16(i * 100)).flat()
    const clip = decodeWav(riff([fmt({ channels: 35 }), chunk('data', frames)]))
    expect(clip.channels.length).toBe(35)
    expect(Array.from(clip.channels[34]!)).toEqual([3400 / 0x8000, 6900 / 0x8000])
  })
})

describe('chunks', () => {
  it('others are passed over, those of odd size with their pad byte', () => {
    expect(mono(riff([chunk('LIST', [1, 2, 3]), fmt({}), chunk('junk', [7]), data16, chunk('id3 ', [1])]))).toEqual(
      values16,
    )
  })

  it('RF64 takes the data size from its ds64 chunk', () => {
    const ds64 = chunk('ds64', [...u32(0), ...u32(0), ...u32(10), ...u32(0), ...u32(5), ...u32(0), ...u32(0)])
    const data = chunk('data', samples.flatMap(u16), 0xffffffff)
    const trailer = chunk('LIST', [9, 9])
    expect(mono(riff([ds64, fmt({}), data, trailer], { id: 'RF64', size: 0xffffffff }))).toEqual(values16)
  })

  it.each([0xffffffff, 0x7ffff000, 0x7fffffff, 0x80000000])('a streamed data size of %i means to the end', (size) => {
    expect(mono(riff([fmt({}), chunk('data', samples.flatMap(u16), size)], { size: 0xffffffff }))).toEqual(values16)
  })

  it('a data size of 0 under an unset RIFF size means to the end', () => {
    expect(mono(riff([fmt({}), chunk('data', samples.flatMap(u16), 0)], { size: 0 }))).toEqual(values16)
  })

  it('a data size of 0 in a finished file means no samples', () => {
    expect(mono(riff([fmt({}), chunk('data', []), chunk('LIST', [1, 2, 3, 4])]))).toEqual([])
  })

  it('an incomplete last frame is dropped', () => {
    expect(mono(riff([fmt({ channels: 2 }), chunk('data', [...u16(1), ...u16(2), ...u16(3)])]))).toEqual([1 / 0x8000])
  })

  it('a part of the frames can be decoded', () => {
    expect(mono(riff([fmt({}), data16]), { firstFrame: 3, frames: 1 })).toEqual([0x7fff / 0x8000])
    expect(mono(riff([fmt({}), data16]), { firstFrame: 4, frames: 9 })).toEqual([-1])
    expect(mono(riff([fmt({}), data16]), { firstFrame: 9 })).toEqual([])
  })
})

describe('bad files', () => {
  const cut = riff([fmt({}), data16]).subarray(0, 48)

  it('a file that ends within its samples is an error that says so', () => {
    expect(() => decodeWav(cut, { source: 'a.wav' })).toThrow(
      new AudioTruncatedError(
        'expected 10 bytes of samples, found 4. Fetch or write the file again, or pass allowTruncated to use what is there.',
        { source: 'a.wav' },
      ),
    )
  })

  it('allowTruncated uses what is there', () => {
    expect(mono(cut, { allowTruncated: true })).toEqual([0, 1 / 0x8000])
  })

  it('a file that ends before its samples is truncated', () => {
    expect(() => decodeWav(riff([fmt({})]))).toThrow(AudioTruncatedError)
    expect(() => decodeWav(Uint8Array.from([...ascii('RIFF'), ...u32(4), ...ascii('WAVE')]))).toThrow(
      AudioTruncatedError,
    )
  })

  it.each([
    ['other bytes', Uint8Array.from(ascii('not a wav file'))],
    ['data before fmt', riff([data16, fmt({})])],
    ['ADPCM', riff([fmt({ tag: 2, bits: 4, blockAlign: 1 }), data16])],
    ['no channels', riff([fmt({ channels: 0, blockAlign: 2 }), data16])],
    ['no sample rate', riff([fmt({ sampleRate: 0 }), data16])],
    ['more bits than bytes', riff([fmt({ bits: 24, blockAlign: 2 }), data16])],
    ['no bits', riff([fmt({ bits: 0, blockAlign: 2 }), data16])],
    ['a sample of five bytes', riff([fmt({ bits: 40 }), data16])],
    ['an extensible chunk of 16 bytes', riff([fmt({ tag: 0xfffe }), data16])],
  ])('%s is a format error', (_, bytes) => {
    expect(() => decodeWav(bytes)).toThrow(AudioFormatError)
  })

  it('random bytes, flipped bits and cuts give audio or a named error, never more samples than bytes', () => {
    const valid = fc.constantFrom(
      fixtureBytes('formats/speech-24.wav'),
      fixtureBytes('formats/six-24.wav'),
      fixtureBytes('formats/speech-float.wav'),
      fixtureBytes('perturb/mono-u8.wav'),
      riff([fmt({ subFormat: 1, channels: 3, bits: 32 }), chunk('data', new Uint8Array(36))]),
    )
    // Headers matter most, so half of the flips hit the first 64 bytes.
    const position = fc.oneof(fc.integer({ min: 0, max: 64 }), fc.nat())
    const flips = fc.array(fc.record({ position, bit: fc.nat(7) }), { maxLength: 12 })
    const damaged = fc.tuple(valid, flips, fc.option(fc.nat(70), { nil: undefined })).map(([bytes, at, length]) => {
      const copy = bytes.slice(0, length)
      for (const { position: p, bit } of at) {
        if (copy.length > 0) copy[p % copy.length] = copy[p % copy.length]! ^ (1 << bit)
      }
      return copy
    })
    const random = fc
      .uint8Array({ maxLength: 200 })
      .map((tail) => Uint8Array.from([...ascii('RIFF'), ...u32(0), ...ascii('WAVE'), ...tail]))
    fc.assert(
      fc.property(
        fc.oneof(damaged, random, fc.uint8Array({ maxLength: 200 })),
        fc.boolean(),
        (bytes, allowTruncated) => {
          try {
            const clip = decodeWav(bytes, { allowTruncated })
            expect(clip.channels.length * clip.channels[0]!.length).toBeLessThanOrEqual(bytes.length)
          } catch (error) {
            expect(error).toBeInstanceOf(AudioError)
          }
        },
      ),
      { numRuns: 3000, seed: 1 },
    )
  })
})

describe('writing and reading back', () => {
  const clips = fc
    .record({
      channels: fc.integer({ min: 1, max: 9 }),
      length: fc.nat(20),
      sampleRate: fc.integer({ min: 1, max: 200_000 }),
    })
    .chain(({ channels, length, sampleRate }) =>
      fc
        .array(fc.float32Array({ minLength: length, maxLength: length, min: -1, max: 1, noNaN: true }), {
          minLength: channels,
          maxLength: channels,
        })
        .map((arrays) => ({ sampleRate, channels: arrays })),
    )

  it.each([
    ['pcm16', 2 ** -16],
    ['pcm24', 2 ** -24],
    ['pcm32', 2 ** -24],
    ['float32', 0],
  ] as const)('%s is off by at most half a step', (encoding, tolerance) => {
    fc.assert(
      fc.property(clips, (clip) => {
        const bytes = encodeWav(clip, { encoding })
        expect(bytes.length % 2).toBe(0)
        const read = decodeWav(bytes)
        expect(read.sampleRate).toBe(clip.sampleRate)
        expect(read.channels.length).toBe(clip.channels.length)
        clip.channels.forEach((samples, c) => {
          expect(read.channels[c]!.length).toBe(samples.length)
          samples.forEach((sample, t) => {
            // Full scale itself is one step out of reach of integers.
            const step = sample >= 1 - 2 * tolerance ? 2 * tolerance : tolerance
            expect(Math.abs(read.channels[c]![t]! - sample)).toBeLessThanOrEqual(step)
          })
        })
      }),
      { numRuns: 100, seed: 2 },
    )
  })

  it('every 16-bit sample survives', () => {
    const all = Float32Array.from({ length: 65536 }, (_, i) => (i - 32768) / 32768)
    expect(decodeWav(encodeWav({ sampleRate: 8000, channels: [all] })).channels[0]).toEqual(all)
  })

  it('integers clip, and NaN becomes 0', () => {
    const loud = { sampleRate: 8000, channels: [Float32Array.of(7, -7, Number.NaN, Number.POSITIVE_INFINITY)] }
    expect(mono(encodeWav(loud))).toEqual([0x7fff / 0x8000, -1, 0, 0x7fff / 0x8000])
  })

  it('clips that no file can hold are refused', () => {
    const [one, two] = [new Float32Array(1), new Float32Array(2)]
    expect(() => encodeWav({ sampleRate: 8000, channels: [] })).toThrow('1 to 65535 channels, found 0')
    expect(() => encodeWav({ sampleRate: 8000, channels: [one, two] })).toThrow('one length, found 1 and 2')
    expect(() => encodeWav({ sampleRate: 8000.5, channels: [one] })).toThrow('whole sample rate in Hz, found 8000.5')
    expect(() => encodeWav({ sampleRate: 8000, channels: [one] }, { encoding: 'mp3' as 'pcm16' })).toThrow(
      'unknown WAV encoding "mp3"',
    )
  })
})
