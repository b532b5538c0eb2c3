import { CharsMap } from './charsMap.js'
import type { NormalizerSpec } from './modelFile.js'
import type { PieceTrie } from './pieceTrie.js'

/** Stands for a space in pieces: U+2581. */
export const SPACE_SYMBOL = '\u2581'

/** What a normalizer needs besides its spec. */
export interface NormalizerOptions {
  /** Texts that stay as they are. */
  readonly userDefined: PieceTrie
  /** Spaces belong to the word before them. */
  readonly treatWhitespaceAsSuffix: boolean
}

/**
 * Prepares text as SentencePiece does: replaces by the rules of the model, longest first, and never inside a
 * user-defined symbol; squeezes spaces, adds one in front and writes them as U+2581.
 *
 * Half of a surrogate pair becomes U+FFFD.
 */
export class Normalizer {
  readonly #spec: NormalizerSpec
  readonly #charsMap: CharsMap | null
  readonly #options: NormalizerOptions

  /** @throws TokenizerError for a malformed charsmap. */
  constructor(spec: NormalizerSpec, options: NormalizerOptions) {
    this.#spec = spec
    this.#charsMap = spec.precompiledCharsmap.length > 0 ? new CharsMap(spec.precompiledCharsmap) : null
    this.#options = options
  }

  normalize(text: string): string {
    const { addDummyPrefix, removeExtraWhitespaces, escapeWhitespaces } = this.#spec
    const { treatWhitespaceAsSuffix } = this.#options
    const space = escapeWhitespaces ? SPACE_SYMBOL : ' '
    const chunks = this.#chunks(text)
    let start = 0
    if (removeExtraWhitespaces) while (start < chunks.length && chunks[start] === ' ') start++
    if (start === chunks.length) return ''

    const parts: string[] = []
    if (addDummyPrefix && !treatWhitespaceAsSuffix) parts.push(space)
    let afterSpace = removeExtraWhitespaces
    for (let i = start; i < chunks.length; i++) {
      const chunk = afterSpace ? chunks[i]!.replace(/^ +/, '') : chunks[i]!
      if (chunk !== '') {
        parts.push(escapeWhitespaces ? chunk.replaceAll(' ', SPACE_SYMBOL) : chunk)
        afterSpace = chunk.endsWith(' ')
      }
      if (!removeExtraWhitespaces) afterSpace = false
    }
    let normalized = parts.join('')
    if (removeExtraWhitespaces) {
      let end = normalized.length
      while (end > 0 && normalized[end - 1] === space) end--
      normalized = normalized.slice(0, end)
    }
    return addDummyPrefix && treatWhitespaceAsSuffix ? normalized + space : normalized
  }

  /** The text cut at rules and characters, each replaced. */
  #chunks(text: string): string[] {
    const wellFormed = text.replace(LONE_SURROGATE, '\ufffd')
    const bytes = new TextEncoder().encode(wellFormed)
    const chunks: string[] = []
    // Rules are about bytes, user-defined symbols about code units.
    for (let unit = 0, byte = 0; unit < wellFormed.length; ) {
      const symbol = this.#options.userDefined.longestMatch(wellFormed, unit)
      if (symbol > 0) {
        chunks.push(wellFormed.slice(unit, unit + symbol))
        byte += utf8Length(wellFormed, unit, unit + symbol)
        unit += symbol
        continue
      }
      const match = this.#charsMap?.longestMatch(bytes, byte)
      if (match) {
        chunks.push(match.replacement)
        for (const end = byte + match.length; byte < end; byte++) unit += unitsOfByte(bytes[byte]!)
      } else {
        const length = characterLength(wellFormed, unit)
        chunks.push(wellFormed.slice(unit, unit + length))
        byte += utf8Length(wellFormed, unit, unit + length)
        unit += length
      }
    }
    return chunks
  }
}

const LONE_SURROGATE = /\p{Surrogate}/gu

/** Code units that start with a byte of UTF-8: none for continuations, two for the first of four bytes. */
const unitsOfByte = (byte: number): number => ((byte & 0xc0) === 0x80 ? 0 : byte >= 0xf0 ? 2 : 1)

/** Code units of the character at `at`. */
export function characterLength(text: string, at: number): number {
  const code = text.charCodeAt(at)
  return code >= 0xd800 && code < 0xdc00 && at + 1 < text.length ? 2 : 1
}

/** Bytes that a part of a text takes in UTF-8. */
export function utf8Length(text: string, from: number, to: number): number {
  let bytes = 0
  for (let i = from; i < to; i++) {
    const code = text.charCodeAt(i)
    // A surrogate is half of four bytes.
    bytes += code < 0x80 ? 1 : code < 0x800 || (code >= 0xd800 && code < 0xe000) ? 2 : 3
  }
  return bytes
}
