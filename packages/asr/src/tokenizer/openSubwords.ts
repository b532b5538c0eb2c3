import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { type ConfigObject, ConfigValidationError, validateConfig } from '@nemo/core'
import { z } from 'zod'
import { AsrError } from '../errors.js'
import { SubwordVocabulary } from './subwordVocabulary.js'

const token = z.string().nullish()

/** Keys of a model's `tokenizer` section, with NeMo's names and meanings. */
export const tokenizerConfigSchema = z.strictObject({
  /** Folder with `tokenizer.model` and `vocab.txt` (`bpe`), or `vocab.txt` (`wpe`). */
  dir: z.string().nullable().default(null),
  /** `bpe` for SentencePiece models of any kind, `wpe` for WordPiece. */
  type: z
    .string()
    .transform((type) => type.toLowerCase())
    .pipe(z.enum(['bpe', 'wpe'])),
  /** Files elsewhere than in `dir`; `nemo:NAME` is one of the `.nemo` archive. */
  model_path: z.string().nullish(),
  vocab_path: z.string().nullish(),
  spe_tokenizer_vocab: z.string().nullish(),
  /** Added on top of a SentencePiece model. */
  special_tokens: z.array(z.string()).nullish(),
  /** Special tokens of a WordPiece vocabulary; other arguments of Hugging Face's tokenizers have no meaning here. */
  hf_kwargs: z
    .looseObject({
      unk_token: token,
      cls_token: token,
      sep_token: token,
      pad_token: token,
      mask_token: token,
      bos_token: token,
      eos_token: token,
    })
    .nullish(),
})

/** An opened tokenizer, and what of it goes into a `.nemo` archive. */
export interface OpenedSubwords {
  readonly vocabulary: SubwordVocabulary
  /** The `tokenizer` section with the names of the archive's files in it. */
  readonly config: ConfigObject
  readonly artifacts: ReadonlyMap<string, Uint8Array>
}

const PREFIX = 'nemo:'
const fileNames = {
  model_path: 'tokenizer.model',
  vocab_path: 'vocab.txt',
  spe_tokenizer_vocab: 'tokenizer.vocab',
} as const
type FileKey = keyof typeof fileNames

/**
 * Opens the tokenizer of a model's `tokenizer` section: files of the archive that it is restored from, or of `dir`.
 *
 * @param archive - Files of that archive; empty if there is none.
 * @param classes - Classes that the decoder has; null if the tokenizer decides.
 * @throws ConfigValidationError for wrong keys; AsrError for a file that is not there; what `SubwordVocabulary` throws.
 */
export function openSubwords(
  section: unknown,
  archive: ReadonlyMap<string, Uint8Array>,
  classes: number | null,
  source: string,
): OpenedSubwords {
  if (section === undefined || section === null) {
    const message = 'expected a section with dir and type, found no such key'
    throw new ConfigValidationError([{ keyPath: 'tokenizer', message }], source)
  }
  const config = validateConfig(tokenizerConfigSchema, section, { source: `${source}: tokenizer` })
  const artifacts = new Map<string, Uint8Array>()
  const paths: ConfigObject = {}
  const take = (key: FileKey, needed: boolean): Uint8Array | null => {
    const found = findFile(key, config[key], config.dir, archive, needed, source)
    if (found === null) return null
    artifacts.set(found.name, found.contents)
    paths[key] = PREFIX + found.name
    return found.contents
  }
  const bpe = config.type === 'bpe'
  const model = bpe ? take('model_path', true) : null
  const vocabulary = new SubwordVocabulary({
    type: config.type,
    model,
    vocabulary: take('vocab_path', !bpe),
    specialTokens: config.special_tokens ?? [],
    tokens: Object.fromEntries(Object.entries(config.hf_kwargs ?? {}).filter(([, name]) => typeof name === 'string')),
    classes,
  })
  if (bpe) take('spe_tokenizer_vocab', false)
  return { vocabulary, config: { dir: config.dir, type: config.type, ...paths }, artifacts }
}

function findFile(
  key: FileKey,
  written: string | null | undefined,
  dir: string | null,
  archive: ReadonlyMap<string, Uint8Array>,
  needed: boolean,
  source: string,
): { readonly name: string; readonly contents: Uint8Array } | null {
  // Archives of before NeMo 1.0 name the file by its path of then.
  const inArchive = written?.startsWith(PREFIX) ? written.slice(PREFIX.length) : basename(written ?? fileNames[key])
  const kept = archive.get(inArchive)
  if (kept) return { name: inArchive, contents: kept }
  // A checkpoint of a run has no files in it; the folder may still be there.
  const path = written && !written.startsWith(PREFIX) ? written : dir === null ? null : join(dir, fileNames[key])
  if (path !== null && existsSync(path)) {
    const contents = new Uint8Array(readFileSync(path))
    const digest = createHash('sha256').update(contents).digest('hex').slice(0, 32)
    return { name: `${digest}_${fileNames[key]}`, contents }
  }
  if (!needed) return null
  throw new AsrError(
    'NEMO_ASR_TOKENIZER_FILE',
    `${source}: tokenizer.${key}: ${path ?? written ?? fileNames[key]} is not there. Give the folder of the tokenizer as tokenizer.dir; \`asr/process-asr-text-tokenizer\` makes one.`,
  )
}

/**
 * Opens the tokenizer that a model changes to.
 *
 * @param current - The model's `tokenizer` section.
 * @throws AsrError for what is no folder with a tokenizer; ConfigValidationError for another type than `bpe` and `wpe`.
 */
export function changedSubwords(
  current: unknown,
  dir: readonly string[] | string,
  type: string | undefined,
  source: string,
): OpenedSubwords {
  const where = `${source}.changeVocabulary`
  if (typeof dir !== 'string' || !existsSync(dir))
    throw new AsrError(
      'NEMO_ASR_TOKENIZER_FILE',
      `${where}: expected the folder of a tokenizer and its type (bpe or wpe), found ${JSON.stringify(dir)}. \`asr/process-asr-text-tokenizer\` makes one.`,
    )
  const opened = openSubwords({ dir, type: type ?? '' }, new Map(), null, where)
  // What belonged to the old tokenizer must not be taken for the new one's.
  const stale = Object.keys(current ?? {}).filter((key) => !(key in opened.config))
  const cleared = Object.fromEntries(
    stale.map((key): [string, ConfigObject | null] => [key, key === 'hf_kwargs' ? {} : null]),
  )
  return { ...opened, config: { ...cleared, ...opened.config } }
}
