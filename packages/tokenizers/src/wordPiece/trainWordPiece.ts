import { TokenizerError } from '../errors.js'
import { Heap } from '../sentencePiece/heap.js'
import { compareByCodePoints } from '../sentencePiece/training/trainingCorpus.js'
import { type BasicTokenizerOptions, basicTokenize } from './basicTokenizer.js'

/** Options of WordPiece training; defaults are those of Hugging Face's `BertWordPieceTokenizer.train`. */
export interface WordPieceTrainingOptions extends Partial<BasicTokenizerOptions> {
  /** Pieces wanted, special tokens included. Fewer come out where the text does not give so many. */
  readonly vocabSize: number
  /** Pairs that occur less often are not joined. Default 2. */
  readonly minFrequency?: number
  /** Different characters kept, the most frequent ones. Default 1000. */
  readonly limitAlphabet?: number
  /** First in the vocabulary. Default `[PAD]`, `[UNK]`, `[CLS]`, `[SEP]`, `[MASK]`. */
  readonly specialTokens?: readonly string[]
}

interface Candidate {
  readonly left: number
  readonly right: number
  readonly count: number
}

const CONTINUATION = '##'
const PIECES = 2 ** 26

/**
 * Learns a WordPiece vocabulary, entries of a `vocab.txt`: special tokens, characters, their forms inside words (`##a`), then pieces in
 * the order in which pairs were joined, the most frequent first.
 *
 * @param texts - For example the lines of a file; read once and not kept.
 * @throws TokenizerError for options that cannot be and texts without a word.
 *
 * Source: Hugging Face tokenizers' `WordPieceTrainer`, with BERT's splitting of words.
 */
export async function trainWordPiece(
  texts: Iterable<string> | AsyncIterable<string>,
  options: WordPieceTrainingOptions,
): Promise<string[]> {
  const { vocabSize, minFrequency = 2, limitAlphabet = 1000, lowercase = true, stripAccents = lowercase } = options
  const { specialTokens = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'] } = options
  if (!Number.isInteger(vocabSize) || vocabSize <= specialTokens.length)
    throw new TokenizerError(
      `vocabSize: expected a whole number above the ${specialTokens.length} special tokens, found ${vocabSize}.`,
    )
  const counts = new Map<string, number>()
  for await (const text of texts)
    for (const word of basicTokenize(text, { lowercase, stripAccents })) counts.set(word, (counts.get(word) ?? 0) + 1)
  if (counts.size === 0) throw new TokenizerError('The training text has no word to learn from.')

  const vocabulary: string[] = []
  const ids = new Map<string, number>()
  const idOf = (piece: string): number => {
    let id = ids.get(piece)
    if (id === undefined) {
      id = vocabulary.push(piece) - 1
      ids.set(piece, id)
    }
    return id
  }
  for (const token of specialTokens) idOf(token)
  const alphabet = frequentCharacters(counts, limitAlphabet)
  for (const character of alphabet) idOf(character)
  const known = new Set(alphabet)
  const words = [...counts].sort(([a], [b]) => compareByCodePoints(a, b))
  const sequences = words.map(([word]) =>
    [...word].flatMap((character, i) =>
      known.has(character) ? [idOf(i > 0 ? CONTINUATION + character : character)] : [],
    ),
  )

  const pairCounts = new Map<number, number>()
  const pairWords = new Map<number, Set<number>>()
  const change = (left: number, right: number, word: number, by: number): number => {
    const key = left * PIECES + right
    pairCounts.set(key, (pairCounts.get(key) ?? 0) + by)
    if (by > 0) {
      const places = pairWords.get(key) ?? new Set()
      pairWords.set(key, places.add(word))
    }
    return key
  }
  for (const [word, sequence] of sequences.entries())
    for (let i = 1; i < sequence.length; i++) change(sequence[i - 1]!, sequence[i]!, word, words[word]![1])
  const queue = new Heap<Candidate>(precedes)
  const offer = (key: number): void => {
    const count = pairCounts.get(key)!
    if (count > 0) queue.push({ left: Math.floor(key / PIECES), right: key % PIECES, count })
  }
  for (const key of pairCounts.keys()) offer(key)

  while (vocabulary.length < vocabSize) {
    const best = queue.pop()
    if (best === undefined) break
    const key = best.left * PIECES + best.right
    const count = pairCounts.get(key) ?? 0
    if (count !== best.count) {
      // It has changed since it was put there.
      if (count < best.count) offer(key)
      continue
    }
    if (count < minFrequency) break
    const [a, b] = [vocabulary[best.left]!, vocabulary[best.right]!]
    const merged = idOf(a + (b.startsWith(CONTINUATION) ? b.slice(CONTINUATION.length) : b))
    const touched = new Set<number>()
    for (const word of pairWords.get(key)!) {
      const sequence = sequences[word]!
      const times = words[word]![1]
      for (let i = 0; i + 1 < sequence.length; i++) {
        if (sequence[i] !== best.left || sequence[i + 1] !== best.right) continue
        const [before, after] = [sequence[i - 1], sequence[i + 2]]
        if (before !== undefined) {
          change(before, best.left, word, -times)
          touched.add(change(before, merged, word, times))
        }
        if (after !== undefined) {
          change(best.right, after, word, -times)
          touched.add(change(merged, after, word, times))
        }
        sequence.splice(i, 2, merged)
      }
    }
    pairCounts.set(key, 0)
    for (const each of touched) offer(each)
  }
  return vocabulary
}

function precedes(a: Candidate, b: Candidate): boolean {
  return a.count !== b.count ? a.count > b.count : a.left !== b.left ? a.left < b.left : a.right < b.right
}

// The most frequent characters, in the order of code points.
function frequentCharacters(words: ReadonlyMap<string, number>, limit: number): string[] {
  const counts = new Map<string, number>()
  for (const [word, times] of words)
    for (const character of word) counts.set(character, (counts.get(character) ?? 0) + times)
  return [...counts]
    .sort(([a, m], [b, n]) => n - m || compareByCodePoints(a, b))
    .slice(0, limit)
    .map(([character]) => character)
    .sort(compareByCodePoints)
}
