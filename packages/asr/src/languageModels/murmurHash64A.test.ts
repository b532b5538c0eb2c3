import { describe, expect, it } from 'vitest'
import { kenLmJson } from '../../test/kenLmFixture.js'
import { hashHigh, murmurHash64A } from './murmurHash64A.js'

// Hashes that KenLM stored; packed by tools/goldens/src/packKenLmFixtures.ts.
const { vocabulary } = kenLmJson<{ vocabulary: readonly { word: string; hash: string }[] }>('hashes.json')

const hash = (bytes: Uint8Array): string => {
  const low = murmurHash64A(bytes, 0, bytes.length)
  return ((BigInt(hashHigh[0]!) << 32n) | BigInt(low)).toString(16).padStart(16, '0')
}

// The same in exact arithmetic.
function exactHash(bytes: Uint8Array): string {
  const mask = 0xffffffffffffffffn
  const m = 0xc6a4a7935bd1e995n
  let h = (BigInt(bytes.length) * m) & mask
  for (let at = 0; at < bytes.length; at += 8) {
    const part = bytes.subarray(at, at + 8)
    let k = part.reduce((sum, byte, i) => sum | (BigInt(byte) << BigInt(8 * i)), 0n)
    if (part.length === 8) {
      k = (k * m) & mask
      k ^= k >> 47n
      k = (k * m) & mask
    }
    h = ((h ^ k) * m) & mask
  }
  h ^= h >> 47n
  h = (h * m) & mask
  h ^= h >> 47n
  return h.toString(16).padStart(16, '0')
}

describe('murmurHash64A', () => {
  it('words have the hashes that KenLM stores', () => {
    expect(vocabulary.length).toBeGreaterThan(10)
    for (const { word, hash: want } of vocabulary) expect(hash(new TextEncoder().encode(word))).toBe(want)
  })

  it('is exact for any length and bytes', () => {
    for (let length = 1; length < 70; length++) {
      const bytes = Uint8Array.from({ length }, (_, i) => (i * 151 + length * 97 + 255) & 0xff)
      expect(hash(bytes), String(length)).toBe(exactHash(bytes))
    }
  })
})
