import { TokenizerError } from '../../errors.js'
import type { Normalizer } from '../normalizer.js'
import { PieceTrie } from '../pieceTrie.js'
import { BREAK, SPACE } from './validPiece.js'

/** A word of the corpus with the space before it. */
export interface CorpusWord {
  /** Characters, `BREAK` for those that no piece may contain. */
  readonly codePoints: readonly number[]
  /** Times that it occurs. */
  readonly count: number
  /** Times that it ends a sentence. */
  readonly atEnd: number
}

/** What of a text matters for training: its words, how often each occurs, and its characters. */
export interface TrainingCorpus {
  /** Most frequent first. */
  readonly words: readonly CorpusWord[]
  /** Characters that every vocabulary must have, with their counts; most frequent first. */
  readonly requiredCharacters: readonly (readonly [codePoint: number, count: number])[]
  readonly sentences: number
  /** Sentences left out because they are longer than 4192 bytes or hold U+2585, which SentencePiece reserves. */
  readonly skipped: number
}

/** How a corpus is read. */
export interface CorpusOptions {
  readonly normalizer: Normalizer
  /** Special pieces: no other piece may cross them. */
  readonly metaPieces: readonly string[]
  /** Share of all characters that the vocabulary must cover, in (0, 1]. */
  readonly characterCoverage: number
  /** Sentences drawn at random; 0 for all. */
  readonly inputSentenceSize: number
  readonly seed: number
}

const LONGEST_SENTENCE_BYTES = 4192
const RESERVED = '\u2585'

/**
 * Reads sentences. Memory grows with the number of different words, not with the length of the text (but a random sample
 * holds its sentences).
 *
 * @throws TokenizerError if no sentence is left.
 */
export async function readTrainingCorpus(
  sentences: Iterable<string> | AsyncIterable<string>,
  options: CorpusOptions,
): Promise<TrainingCorpus> {
  const { normalizer, characterCoverage } = options
  const boundaries = new PieceTrie()
  for (const [id, piece] of options.metaPieces.entries()) boundaries.set(piece, id)
  const counts = new Map<string, { count: number; atEnd: number }>()
  let used = 0
  let skipped = 0
  const add = (sentence: string): void => {
    const words = splitWords(cutAtSymbols(normalizer.normalize(sentence), boundaries))
    if (words.length === 0) return
    used++
    for (const [i, word] of words.entries()) {
      const found = counts.get(word) ?? { count: 0, atEnd: 0 }
      found.count++
      if (i === words.length - 1) found.atEnd++
      counts.set(word, found)
    }
  }
  const usable = async function* (): AsyncGenerator<string> {
    for await (const sentence of sentences) {
      if (sentence === '') continue
      const tooLong = sentence.length > LONGEST_SENTENCE_BYTES || utf8Bytes(sentence) > LONGEST_SENTENCE_BYTES
      if (tooLong || sentence.includes(RESERVED)) skipped++
      else yield sentence
    }
  }
  if (options.inputSentenceSize > 0)
    for (const sentence of await sample(usable(), options.inputSentenceSize, options.seed)) add(sentence)
  else for await (const sentence of usable()) add(sentence)
  if (used === 0)
    throw new TokenizerError(
      `The training text has no sentence to learn from: ${skipped} were left out (longer than ${LONGEST_SENTENCE_BYTES} bytes, or with the reserved character U+2585), all others are empty.`,
    )

  const characters = countCharacters(counts)
  const requiredCharacters = covering(characters, characterCoverage)
  const required = new Set(requiredCharacters.map(([code]) => code))
  const words = [...counts]
    .sort(([a, { count: m }], [b, { count: n }]) => n - m || compareByCodePoints(a, b))
    .map(([word, { count, atEnd }]) => ({
      codePoints: Array.from(word, (character) => {
        const code = character.codePointAt(0)!
        return required.has(code) ? code : BREAK
      }),
      count,
      atEnd,
    }))
  return { words, requiredCharacters, sentences: used, skipped }
}

const encoder = new TextEncoder()
const utf8Bytes = (text: string): number => encoder.encode(text).length

/** Order of texts in UTF-8, which is that of code points. */
export function compareByCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    if (a.charCodeAt(i) === b.charCodeAt(i)) continue
    return a.codePointAt(i)! - b.codePointAt(i)!
  }
  return a.length - b.length
}

// Special pieces become a character that no piece may contain.
function cutAtSymbols(text: string, boundaries: PieceTrie): string {
  let cut = ''
  for (let at = 0; at < text.length; ) {
    const length = boundaries.longestMatch(text, at)
    cut += length > 0 ? '\t' : text[at]
    at += length || 1
  }
  return cut
}

const BEFORE_SPACE = new RegExp(`(?=${String.fromCodePoint(SPACE)})`, 'u')
const splitWords = (text: string): string[] => text.split(BEFORE_SPACE).filter((word) => word !== '')

function countCharacters(words: ReadonlyMap<string, { readonly count: number }>): Map<number, number> {
  const characters = new Map<number, number>()
  for (const [word, { count }] of words) {
    for (const character of word) {
      const code = character.codePointAt(0)!
      // The first ends strings in C, tabs stand for special pieces, and a plain space is none that was written as U+2581.
      if (code !== 0 && code !== 9 && code !== 0x20) characters.set(code, (characters.get(code) ?? 0) + count)
    }
  }
  return characters
}

// The most frequent characters that make up so much of the text.
function covering(characters: ReadonlyMap<number, number>, coverage: number): (readonly [number, number])[] {
  const sorted = [...characters].sort((a, b) => b[1] - a[1] || a[0] - b[0])
  const total = sorted.reduce((sum, [, count]) => sum + count, 0)
  let covered = 0
  const kept: (readonly [number, number])[] = []
  for (const entry of sorted) {
    if (Math.fround(covered / total) >= Math.fround(coverage)) break
    covered += entry[1]
    kept.push(entry)
  }
  return kept
}

// Algorithm R: each sentence has the same chance.
async function sample(sentences: AsyncIterable<string>, size: number, seed: number): Promise<string[]> {
  const random = mulberry32(seed)
  const kept: string[] = []
  let seen = 0
  for await (const sentence of sentences) {
    const place = seen < size ? seen : Math.floor(random() * (seen + 1))
    if (place < size) kept[place] = sentence
    seen++
  }
  return kept
}

/** A generator of numbers in [0, 1). */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
