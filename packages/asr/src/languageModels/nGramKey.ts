import { multiply64, productHigh } from './product64.js'

const CHAIN_LOW = 8978948897894561157n & 0xffffffffn
const CHAIN_HIGH = 8978948897894561157n >> 32n
const WORD_LOW = 17894857484156487943n & 0xffffffffn
const WORD_HIGH = 17894857484156487943n >> 32n
const [chainLow, chainHigh, wordLow, wordHigh] = [CHAIN_LOW, CHAIN_HIGH, WORD_LOW, WORD_HIGH].map(Number) as [
  number,
  number,
  number,
  number,
]

/** Upper half of the last key. */
export let keyHigh = 0

/**
 * Key of an n-gram with one more word in front, as an unsigned 32-bit lower half; `keyHigh` is the upper half. The key of
 * a single word is its number.
 */
export function extendKey(low: number, high: number, word: number): number {
  const first = multiply64(low, high, chainLow, chainHigh)
  const firstHigh = productHigh
  const second = multiply64(word + 1, 0, wordLow, wordHigh)
  keyHigh = (firstHigh ^ productHigh) >>> 0
  return (first ^ second) >>> 0
}

/** Key of the n-gram `ids[from .. to)`, first word first; `keyHigh` is the upper half. */
export function keyOf(ids: readonly number[], from = 0, to = ids.length): number {
  let low = ids[to - 1]!
  let high = 0
  for (let i = to - 2; i >= from; i--) {
    low = extendKey(low, high, ids[i]!)
    high = keyHigh
  }
  keyHigh = high
  return low
}
