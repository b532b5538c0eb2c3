import { addExpectedCounts, bestCut, bestCuts, type Lattice, type Matches } from './lattice.js'
import { seedPieces } from './seedPieces.js'
import type { TrainedPiece } from './trainedPiece.js'
import { type CorpusWord, compareByCodePoints, type TrainingCorpus } from './trainingCorpus.js'
import { BREAK } from './validPiece.js'

// SentencePiece's settings.
const SUB_ITERATIONS = 2
const SHRINKING_FACTOR = 0.75
const SPARE = 1.1
const LEAST_EXPECTED_COUNT = 0.5
const UNKNOWN_PENALTY = 10
const MISSING_CHARACTER_STEP = 0.0001

/**
 * A unigram language model of pieces: begins with many, fits their probabilities by expectation maximisation and drops those that
 * the likelihood of the text can best do without, in turns, until few enough are left.
 *
 * Arithmetic is in double precision where SentencePiece's is in single, so scores agree to about 1e-4.
 *
 * @param size - Pieces wanted, characters included. Fewer come out where the text does not give so many.
 * Source: Kudo 2018; SentencePiece's `unigram::Trainer`.
 */
export function trainUnigram(
  { words, requiredCharacters }: TrainingCorpus,
  size: number,
  maxPieceLength: number,
  vocabSize: number,
): TrainedPiece[] {
  const desired = Math.floor(vocabSize * SPARE)
  const seeds = seedPieces(words, maxPieceLength)
  const logTotal = Math.log(seeds.reduce((sum, { score }) => sum + score, 0))
  let model = new UnigramDraft(
    seeds.map(({ piece, score }) => ({ piece, score: Math.log(score) - logTotal })),
    words,
  )
  for (;;) {
    for (let i = 0; i < SUB_ITERATIONS; i++) model = model.refit()
    if (model.pieces.length <= desired) break
    model = model.prune(desired)
  }
  return finalPieces(model.pieces, requiredCharacters, size)
}

class UnigramDraft {
  readonly pieces: readonly TrainedPiece[]
  readonly #words: readonly CorpusWord[]
  readonly #matches: readonly Matches[]
  readonly #ids: ReadonlyMap<string, number>
  readonly #longest: number
  readonly #scores: Float64Array
  readonly #unknownScore: number

  constructor(pieces: readonly TrainedPiece[], words: readonly CorpusWord[]) {
    this.pieces = pieces
    this.#words = words
    this.#scores = Float64Array.from(pieces, ({ score }) => score)
    this.#unknownScore = this.#scores.reduce((least, score) => Math.min(least, score), 0) - UNKNOWN_PENALTY
    this.#ids = new Map(pieces.map(({ piece }, id) => [piece, id]))
    this.#longest = pieces.reduce((most, { piece }) => Math.max(most, [...piece].length), 1)
    this.#matches = words.map(({ codePoints }) => this.#matchesOf(codePoints))
  }

  #matchesOf(codePoints: readonly number[]): Matches {
    const found: number[] = []
    for (let start = 0; start < codePoints.length; start++) {
      let text = ''
      for (let end = start; end < Math.min(codePoints.length, start + this.#longest); end++) {
        if (codePoints[end] === BREAK) break
        text += String.fromCodePoint(codePoints[end]!)
        const id = this.#ids.get(text)
        if (id !== undefined) found.push(start, end + 1, id)
      }
    }
    return Int32Array.from(found)
  }

  #lattice(length: number, matches: Matches): Lattice {
    return { length, matches, scores: this.#scores, unknownScore: this.#unknownScore }
  }

