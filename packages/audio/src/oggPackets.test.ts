import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fixtureBytes } from '../test/npy.js'
import { u32 } from '../test/wavBytes.js'
import { decodeAudio } from './decodeAudio.js'
import { AudioError, AudioFormatError, AudioTruncatedError } from './errors.js'
import { readOggStream } from './oggPackets.js'

/** CRC-32 of Ogg, bit by bit. */
function crc(bytes: readonly number[]): number {
  let value = 0
  for (const byte of bytes) {
    value ^= byte << 24
    for (let bit = 0; bit < 8; bit++) value = value < 0 ? (value << 1) ^ 0x04c11db7 : value << 1
  }
  return value >>> 0
}

function page(options: {
  serial?: number
  flags?: number
  granule?: number
  lacing: number[]
  body: number[]
}): number[] {
  const head = [0x4f, 0x67, 0x67, 0x53, 0, options.flags ?? 0]
  const granule = options.granule ?? 0
  head.push(...u32(granule >>> 0), ...u32(granule < 0 ? 0xffffffff : 0), ...u32(options.serial ?? 1), ...u32(0))
  const tail = [options.lacing.length, ...options.lacing, ...options.body]
  return [...head, ...u32(crc([...head, 0, 0, 0, 0, ...tail])), ...tail]
}

const filled = (length: number, value: number) => new Array<number>(length).fill(value)

describe('Ogg', () => {
  it('packets may share a page, span segments and span pages', () => {
    const bytes = Uint8Array.from([
      ...page({ lacing: [2, 255, 0, 255], body: [1, 2, ...filled(255, 3), ...filled(255, 4)], granule: -1 }),
      ...page({ lacing: [255, 10, 0], body: filled(265, 4), flags: 1 | 4, granule: 77 }),
    ])
    const stream = readOggStream(bytes)
    expect(stream.packets.map((packet) => packet.length)).toEqual([2, 255, 520, 0])
    expect([stream.lastGranule, stream.ended]).toEqual([77, true])
  })

  it('pages of other streams are passed over', () => {
    const bytes = Uint8Array.from([
      ...page({ lacing: [1], body: [1] }),
      ...page({ serial: 9, lacing: [1], body: [9], flags: 4 }),
      ...page({ lacing: [1], body: [2], flags: 4 }),
    ])
    expect(readOggStream(bytes).packets.map((packet) => packet[0])).toEqual([1, 2])
  })

  it('a page that is damaged, cut or no page is an error by its place', () => {
    const good = page({ lacing: [4], body: [1, 2, 3, 4] })
    const damaged = [...good]
    damaged[30]! ^= 1
    expect(() => readOggStream(Uint8Array.from(damaged))).toThrow(
      'the Ogg page at byte 0 is damaged: its CRC does not match',
    )
    expect(() => readOggStream(Uint8Array.from([...good, ...good.slice(0, 20)]))).toThrow(AudioTruncatedError)
    expect(() => readOggStream(Uint8Array.from([...good, ...good.slice(0, 30)]))).toThrow(
      'page at byte 32 runs past the end',
    )
    expect(() => readOggStream(Uint8Array.from([...good, ...filled(40, 7)]))).toThrow(AudioFormatError)
    const cut = Uint8Array.from([...good, ...good.slice(0, 30)])
    expect(readOggStream(cut, { allowTruncated: true }).packets.length).toBe(1)
  })

  it('the output gain of an Opus header is applied', async () => {
    const opus = fixtureBytes('formats/stereo.opus')
    const louder = opus.slice()
    // OpusHead starts after the first page's header of 28 bytes; its gain, in 1/256 dB, is 16 bytes on.
    louder.set([0x00, 0x06], 28 + 16)
    louder.fill(0, 22, 26)
    louder.set(u32(crc(Array.from(louder.subarray(0, 28 + 19)))), 22)
    const [plain, loud] = [await decodeAudio(opus), await decodeAudio(louder)]
    plain.channels[0]!.forEach((sample, t) => {
      expect(loud.channels[0]![t]).toBeCloseTo(sample * 10 ** (6 / 20), 5)
    })
  })

  it.each(['stereo.ogg', 'stereo.opus', 'stereo.oga', 'speech.mp3'])(
    'damage to %s gives audio or a named error',
    async (file) => {
      const bytes = fixtureBytes(`formats/${file}`)
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(fc.nat(), fc.nat(7)), { maxLength: 4 }),
          fc.nat(),
          fc.boolean(),
          async (flips, length, allowTruncated) => {
            const copy = bytes.slice(0, length % (bytes.length + 1))
            for (const [position, bit] of flips) if (copy.length > 0) copy[position % copy.length]! ^= 1 << bit
            await decodeAudio(copy, { allowTruncated }).catch((error: unknown) =>
              expect(error).toBeInstanceOf(AudioError),
            )
          },
        ),
        { numRuns: 60, seed: 17 },
      )
    },
  )
})
