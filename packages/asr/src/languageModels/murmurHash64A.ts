import { multiply64, productHigh } from './product64.js'

const M_LOW = 0x5bd1e995
const M_HIGH = 0xc6a4a793

/** Upper half of the last hash. */
export const hashHigh = new Uint32Array(1)

/**
 * MurmurHash64A of `bytes[start .. end)` with seed 0: the lower half as an unsigned 32-bit number; `hashHigh` is the
 * upper half. KenLM's hash of words. Source: Austin Appleby, MurmurHash2, public domain.
 */
export function murmurHash64A(bytes: Uint8Array, start: number, end: number): number {
  let low = multiply64(end - start, 0, M_LOW, M_HIGH)
  let high = productHigh[0]!
  let at = start
  for (; at + 8 <= end; at += 8) {
    const kLow = word32(bytes, at)
    const kHigh = word32(bytes, at + 4)
    let mixed = multiply64(kLow, kHigh, M_LOW, M_HIGH)
    const mixedHigh = productHigh[0]!
    // k ^= k >>> 47
    mixed = (mixed ^ (mixedHigh >>> 15)) >>> 0
    const last = multiply64(mixed, mixedHigh, M_LOW, M_HIGH)
    low = multiply64((low ^ last) >>> 0, (high ^ productHigh[0]!) >>> 0, M_LOW, M_HIGH)
    high = productHigh[0]!
  }
  if (at < end) {
    let tailLow = 0
    let tailHigh = 0
    for (let i = 0; at + i < end; i++) {
      if (i < 4) tailLow |= bytes[at + i]! << (8 * i)
      else tailHigh |= bytes[at + i]! << (8 * (i - 4))
    }
    low = multiply64((low ^ tailLow) >>> 0, (high ^ tailHigh) >>> 0, M_LOW, M_HIGH)
    high = productHigh[0]!
  }
  low = multiply64((low ^ (high >>> 15)) >>> 0, high, M_LOW, M_HIGH)
  high = productHigh[0]!
  hashHigh[0] = high
  return (low ^ (high >>> 15)) >>> 0
}

const word32 = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
