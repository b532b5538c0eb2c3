import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SentencePieceModel, SentencePieceTokenizer } from '@nemo/tokenizers'
import type { CaseHandler } from '../caseHandler.js'

interface TokenizerModel {
  readonly name: string
  readonly vocab_size: number
  readonly unk_id: number
  readonly bos_id: number
  readonly eos_id: number
  readonly pad_id: number
  readonly first_pieces: readonly string[]
  readonly decode_unk: string
  readonly normalized: readonly (readonly [string, string])[]
}

interface Encodings {
  readonly sentences: readonly string[]
  readonly models: Readonly<
    Record<
      string,
      Readonly<Record<'pieces' | 'ids_to_text' | 'pieces_to_text', readonly string[]>> & {
        readonly ids: readonly (readonly number[])[]
      }
    >
  >
}

interface LegacySpecialTokens {
  readonly model: string
  readonly special_tokens: readonly string[]
  readonly special_token_to_id: Readonly<Record<string, number>>
  readonly vocab_size: number
  readonly original_vocab_size: number
  readonly rows: readonly {
    readonly text: string
    readonly tokens: readonly string[]
    readonly ids: readonly number[]
    readonly ids_to_text: string
    readonly ids_to_tokens: readonly string[]
  }[]
}

const SEPARATOR = '\u0001'

/** SentencePiece models: ids, pieces and texts of sentences, and special tokens on top. */
export const tokenizers: CaseHandler = {
  kind: 'tokenizers',
  matches: ({ json }) =>
    Array.isArray(json.models) && json.models.every((model: TokenizerModel) => Array.isArray(model.normalized)),
  async run(golden, comparison) {
    const bytesOf = (name: string): Uint8Array => readFileSync(join(golden.folder, name, 'tokenizer.model'))
    const { sentences, models } = JSON.parse(readFileSync(join(golden.folder, 'encodings.json'), 'utf8')) as Encodings
    for (const want of golden.json.models as readonly TokenizerModel[]) {
      const { name } = want
      const model = SentencePieceModel.read(bytesOf(name), name)
      const tokenizer = new SentencePieceTokenizer(model, { legacy: true })
      const special = ['unkId', 'bosId', 'eosId', 'padId'] as const
      comparison.equal(
        `${name}/special ids`,
        special.map((key) => model[key]),
        [want.unk_id, want.bos_id, want.eos_id, want.pad_id],
      )
      comparison.equal(`${name}/vocab_size`, tokenizer.vocabSize, want.vocab_size)
      comparison.equal(
        `${name}/first_pieces`,
        want.first_pieces.map((_, id) => model.idToPiece(id)),
        want.first_pieces,
      )
      comparison.equal(`${name}/decode_unk`, tokenizer.idsToText([model.unkId]), want.decode_unk)
      for (const [text, normalized] of want.normalized)
        comparison.equal(`${name}/normalized ${JSON.stringify(text)}`, model.normalize(text), normalized)
      const encoded = models[name]!
      for (const [i, sentence] of sentences.entries()) {
        const what = `${name}/${i}`
        const pieces = encoded.pieces[i] === '' ? [] : encoded.pieces[i]!.split(SEPARATOR)
        comparison.equal(`${what}/ids`, tokenizer.textToIds(sentence), encoded.ids[i])
        comparison.equal(`${what}/pieces`, tokenizer.textToTokens(sentence), pieces)
        comparison.equal(`${what}/ids_to_text`, tokenizer.idsToText(encoded.ids[i]!), encoded.ids_to_text[i])
        comparison.equal(`${what}/pieces_to_text`, tokenizer.tokensToText(pieces), encoded.pieces_to_text[i])
      }
    }
    const legacy = golden.json.legacy_special_tokens as LegacySpecialTokens | undefined
    if (!legacy) return
    const specialTokens = legacy.special_tokens
    const tokenizer = new SentencePieceTokenizer(bytesOf(legacy.model), { legacy: true, specialTokens })
    comparison.equal(
      'legacy/sizes',
      [tokenizer.vocabSize, tokenizer.originalVocabSize],
      [legacy.vocab_size, legacy.original_vocab_size],
    )
    comparison.equal(
      'legacy/special_token_to_id',
      Object.fromEntries(tokenizer.specialTokenToId),
      legacy.special_token_to_id,
    )
    for (const row of legacy.rows) {
      comparison.equal(`legacy/${row.text}/tokens`, tokenizer.textToTokens(row.text), row.tokens)
      comparison.equal(`legacy/${row.text}/ids`, tokenizer.textToIds(row.text), row.ids)
      comparison.equal(`legacy/${row.text}/ids_to_text`, tokenizer.idsToText(row.ids), row.ids_to_text)
      comparison.equal(`legacy/${row.text}/ids_to_tokens`, tokenizer.idsToTokens(row.ids), row.ids_to_tokens)
    }
  },
}
