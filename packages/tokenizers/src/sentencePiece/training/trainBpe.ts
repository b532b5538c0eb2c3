import { Heap } from '../heap.js'
import type { TrainedPiece } from './trainedPiece.js'
import { compareByCodePoints, type TrainingCorpus } from './trainingCorpus.js'
import { BREAK, isValidPiece } from './validPiece.js'

/** A character, or two symbols joined. */
interface Symbol {
  readonly codePoints: readonly number[]
  readonly text: string
}

/** Two symbols that stand side by side somewhere. */
interface Pair extends Symbol {
  readonly left: number
  readonly right: number
  /** Times that they do so now. */
  count: number
  /** Where they have ever done so: word and place of the left one. */
  readonly places: number[]
}

interface Candidate {
  readonly key: number
  readonly pair: Pair
  readonly count: number
}

const NOTHING = -1
// Pairs are keyed by two symbols in one number.
const SYMBOLS = 2 ** 26
const PLACES = 2 ** 16

/**
 * Byte-pair encoding: joins, over and over, the two symbols that stand side by side most often; of equally frequent ones the
 * shorter, then the first in the order of code points. Scores are 0, -1, -2 ... in the order of joining; characters come last.
 *
 * Pieces and scores are those of SentencePiece (whose approximation by "active" pairs matters for large vocabularies only).
 *
 * @param size - Pieces wanted, characters included.
 * Source: Sennrich et al. 2016; SentencePiece's `bpe::Trainer`.
 */
export function trainBpe(
  { words, requiredCharacters }: TrainingCorpus,
  size: number,
  maxPieceLength: number,
): TrainedPiece[] {
  const symbols: Symbol[] = []
  const characters = new Map<number, number>()
  const symbolOf = (code: number): number => {
    if (code === BREAK) return NOTHING
    let id = characters.get(code)
    if (id === undefined) {
      id = symbols.push({ codePoints: [code], text: String.fromCodePoint(code) }) - 1
      characters.set(code, id)
    }
    return id
  }
  // The symbols of each word; where two were joined, the right one's place holds nothing.
  const sequences = words.map(({ codePoints }) => Int32Array.from(codePoints, symbolOf))
  const breaks = words.map(({ codePoints }) => new Set([...codePoints.keys()].filter((i) => codePoints[i] === BREAK)))

  const pairs = new Map<number, Pair>()
  const impossible = new Set<number>()
  const queue = new Heap<Candidate>(precedes)
  let touched = new Set<number>()
  const keyOf = (word: number, left: number, right: number): number | undefined => {
    const sequence = sequences[word]!
    const a = left < 0 ? NOTHING : sequence[left]!
    const b = right < 0 ? NOTHING : sequence[right]!
    return a === NOTHING || b === NOTHING ? undefined : a * SYMBOLS + b
  }
  const addPair = (word: number, left: number, right: number): void => {
    const key = keyOf(word, left, right)
    if (key === undefined || impossible.has(key)) return
    let pair = pairs.get(key)
    if (pair === undefined) {
      const [a, b] = [Math.floor(key / SYMBOLS), key % SYMBOLS]
      const codePoints = [...symbols[a]!.codePoints, ...symbols[b]!.codePoints]
      if (!isValidPiece(codePoints, maxPieceLength)) {
        impossible.add(key)
        return
      }
      pair = { left: a, right: b, codePoints, text: symbols[a]!.text + symbols[b]!.text, count: 0, places: [] }
      pairs.set(key, pair)
    }
    pair.count += words[word]!.count
    pair.places.push(word * PLACES + left)
    touched.add(key)
  }
  const dropPair = (word: number, left: number, right: number, best: Pair): void => {
    const key = keyOf(word, left, right)
    const pair = key === undefined ? undefined : pairs.get(key)
    if (pair && pair !== best) pair.count -= words[word]!.count
  }
  const neighbour = (word: number, at: number, step: 1 | -1): number => {
    const sequence = sequences[word]!
    for (let i = at + step; i >= 0 && i < sequence.length; i += step) {
      if (sequence[i] !== NOTHING) return i
      if (breaks[word]!.has(i)) return -1
    }
    return -1
  }
  const offer = (): void => {
    for (const key of touched) {
      const pair = pairs.get(key)
      if (pair) queue.push({ key, pair, count: pair.count })
    }
    touched = new Set()
  }

  for (const [word, sequence] of sequences.entries()) for (let i = 1; i < sequence.length; i++) addPair(word, i - 1, i)
  offer()

  const merges: string[] = []
  const known = new Set<string>()
  while (merges.length < size - requiredCharacters.length) {
    const candidate = queue.pop()
    if (candidate === undefined) break
    const { key, pair, count } = candidate
    if (pairs.get(key) !== pair) continue
    if (pair.count !== count) {
      // Fewer since it was put there.
      if (pair.count > 0) queue.push({ key, pair, count: pair.count })
      continue
    }
    pairs.delete(key)
    impossible.add(key)
    // The same text in another way, "a" + "aa" after "aa" + "a": known already, and not joined.
    if (known.has(pair.text)) continue
    known.add(pair.text)
    merges.push(pair.text)
    const merged = symbols.push(pair) - 1
    for (const place of pair.places.sort((a, b) => a - b)) {
      const word = Math.floor(place / PLACES)
      const left = place % PLACES
      const sequence = sequences[word]!
      if (sequence[left] !== pair.left) continue
      const right = neighbour(word, left, 1)
      if (right < 0 || sequence[right] !== pair.right) continue
      const before = neighbour(word, left, -1)
      const after = neighbour(word, right, 1)
      dropPair(word, before, left, pair)
      dropPair(word, right, after, pair)
      sequence[left] = merged
      sequence[right] = NOTHING
      addPair(word, before, left)
      addPair(word, left, after)
    }
    offer()
  }
  const pieces = [...merges, ...requiredCharacters.map(([code]) => String.fromCodePoint(code))]
  return pieces.map((piece, rank) => ({ piece, score: -rank }))
}

function precedes(a: Candidate, b: Candidate): boolean {
  if (a.count !== b.count) return a.count > b.count
  const [m, n] = [a.pair.codePoints.length, b.pair.codePoints.length]
  return m !== n ? m < n : compareByCodePoints(a.pair.text, b.pair.text) < 0
}
