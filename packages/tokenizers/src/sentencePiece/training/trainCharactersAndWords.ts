import type { TrainedPiece } from './trainedPiece.js'
import { compareByCodePoints, type TrainingCorpus } from './trainingCorpus.js'
import { BREAK } from './validPiece.js'

/** The most frequent characters, with the log of their share as score. Source: SentencePiece's `character::Trainer`. */
export function trainCharacters({ requiredCharacters }: TrainingCorpus, size: number): TrainedPiece[] {
  return byShare(
    requiredCharacters.map(([code, count]) => [String.fromCodePoint(code), count]),
    size,
  )
}

/** The most frequent words, with the log of their share as score. Source: SentencePiece's `word::Trainer`. */
export function trainWords({ words }: TrainingCorpus, size: number): TrainedPiece[] {
  const counts = new Map<string, number>()
  // Words that differ in their rare characters alone count towards the share of all.
  for (const { codePoints, count } of words) {
    const word = codePoints.map((code) => (code === BREAK ? '\u2585' : String.fromCodePoint(code))).join('')
    counts.set(word, (counts.get(word) ?? 0) + count)
  }
  const sorted = [...counts].sort(([a, m], [b, n]) => n - m || compareByCodePoints(a, b))
  const total = sorted.reduce((sum, [, count]) => sum + count, 0)
  return byShare(
    sorted.filter(([word]) => !word.includes('\u2585')),
    size,
    total,
  )
}

function byShare(
  counts: readonly (readonly [string, number])[],
  size: number,
  total = counts.reduce((sum, [, count]) => sum + count, 0),
): TrainedPiece[] {
  const logTotal = Math.fround(Math.log(total))
  return counts.slice(0, size).map(([piece, count]) => ({ piece, score: Math.fround(Math.log(count)) - logTotal }))
}
