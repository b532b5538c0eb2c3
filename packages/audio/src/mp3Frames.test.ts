import { describe, expect, it } from 'vitest'
import { fixtureBytes } from '../test/npy.js'
import { decodeAudio } from './decodeAudio.js'
import { id3Size, isMp3, parseMp3Header, readMp3Frames } from './mp3Frames.js'

const mono = fixtureBytes('formats/speech.mp3')
const stereo = fixtureBytes('formats/stereo.mp3')

describe('MPEG audio frames', () => {
  it.each([
    // MPEG-1 layer III, 128 kbit/s, 44100 Hz, joint stereo; then with padding; then mono.
    [[0xff, 0xfb, 0x90, 0x40], { size: 417, layer: 3, sampleRate: 44100, channels: 2, samples: 1152 }],
    [[0xff, 0xfb, 0x92, 0x40], { size: 418, layer: 3, sampleRate: 44100, channels: 2, samples: 1152 }],
    [[0xff, 0xfb, 0x90, 0xc0], { size: 417, layer: 3, sampleRate: 44100, channels: 1, samples: 1152 }],
    // MPEG-2 layer III, 32 kbit/s, 16000 Hz; MPEG-2.5, 8 kbit/s, 8000 Hz.
    [[0xff, 0xf3, 0x48, 0xc0], { size: 144, layer: 3, sampleRate: 16000, channels: 1, samples: 576 }],
    [[0xff, 0xe3, 0x18, 0xc0], { size: 72, layer: 3, sampleRate: 8000, channels: 1, samples: 576 }],
    // MPEG-1 layer II, 192 kbit/s, 48000 Hz; layer I, 384 kbit/s, 32000 Hz.
    [[0xff, 0xfd, 0xa4, 0x00], { size: 576, layer: 2, sampleRate: 48000, channels: 2, samples: 1152 }],
    [[0xff, 0xff, 0xc8, 0x00], { size: 576, layer: 1, sampleRate: 32000, channels: 2, samples: 384 }],
  ])('header %j', (bytes, frame) => {
    expect(parseMp3Header(Uint8Array.from(bytes), 0)).toEqual({ offset: 0, ...frame })
  })

  it.each([
    [[0xff, 0xfb, 0x00, 0x40]],
    [[0xff, 0xfb, 0xf0, 0x40]],
    [[0xff, 0xfb, 0x9c, 0x40]],
    [[0xff, 0xeb, 0x90, 0x40]],
    [[0xff, 0xf9, 0x90, 0x40]],
    [[0xfe, 0xfb, 0x90, 0x40]],
    [[0xff, 0xfb, 0x90]],
  ])('%j is none', (bytes) => {
    expect(parseMp3Header(Uint8Array.from(bytes), 0)).toBeUndefined()
  })

  it('cover the whole stream', () => {
    const frames = readMp3Frames(stereo)
    expect(frames.reduce((size, frame) => size + frame.size, 0) + id3Size(stereo)).toBe(stereo.length)
  })

  it('come after tags and zeros', async () => {
    const bare = stereo.subarray(id3Size(stereo))
    const tag = [0x49, 0x44, 0x33, 3, 0, 0, 0, 0, 0, 5, 0xff, 0xfb, 0x90, 0x40, 9]
    const tagged = Uint8Array.from([...tag, 0, 0, 0, ...bare])
    expect(isMp3(tagged)).toBe(true)
    expect(await decodeAudio(tagged)).toEqual(await decodeAudio(stereo))
  })

  it('of another kind between them, and damage, are passed over', () => {
    const frames = readMp3Frames(mono)
    const cut = frames[3]!.offset
    const mixed = Uint8Array.from([
      ...mono.subarray(0, cut),
      0xff,
      1,
      2,
      3,
      ...stereo.subarray(0, 99),
      ...mono.subarray(cut),
    ])
    expect(readMp3Frames(mixed).length).toBe(frames.length)
  })

  it('one alone with other bytes behind it is no MP3', () => {
    const frame = readMp3Frames(mono)[0]!
    const one = mono.slice(frame.offset, frame.offset + frame.size)
    expect(isMp3(one)).toBe(true)
    expect(isMp3(Uint8Array.from([...one, 1, 2, 3, 4]))).toBe(false)
  })
})
