import { hashHigh, murmurHash64A } from './murmurHash64A.js'
import type { ProbingTable } from './probingTable.js'

const encoder = new TextEncoder()
const scratch = new Uint8Array(1024)
const UNKNOWN = ['<unk>', '<UNK>'].map((word) => encoder.encode(word))

/** Words of a text are hashed as UTF-8; `end` tells where the last encoded word ends. */
export function encodeWord(word: string): { bytes: Uint8Array; end: number } {
  if (word.length * 3 > scratch.length) {
    const bytes = encoder.encode(word)
    return { bytes, end: bytes.length }
  }
  let i = 0
  for (; i < word.length; i++) {
    const code = word.charCodeAt(i)
    if (code > 0x7f) return { bytes: scratch, end: encoder.encodeInto(word, scratch).written }
    scratch[i] = code
  }
  return { bytes: scratch, end: i }
}

/** Whether a word is `<unk>` or `<UNK>`, which are one. */
export const isUnknownWord = (bytes: Uint8Array, start: number, end: number): boolean =>
  end - start === 5 && UNKNOWN.some((unknown) => unknown.every((byte, i) => bytes[start + i] === byte))

/** Numbers of words by their hash, in KenLM's layout. */
export class ProbingVocabulary {
  /** Hash and number of each word but `<unk>`, whose number is 0. */
  table: ProbingTable

  constructor(table: ProbingTable) {
    this.table = table
  }

  /** Number of a word; 0 if it is unknown. */
  index(word: string): number {
    const { bytes, end } = encodeWord(word)
    return this.indexOfBytes(bytes, 0, end)
  }

  /** Number of the word `bytes[start .. end)`. */
  indexOfBytes(bytes: Uint8Array, start: number, end: number): number {
    const low = murmurHash64A(bytes, start, end)
    const at = this.table.find(low, hashHigh[0]!)
    return at < 0 ? 0 : this.table.words[at + 2]!
  }
}