  /** One step of expectation maximisation; pieces that are hardly expected go. */
  refit(): UnigramDraft {
    const expected = new Float64Array(this.pieces.length)
    for (const [i, { codePoints, count }] of this.#words.entries())
      addExpectedCounts(this.#lattice(codePoints.length, this.#matches[i]!), count, expected)
    const kept = this.pieces.flatMap(({ piece }, id) =>
      expected[id]! < LEAST_EXPECTED_COUNT ? [] : [{ piece, count: expected[id]! }],
    )
    // A sparse prior instead of the plain maximum.
    const logTotal = digamma(kept.reduce((sum, { count }) => sum + count, 0))
    return new UnigramDraft(
      kept.map(({ piece, count }) => ({ piece, score: digamma(count) - logTotal })),
      this.#words,
    )
  }

  /** Drops the pieces whose loss costs the least likelihood. */
  prune(desired: number): UnigramDraft {
    const alternatives = this.pieces.map(({ piece }) => this.#alternative(piece))
    const uses = new Float64Array(this.pieces.length)
    let allWords = 0
    for (const [i, { codePoints, count }] of this.#words.entries()) {
      allWords += count
      for (const id of bestCut(this.#lattice(codePoints.length, this.#matches[i]!))) {
        uses[id]! += count
      }
    }
    const allUses = uses.reduce((sum, count) => sum + count, 0)
    const logUses = Math.log(allUses)
    const kept: TrainedPiece[] = []
    const candidates: { readonly id: number; readonly loss: number }[] = []
    for (const [id, piece] of this.pieces.entries()) {
      const instead = alternatives[id]!
      if (uses[id] === 0 || instead === 'split') continue
      if (instead.length === 0) {
        kept.push(piece)
        continue
      }
      const own = Math.log(uses[id]!) - logUses
      const logTotal = Math.log(allUses + uses[id]! * (instead.length - 1))
      const other = instead.reduce((sum, part) => sum + Math.log(uses[part]! + uses[id]!) - logTotal, 0)
      candidates.push({ id, loss: (uses[id]! / allWords) * (own - other) })
    }
    const target = Math.max(desired, Math.floor(SHRINKING_FACTOR * this.pieces.length))
    for (const { id } of candidates.sort((a, b) => b.loss - a.loss || a.id - b.id)) {
      if (kept.length >= target) break
      kept.push(this.pieces[id]!)
    }
    return new UnigramDraft(kept, this.#words)
  }

  /** What a piece would be cut into without itself: empty if nothing; `split` if it is cut anyway. */
  #alternative(piece: string): readonly number[] | 'split' {
    const codePoints = Array.from(piece, (character) => character.codePointAt(0)!)
    const cuts = bestCuts(this.#lattice(codePoints.length, this.#matchesOf(codePoints)), 2)
    if (cuts.length === 1) return []
    return cuts[0]!.length > 1 ? 'split' : cuts[1]!
  }
}

function finalPieces(
  pieces: readonly TrainedPiece[],
  requiredCharacters: TrainingCorpus['requiredCharacters'],
  size: number,
): TrainedPiece[] {
  const scores = new Map(pieces.map(({ piece, score }) => [piece, score]))
  const least = Math.min(...pieces.map(({ score }) => score))
  const chosen = new Map<string, number>()
  let missing = 0
  for (const [code] of requiredCharacters) {
    const character = String.fromCodePoint(code)
    chosen.set(character, scores.get(character) ?? least + MISSING_CHARACTER_STEP * missing++)
  }
  for (const { piece, score } of bestFirst(pieces)) {
    if (chosen.size >= size) break
    if (!chosen.has(piece)) chosen.set(piece, score)
  }
  return bestFirst([...chosen].map(([piece, score]) => ({ piece, score: Math.fround(score) })))
}

const bestFirst = (pieces: readonly TrainedPiece[]): TrainedPiece[] =>
  pieces.toSorted((a, b) => b.score - a.score || compareByCodePoints(a.piece, b.piece))

/** Logarithmic derivative of the gamma function, for x > 0. */
function digamma(value: number): number {
  let result = 0
  let x = value
  for (; x < 7; x++) result -= 1 / x
  x -= 1 / 2
  const xx2 = 1 / (x * x)
  const xx4 = xx2 * xx2
  return result + Math.log(x) + (1 / 24) * xx2 - (7 / 960) * xx4 + (31 / 8064) * xx4 * xx2 - (127 / 30720) * xx4 * xx4
}
