import { TokenizerError } from '../errors.js'
import type { Tokenizer } from '../tokenizer.js'
import { basicTokenize } from './basicTokenizer.js'

/** Options of a WordPiece tokenizer. */
export interface WordPieceTokenizerOptions {
  /** Fold to lower case. Default true, as for BERT's uncased models. */
  readonly lowercase?: boolean
  /** Remove combining marks. Default: as `lowercase`. */
  readonly stripAccents?: boolean
  /** Words of more characters become the unknown. Default 100. */
  readonly maxCharactersPerWord?: number
  /** Default `[UNK]`; must be in the vocabulary, the others need not. */
  readonly unkToken?: string
  /** Default `[CLS]`. */
  readonly clsToken?: string
  /** Default `[SEP]`. */
  readonly sepToken?: string
  /** Default `[PAD]`. */
  readonly padToken?: string
  /** Default `[MASK]`. */
  readonly maskToken?: string
}

/** Marks pieces that continue a word. */
const CONTINUATION = '##'

/**
 * BERT's tokenizer: words, punctuation marks and Chinese characters are cut, from the left, into the longest pieces of
 * a vocabulary. Special tokens in a text are kept whole.
 *
 * Source: Wu et al. 2016; Devlin et al. 2018; NeMo v1.0.0 `AutoTokenizer` with a BERT vocabulary.
 */
export class WordPieceTokenizer implements Tokenizer {
  readonly vocabulary: readonly string[]
  /** The special tokens that the vocabulary has. */
  readonly specialTokens: ReadonlySet<string>
  readonly unkId: number
  /** -1 if the vocabulary lacks it, as for the other special tokens. */
  readonly clsId: number
  readonly sepId: number
  readonly padId: number
  readonly maskId: number
  readonly #ids: ReadonlyMap<string, number>
  readonly #longest: number
  readonly #options: { readonly lowercase: boolean; readonly stripAccents: boolean; readonly maxCharacters: number }
  readonly #unkToken: string
  readonly #special: RegExp

  /**
   * @param vocabulary - Pieces in the order of their ids, as `parseVocabularyFile` reads them from a `vocab.txt`. Of
   *   repeated pieces the last counts.
   * @throws TokenizerError for a vocabulary without the unknown.
   */
  constructor(vocabulary: readonly string[], options: WordPieceTokenizerOptions = {}) {
    const {
      unkToken = '[UNK]',
      clsToken = '[CLS]',
      sepToken = '[SEP]',
      padToken = '[PAD]',
      maskToken = '[MASK]',
    } = options
    const { lowercase = true, stripAccents = lowercase, maxCharactersPerWord = 100 } = options
    const ids = new Map(vocabulary.map((piece, id) => [piece, id]))
    const idOf = (token: string): number => ids.get(token) ?? -1
    this.unkId = idOf(unkToken)
    if (this.unkId < 0)
      throw new TokenizerError(
        `The vocabulary of ${vocabulary.length} pieces lacks ${JSON.stringify(unkToken)}, which stands for the unknown. Name the piece that does: unkToken.`,
      )
    this.clsId = idOf(clsToken)
    this.sepId = idOf(sepToken)
    this.padId = idOf(padToken)
    this.maskId = idOf(maskToken)
    this.vocabulary = [...vocabulary]
    const special = [unkToken, clsToken, sepToken, padToken, maskToken].filter((token) => ids.has(token))
    this.specialTokens = new Set(special)
    this.#ids = ids
    this.#longest = Math.max(...vocabulary.map((piece) => piece.length))
    this.#options = { lowercase, stripAccents, maxCharacters: maxCharactersPerWord }
    this.#unkToken = unkToken
    const longestFirst = special.toSorted((a, b) => b.length - a.length)
    this.#special = new RegExp(`(${longestFirst.map(escapeRegExp).join('|')})`, 'u')
  }

  get vocabSize(): number {
    return this.vocabulary.length
  }

  textToTokens(text: string): string[] {
    // Splitting by a group keeps what it matches: at the odd places.
    return text.split(this.#special).flatMap((part, i) => {
      if (i % 2 === 1) return [part]
      return basicTokenize(part, this.#options).flatMap((word) => this.#pieces(word))
    })
  }

  textToIds(text: string): number[] {
    return this.tokensToIds(this.textToTokens(text))
  }

  tokensToText(tokens: readonly string[]): string {
    return tokens.join(' ').replaceAll(` ${CONTINUATION}`, '').trim()
  }

  /** Special tokens are left out. */
  idsToText(ids: readonly number[]): string {
    return this.tokensToText(this.idsToTokens(ids).filter((token) => !this.specialTokens.has(token)))
  }

  tokensToIds(tokens: readonly string[]): number[] {
    return tokens.map((token) => this.#ids.get(token) ?? this.unkId)
  }

  idsToTokens(ids: readonly number[]): string[] {
    return ids.map((id) => {
      const piece = this.vocabulary[id]
      if (piece === undefined)
        throw new TokenizerError(`Id ${id} is outside the vocabulary: expected 0 to ${this.vocabSize - 1}.`)
      return piece
    })
  }

  /** A word's pieces; the unknown for all of it if some part has none. */
  #pieces(word: string): string[] {
    if ([...word].length > this.#options.maxCharacters) return [this.#unkToken]
    const pieces: string[] = []
    for (let start = 0; start < word.length; ) {
      const prefix = start > 0 ? CONTINUATION : ''
      let end = Math.min(word.length, start + this.#longest)
      while (end > start && !this.#ids.has(prefix + word.slice(start, end))) end--
      if (end === start) return [this.#unkToken]
      pieces.push(prefix + word.slice(start, end))
      start = end
    }
    return pieces
  }
}

const escapeRegExp = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
