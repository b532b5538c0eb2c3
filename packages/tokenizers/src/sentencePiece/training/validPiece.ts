import { unicodeScript } from './unicodeScript.js'

/** Stands in words for what no piece may contain: rare characters and special symbols. */
export const BREAK = 0

/** U+2581, which stands for a space. */
export const SPACE = 0x2581

const LONG_VOWEL = 0x30fc

/**
 * Whether a string of characters may be a piece: short enough, a space only in front, letters of one script only (Han, Hiragana and
 * Katakana count as one; digits and punctuation as another), no rare character.
 *
 * Source: SentencePiece `TrainerInterface::IsValidSentencePiece`, with its defaults.
 */
export function isValidPiece(codePoints: ArrayLike<number>, maxLength: number): boolean {
  if (codePoints.length === 0 || codePoints.length > maxLength) return false
  let previous: string | undefined
  for (let i = 0; i < codePoints.length; i++) {
    const code = codePoints[i]!
    if (code === BREAK) return false
    if (code === SPACE) {
      if (i > 0) return false
      continue
    }
    const script = pieceScript(code, previous)
    if (script !== undefined && previous !== undefined && script !== previous) return false
    previous = script
  }
  return true
}

function pieceScript(code: number, previous: string | undefined): string | undefined {
  const script = unicodeScript(code)
  if (script === 'Hiragana' || script === 'Katakana' || code === LONG_VOWEL) return 'Han'
  return script === 'Inherited' ? previous : script
}
