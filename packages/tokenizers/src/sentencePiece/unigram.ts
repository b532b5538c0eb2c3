import { characterLength, utf8Length } from './normalizer.js'
import { PieceTrie } from './pieceTrie.js'
import type { Segment, Vocabulary } from './vocabulary.js'

/** How much less likely than the rarest piece an unknown character is. */
const UNKNOWN_PENALTY = 10
/** float32's smallest positive normal number: SentencePiece starts its search for the largest score there. */
const SMALLEST_FLOAT = 2 ** -126
const LARGEST_FLOAT = 3.4028234663852886e38

/**
 * Cuts text into the pieces with the largest sum of scores (Viterbi).
 *
 * Sums are rounded to float32 where SentencePiece rounds them, so that near ties fall the same way.
 */
export class UnigramSegmenter {
  readonly #vocabulary: Vocabulary
  readonly #trie = new PieceTrie()
  readonly #unknownScore: number
  readonly #largestScore: number

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary
    for (const [piece, id] of vocabulary.textPieces) this.#trie.set(piece, id)
    let smallest = LARGEST_FLOAT
    let largest = SMALLEST_FLOAT
    for (const { score, type } of vocabulary.pieces) {
      if (type !== 'normal') continue
      smallest = Math.min(smallest, score)
      largest = Math.max(largest, score)
    }
    this.#unknownScore = Math.fround(smallest - UNKNOWN_PENALTY)
    this.#largestScore = largest
  }

  encode(text: string): Segment[] {
    // Of the best way to each place: its score, and the start and id of its last piece.
    const scores = new Float32Array(text.length + 1)
    const starts = new Int32Array(text.length + 1).fill(-1)
    const ids = new Int32Array(text.length + 1)
    const offer = (score: number, start: number, end: number, id: number): void => {
      if (starts[end] !== -1 && score <= scores[end]!) return
      scores[end] = score
      starts[end] = start
      ids[end] = id
    }
    for (let start = 0; start < text.length; ) {
      const before = scores[start]!
      const character = characterLength(text, start)
      let hasCharacter = false
      for (let node = 0, end = start; end < text.length; ) {
        node = this.#trie.step(node, text.charCodeAt(end++))
        if (node < 0) break
        const id = this.#trie.value(node)
        if (id < 0) continue
        const { score, type } = this.#vocabulary.pieces[id]!
        if (type === 'unused') continue
        offer(before + (type === 'userDefined' ? this.#bonus(text, start, end) : score), start, end, id)
        if (end - start === character) hasCharacter = true
      }
      if (!hasCharacter)
        offer(Math.fround(before + this.#unknownScore), start, start + character, this.#vocabulary.unkId)
      start += character
    }
    const segments: Segment[] = []
    for (let end = text.length; end > 0; end = starts[end]!)
      segments.push({ text: text.slice(starts[end]!, end), id: ids[end]! })
    return segments.reverse()
  }

  /** User-defined symbols win over everything that they could be cut into. */
  #bonus(text: string, start: number, end: number): number {
    return Math.fround(utf8Length(text, start, end) * this.#largestScore) - 0.1
  }
}
