import { type CorpusWord, compareByCodePoints } from './trainingCorpus.js'
import { BREAK, isValidPiece, SPACE } from './validPiece.js'

/** A string of characters that could become a piece. */
export interface SeedPiece {
  readonly piece: string
  /** Characters that its occurrences cover; of a single character, its occurrences. */
  readonly score: number
}

const END = -1

/**
 * Strings that a unigram vocabulary is chosen from: all characters, and all strings of 2 to `maxLength` characters inside words that
 * are followed by different characters in different places (the branching nodes of a suffix tree), at most `limit` of them.
 *
 * Source: SentencePiece's `unigram::Trainer::MakeSeedSentencePieces`.
 */
export function seedPieces(words: readonly CorpusWord[], maxLength: number, limit = 1_000_000): SeedPiece[] {
  const characters = new Map<number, number>()
  for (const { codePoints, count } of words)
    for (const code of codePoints) if (code !== BREAK) characters.set(code, (characters.get(code) ?? 0) + count)
  const singles = [...characters]
    .sort((a, b) => b[1] - a[1] || a[0] - b[0])
    .map(([code, count]) => ({ piece: String.fromCodePoint(code), score: count }))
  const branching = branchingStrings(words, maxLength).sort(
    (a, b) => b.score - a.score || compareByCodePoints(a.piece, b.piece),
  )
  return [...singles, ...branching.slice(0, limit)]
}

function branchingStrings(words: readonly CorpusWord[], maxLength: number): SeedPiece[] {
  // Each word once as it ends sentences and once as another word, that is a space, follows.
  const size = words.reduce((sum, { codePoints }) => sum + 2 * (codePoints.length + 1), 0)
  const text = new Int32Array(size)
  const weight = new Float64Array(size)
  const suffixes: number[] = []
  let at = 0
  for (const { codePoints, count, atEnd } of words) {
    for (const [end, times] of [
      [END, atEnd],
      [SPACE, count - atEnd],
    ] as const) {
      if (times === 0) continue
      for (const code of codePoints) {
        suffixes.push(at)
        weight[at] = times
        text[at++] = code
      }
      text[at++] = end === SPACE ? -SPACE : END
    }
  }
  // One more than a piece may have decides whether it branches.
  const depth = maxLength + 1
  const common = (a: number, b: number): number => {
    for (let i = 0; i < depth; i++) {
      if (text[a + i] !== text[b + i]) return i
      if (text[a + i]! < 0) return i + 1
    }
    return depth
  }
  const order = Int32Array.from(suffixes).sort((a, b) => {
    const same = common(a, b)
    if (same === depth || (same > 0 && text[a + same - 1]! < 0)) return 0
    return character(text[a + same]!) - character(text[b + same]!)
  })
  const found: SeedPiece[] = []
  const sums = new Float64Array(order.length + 1)
  for (const [i, suffix] of order.entries()) sums[i + 1] = sums[i]! + weight[suffix]!
  // Intervals of suffixes that share a beginning, innermost first.
  const open: { readonly length: number; readonly first: number }[] = []
  for (let i = 1; i <= order.length; i++) {
    const length = i < order.length ? common(order[i - 1]!, order[i]!) : 0
    let first = i - 1
    while (open.length > 0 && open.at(-1)!.length > length) {
      const node = open.pop()!
      first = node.first
      if (node.length < 2 || node.length > maxLength) continue
      const start = order[first]!
      const codePoints = text.subarray(start, start + node.length)
      if (codePoints.at(-1)! < 0 || !isValidPiece(codePoints, maxLength)) continue
      found.push({
        piece: String.fromCodePoint(...codePoints),
        score: (sums[i]! - sums[first]!) * node.length,
      })
    }
    if (length > 0 && (open.length === 0 || open.at(-1)!.length < length)) open.push({ length, first })
  }
  return found
}

// A space is the same character inside a word and behind it, as far as branching goes.
const character = (code: number): number => (code === -SPACE ? SPACE : code)
