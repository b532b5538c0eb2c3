import type { Piece } from './modelFile.js'
import { SPACE_SYMBOL } from './normalizer.js'

/** A `.vocab` file as SentencePiece writes it beside a model: piece, tab, score, in the order of ids. */
export function vocabText(pieces: readonly Piece[]): string {
  return pieces.map(({ piece, score }) => `${piece}\t${shortNumber(score)}\n`).join('')
}

/**
 * The `vocab.txt` that NeMo keeps beside a model: pieces in WordPiece's spelling, without special ones. A piece that starts a word
 * loses its space symbol, others get `##` in front; the space symbol alone stays.
 *
 * Source: NeMo v1.0.0 `create_spt_model`.
 */
export function nemoVocabulary(pieces: readonly Piece[]): string[] {
  return pieces
    .filter(({ type }) => type === 'normal' || type === 'unused' || type === 'byte')
    .map(({ piece }) => wordPieceSpelling(piece))
}

/** A piece as NeMo's vocabularies spell it. */
export function wordPieceSpelling(piece: string): string {
  if (!piece.startsWith(SPACE_SYMBOL)) return `##${piece}`
  return piece === SPACE_SYMBOL ? piece : piece.slice(SPACE_SYMBOL.length)
}

// Six digits, as C++ prints a float.
function shortNumber(value: number): string {
  if (Object.is(value, -0)) return '-0'
  const rounded = Number(Math.fround(value).toPrecision(6))
  const exponent = Math.floor(Math.log10(Math.abs(rounded) || 1))
  return exponent < -4 || exponent >= 6 ? rounded.toExponential().replace(/e([+-])(\d)$/, 'e$10$2') : String(rounded)
}
