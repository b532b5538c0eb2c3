const SCALE = 2 ** -32
// Halves of 8978948897894561157 and 17894857484156487943.
const chainLow = 0x3b63f585
const chainHigh = 0x7c9ba273
const wordLow = 0x21634907
const wordHigh = 0xf8574e12

/** Upper half of the last key. */
export const keyHigh = new Uint32Array(1)

/**
 * Key of an n-gram with one more word in front, as an unsigned 32-bit lower half; `keyHigh` is the upper half. The key of
 * a single word is its number.
 */
export function extendKey(low: number, high: number, word: number): number {
  // Both products as in multiply64, here in place: this is the innermost step of scoring.
  const first = Math.imul(low, chainLow) >>> 0
  const firstCarry = Math.floor((low * chainLow - first) * SCALE + 0.5)
  const number = word + 1
  const second = Math.imul(number, wordLow) >>> 0
  const secondCarry = Math.floor((number * wordLow - second) * SCALE + 0.5)
  const firstHigh = firstCarry + Math.imul(low, chainHigh) + Math.imul(high, chainLow)
  keyHigh[0] = firstHigh ^ (secondCarry + Math.imul(number, wordHigh))
  return (first ^ second) >>> 0
}

/** Key of the n-gram `ids[from .. to)`, first word first; `keyHigh` is the upper half. */
export function keyOf(ids: readonly number[], from = 0, to = ids.length): number {
  let low = ids[to - 1]!
  let high = 0
  for (let i = to - 2; i >= from; i--) {
    low = extendKey(low, high, ids[i]!)
    high = keyHigh[0]!
  }
  keyHigh[0] = high
  return low
}
