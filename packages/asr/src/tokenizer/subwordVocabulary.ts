import {
  parseVocabularyFile,
  type SentencePieceModel,
  SentencePieceTokenizer,
  type Tokenizer,
  TokenizerError,
  WordPieceTokenizer,
  wordPieceSpelling,
} from '@nemo/tokenizers'
import type { TranscriptCodec } from '../data/audioToTextDataset.js'
import { AsrError } from '../errors.js'

/** Kind of a sub-word tokenizer, NeMo's names: `bpe` for SentencePiece models of any kind, `wpe` for WordPiece. */
export type SubwordType = 'bpe' | 'wpe'

/** Special tokens of a WordPiece tokenizer, NeMo's `hf_kwargs`. */
export interface WordPieceTokens {
  readonly unk_token?: string | undefined
  readonly cls_token?: string | undefined
  readonly sep_token?: string | undefined
  readonly pad_token?: string | undefined
  readonly mask_token?: string | undefined
  readonly bos_token?: string | undefined
  readonly eos_token?: string | undefined
}

/** What a sub-word vocabulary is made of; plain data, which worker threads take. */
export interface SubwordVocabularyFiles {
  readonly type: SubwordType
  /** Contents of `tokenizer.model` (`bpe`). */
  readonly model: Uint8Array | null
  /** Contents of `vocab.txt`. */
  readonly vocabulary: Uint8Array | null
  /** Added on top of a SentencePiece model. */
  readonly specialTokens: readonly string[]
  readonly tokens: WordPieceTokens
  /** Classes that a saved model has, if that is known. */
  readonly classes: number | null
}

/**
 * Sub-words that a recogniser's classes stand for, with the tokenizer that cuts text into them.
 *
 * Source: NeMo v1.0.0 `ASRBPEMixin`.
 */
export class SubwordVocabulary {
  readonly files: SubwordVocabularyFiles
  readonly type: SubwordType
  readonly tokenizer: Tokenizer
  /**
   * Names of the classes, as NeMo's configs have them in `decoder.vocabulary`: WordPiece's spelling, `##` before what continues a
   * word. With `bpe` and special pieces besides `<unk>`, NeMo counts too few; where a saved model does so it is followed.
   */
  readonly labels: readonly string[]
  readonly #startEnd: { readonly start: number; readonly end: number } | null
  readonly #unkId: number

  /** @throws TokenizerError for files that are no vocabulary. AsrError if they do not fit the number of classes. */
  constructor(files: SubwordVocabularyFiles) {
    this.files = files
    this.type = files.type
    const lines = files.vocabulary === null ? null : parseVocabularyFile(new TextDecoder().decode(files.vocabulary))
    if (files.type === 'bpe') {
      const tokenizer = new SentencePieceTokenizer(files.model ?? new Uint8Array(), {
        legacy: true,
        specialTokens: files.specialTokens,
      })
      this.tokenizer = tokenizer
      this.#unkId = tokenizer.model.unkId
      // NeMo's SentencePiece tokenizer knows no tokens for start and end here.
      this.#startEnd = null
      this.labels = sentencePieceLabels(tokenizer.model, lines, files.classes)
    } else {
      const { unk_token, cls_token, sep_token, pad_token, mask_token, bos_token, eos_token } = files.tokens
      const tokenizer = new WordPieceTokenizer(lines ?? [], {
        // NeMo starts from `bert-base-cased`.
        lowercase: false,
        stripAccents: false,
        ...(unk_token && { unkToken: unk_token }),
        ...(cls_token && { clsToken: cls_token }),
        ...(sep_token && { sepToken: sep_token }),
        ...(pad_token && { padToken: pad_token }),
        ...(mask_token && { maskToken: mask_token }),
      })
      this.tokenizer = tokenizer
      this.#unkId = tokenizer.unkId
      const idOf = (token: string | undefined, otherwise: number) =>
        token === undefined ? otherwise : tokenizer.vocabulary.indexOf(token)
      const [start, end] = [idOf(bos_token, tokenizer.clsId), idOf(eos_token, tokenizer.sepId)]
      this.#startEnd = start >= 0 && end >= 0 ? { start, end } : null
      this.labels = tokenizer.vocabulary
    }
    if (files.classes !== null && files.classes !== this.labels.length)
      throw new AsrError(
        'NEMO_ASR_VOCABULARY',
        `The tokenizer has ${this.labels.length} sub-words, the decoder ${files.classes} classes (decoder.num_classes). Give the tokenizer that the model was made with, or change it by changeVocabulary.`,
      )
  }

  /** Text of ids. */
  idsToText(ids: readonly number[]): string {
    return this.tokenizer.idsToText(ids)
  }

  /** A sub-word's part of a text: begins with a space where a word begins. */
  pieceOf(id: number): string {
    const [token] = this.tokenizer.idsToTokens([id]) as [string]
    if (this.type === 'bpe') return token.replaceAll('\u2581', ' ')
    return token.startsWith('##') ? token.slice(2) : ` ${token}`
  }

  /** Classes as decoders of other programs want them: SentencePiece's spelling, with U+2581 before what begins a word. */
  get symbols(): readonly string[] {
    return this.labels.map((_, id) => this.pieceOf(id).replaceAll(' ', '\u2581'))
  }

  /** How transcripts become ids: with tokens for start and end if the tokenizer has them, and unknown text as an id or an error. */
  transcripts(options: { readonly startEnd: boolean; readonly unknown: 'drop' | 'error' }): TranscriptCodec {
    const bounds = options.startEnd ? this.#startEnd : null
    return {
      encode: (text) => {
        const ids = this.tokenizer.textToIds(text)
        if (options.unknown === 'error' && ids.includes(this.#unkId))
          throw new TokenizerError(
            `Text ${JSON.stringify(text)} has parts outside the tokenizer's ${this.labels.length} sub-words. Clean the text, train the tokenizer on it too, or set unknown_characters: drop.`,
          )
        return { ids: bounds ? [bounds.start, ...ids, bounds.end] : ids, unknown: [] }
      },
      decode: (ids) => this.idsToText(ids),
    }
  }
}

function sentencePieceLabels(
  { pieces }: SentencePieceModel,
  lines: readonly string[] | null,
  classes: number | null,
): readonly string[] {
  const own = lines === null ? [] : ['<unk>', ...lines]
  if (own.length === pieces.length || own.length === classes) return own
  return pieces.map(({ piece, type }) => (type === 'normal' ? wordPieceSpelling(piece) : piece))
}
