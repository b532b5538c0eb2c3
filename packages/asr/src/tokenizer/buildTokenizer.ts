import { createReadStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { readManifest } from '@nemo/audio'
import { atomicWriteFile } from '@nemo/core'
import { nemoVocabulary, trainSentencePiece, trainWordPiece, vocabText, writeModelFile } from '@nemo/tokenizers'
import { z } from 'zod'
import { AsrError } from '../errors.js'

const files = z
  .union([z.string(), z.array(z.string())])
  .nullable()
  .default(null)

/** Options of NeMo's `process_asr_text_tokenizer.py`, with its names and defaults. */
export const buildTokenizerOptionsSchema = z.strictObject({
  /** Manifests whose texts to learn from: a list, or joined by commas. */
  manifest: files,
  /** Text files, one sentence a line, instead of manifests. */
  data_file: files,
  /** Folder that the tokenizer's folder is made in. */
  data_root: z.string(),
  vocab_size: z.int().min(2).default(1024),
  /** `spe` for SentencePiece, `wpe` for WordPiece. */
  tokenizer: z.enum(['spe', 'wpe']).default('wpe'),
  spe_type: z.enum(['bpe', 'unigram', 'char', 'word']).default('bpe'),
  /** Share of characters covered: 1.0 for alphabets, 0.9995 for Chinese or Japanese. */
  spe_character_coverage: z.number().gt(0).max(1).default(1),
  /** Sentences drawn at random; -1 for all. */
  spe_sample_size: z.int().default(-1),
  /** Has no effect: there is no limit to lift, memory grows with the number of different words alone. */
  spe_train_extremely_large_corpus: z.boolean().default(false),
  /** Characters of a piece at most; -1 for SentencePiece's 16. */
  spe_max_sentencepiece_length: z.int().default(-1),
  spe_bos: z.boolean().default(false),
  spe_eos: z.boolean().default(false),
  spe_pad: z.boolean().default(false),
  spe_control_symbols: z.array(z.string()).default([]),
  spe_user_defined_symbols: z.array(z.string()).default([]),
  /** Fold to lower case. */
  lower_case: z.boolean().default(true),
  /** Of the draw of sentences. */
  seed: z.int().min(0).default(0),
})

/** Options of `buildTokenizer`. */
export type BuildTokenizerOptions = z.input<typeof buildTokenizerOptionsSchema>

/**
 * Trains a tokenizer on the texts of manifests or text files and writes its folder as NeMo does:
 * `tokenizer_spe_bpe_v1024/` with `tokenizer.model`, `tokenizer.vocab` and `vocab.txt`, or `tokenizer_wpe_v1024/vocab.txt`.
 *
 * @returns the folder, for `tokenizer.dir` of a model.
 * @throws AsrError and ManifestError for texts that are not there, naming file and line; TokenizerError where the texts do not allow the options.
 *
 * Source: NeMo v1.0.0 `process_asr_text_tokenizer.py`.
 */
export async function buildTokenizer(options: BuildTokenizerOptions): Promise<string> {
  const given = buildTokenizerOptionsSchema.parse(options)
  const texts = textsOf(given)
  const dir = join(given.data_root, folderName(given))
  await mkdir(dir, { recursive: true })
  const write = (name: string, contents: string | Uint8Array) => atomicWriteFile(join(dir, name), contents as string)
  const lines = (entries: readonly string[]) => entries.map((entry) => `${entry}\n`).join('')
  if (given.tokenizer === 'wpe') {
    const vocabulary = await trainWordPiece(texts, { vocabSize: given.vocab_size, lowercase: given.lower_case })
    await write('vocab.txt', lines(vocabulary))
    return dir
  }
  const { file } = await trainSentencePiece(texts, {
    vocabSize: given.vocab_size,
    modelType: given.spe_type,
    characterCoverage: given.spe_character_coverage,
    inputSentenceSize: Math.max(0, given.spe_sample_size),
    seed: given.seed,
    ...(given.spe_max_sentencepiece_length > 0 && { maxSentencePieceLength: given.spe_max_sentencepiece_length }),
    normalizationRule: given.lower_case ? 'nmt_nfkc_cf' : 'nmt_nfkc',
    bos: given.spe_bos,
    eos: given.spe_eos,
    pad: given.spe_pad,
    controlSymbols: given.spe_control_symbols,
    userDefinedSymbols: given.spe_user_defined_symbols,
  })
  await write('tokenizer.model', writeModelFile(file))
  await write('tokenizer.vocab', vocabText(file.pieces))
  await write('vocab.txt', lines(nemoVocabulary(file.pieces)))
  return dir
}

type Options = z.output<typeof buildTokenizerOptionsSchema>

function folderName({ tokenizer, spe_type, vocab_size, spe_max_sentencepiece_length: longest }: Options): string {
  if (tokenizer === 'wpe') return `tokenizer_wpe_v${vocab_size}`
  return `tokenizer_spe_${spe_type}_v${vocab_size}${longest > 0 ? `_max${longest}` : ''}`
}

const pathsOf = (given: string | readonly string[] | null): readonly string[] =>
  typeof given === 'string' ? given.split(',').map((path) => path.trim()) : (given ?? [])

function textsOf({ manifest, data_file }: Options): AsyncIterable<string> {
  const [manifests, texts] = [pathsOf(manifest), pathsOf(data_file)]
  if (manifests.length > 0 === texts.length > 0)
    throw new AsrError(
      'NEMO_ASR_TOKENIZER_TEXT',
      `Give either manifest or data_file; found ${manifests.length > 0 ? 'both' : 'neither'}.`,
    )
  return manifests.length > 0 ? manifestTexts(manifests) : fileLines(texts)
}

async function* manifestTexts(paths: readonly string[]): AsyncGenerator<string> {
  for await (const { text, manifest, line } of readManifest(paths)) {
    if (text === undefined || text === null)
      throw new AsrError('NEMO_ASR_TOKENIZER_TEXT', `${manifest}:${line}: expected a text to learn from, found none.`)
    yield text
  }
}

async function* fileLines(paths: readonly string[]): AsyncGenerator<string> {
  for (const path of paths) {
    const input = createReadStream(path, 'utf8')
    try {
      yield* createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })
    } catch (cause) {
      throw new AsrError('NEMO_ASR_TOKENIZER_TEXT', `${path} cannot be read: ${(cause as Error).message}.`, { cause })
    } finally {
      input.destroy()
    }
  }
}
