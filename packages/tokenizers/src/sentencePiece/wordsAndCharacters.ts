import { characterLength, SPACE_SYMBOL } from './normalizer.js'
import type { Segment, Vocabulary } from './vocabulary.js'

/** Cuts text into user-defined symbols and characters. */
export function encodeCharacters(text: string, vocabulary: Vocabulary): Segment[] {
  const segments: Segment[] = []
  for (let at = 0; at < text.length; ) {
    const end = at + (vocabulary.userDefined.longestMatch(text, at) || characterLength(text, at))
    const piece = text.slice(at, end)
    segments.push({ text: piece, id: vocabulary.idOf(piece) })
    at = end
  }
  return segments
}

/** Cuts text into words, each with the space symbol before it, or behind it with `spaceAsSuffix`. */
export function encodeWords(text: string, vocabulary: Vocabulary, spaceAsSuffix: boolean): Segment[] {
  const words = text.split(spaceAsSuffix ? AFTER_SPACE : BEFORE_SPACE).filter((word) => word !== '')
  return words.map((word) => ({ text: word, id: vocabulary.idOf(word) }))
}

const BEFORE_SPACE = new RegExp(`(?=${SPACE_SYMBOL})`, 'u')
const AFTER_SPACE = new RegExp(`(?<=${SPACE_SYMBOL})`, 'u')
