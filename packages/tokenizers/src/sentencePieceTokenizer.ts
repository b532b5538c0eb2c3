import { TokenizerError } from './errors.js'
import { SentencePieceModel } from './sentencePiece/sentencePieceModel.js'
import type { Tokenizer } from './tokenizer.js'

/** Options of a SentencePiece tokenizer. */
export interface SentencePieceTokenizerOptions {
  /** Whether special tokens may be added on top of the model. Default false, as NeMo. */
  readonly legacy?: boolean
  /** Added behind the model's pieces, those that it has already left out. Needs `legacy`. */
  readonly specialTokens?: readonly string[]
}

/**
 * Tokenizer of a SentencePiece `.model` file, with special tokens on top in `legacy` mode.
 *
 * Source: NeMo v1.0.0 `SentencePieceTokenizer`.
 */
export class SentencePieceTokenizer implements Tokenizer {
  readonly model: SentencePieceModel
  /** Pieces of the model, without special tokens on top. */
  readonly originalVocabSize: number
  /** Ids of the special tokens on top, in order. */
  readonly specialTokenToId: ReadonlyMap<string, number>
  readonly #idToSpecialToken: ReadonlyMap<number, string>
  readonly #legacy: boolean

  /** @throws TokenizerError for bytes that are no model, and for special tokens without `legacy`. */
  constructor(model: SentencePieceModel | Uint8Array, options: SentencePieceTokenizerOptions = {}) {
    const { legacy = false, specialTokens = [] } = options
    this.model = model instanceof Uint8Array ? SentencePieceModel.read(model) : model
    if (specialTokens.length > 0 && !legacy) {
      throw new TokenizerError(
        `Special tokens ${JSON.stringify(specialTokens)} need legacy: true; otherwise give them as user-defined symbols when training the model.`,
      )
    }
    this.#legacy = legacy
    this.originalVocabSize = this.model.vocabSize
    const ids = new Map<string, number>()
    for (const token of specialTokens) {
      if (token === '') throw new TokenizerError('Special tokens: expected a text, found an empty one.')
      if (this.model.pieceToId(token) === this.model.unkId && !ids.has(token))
        ids.set(token, this.originalVocabSize + ids.size)
    }
    this.specialTokenToId = ids
    this.#idToSpecialToken = new Map([...ids].map(([token, id]) => [id, token]))
  }

  get vocabSize(): number {
    return this.originalVocabSize + this.specialTokenToId.size
  }

  textToTokens(text: string): string[] {
    return this.#split(text).flatMap((part) => (part.special ? [part.text] : this.model.encodePieces(part.text)))
  }

  textToIds(text: string): number[] {
    return this.#split(text).flatMap((part) =>
      part.special ? [this.specialTokenToId.get(part.text)!] : this.model.encode(part.text),
    )
  }

  tokensToText(tokens: readonly string[]): string {
    return this.model.decodePieces(tokens)
  }

  /** In `legacy` mode special tokens stand between spaces, and the text is trimmed. */
  idsToText(ids: readonly number[]): string {
    if (!this.#legacy) return this.model.decode(ids)
    let text = ''
    let start = 0
    for (const [i, id] of ids.entries()) {
      const token = this.#idToSpecialToken.get(id)
      if (token === undefined) continue
      text += `${this.model.decode(ids.slice(start, i))} ${token} `
      start = i + 1
    }
    return (text + this.model.decode(ids.slice(start))).trim()
  }

  tokensToIds(tokens: readonly string[]): number[] {
    return tokens.map((token) => this.specialTokenToId.get(token) ?? this.model.pieceToId(token))
  }

  idsToTokens(ids: readonly number[]): string[] {
    return ids.map((id) => this.#idToSpecialToken.get(id) ?? this.model.idToPiece(id))
  }

  /** Cuts at special tokens: the next is the one that starts first, the one named first of equals. */
  #split(text: string): { text: string; special: boolean }[] {
    const parts: { text: string; special: boolean }[] = []
    let at = 0
    for (;;) {
      let next = -1
      let found = ''
      for (const token of this.specialTokenToId.keys()) {
        const place = text.indexOf(token, at)
        if (place >= 0 && (next < 0 || place < next)) [next, found] = [place, token]
      }
      if (next < 0) break
      parts.push({ text: text.slice(at, next), special: false }, { text: found, special: true })
      at = next + found.length
    }
    parts.push({ text: text.slice(at), special: false })
    return parts
  }
}
