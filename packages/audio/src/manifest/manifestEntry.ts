import { ManifestError, shown } from '../errors.js'
import type { FileSection } from '../readAudio.js'

/** What a manifest line must name besides its audio: a transcript, a class label, or nothing more. */
export type ManifestTarget = 'text' | 'label' | 'none'

/** One utterance of a manifest. */
export interface ManifestEntry {
  /** Running number over all lines of all manifests read together, from 0; NeMo's `id`. */
  readonly id: number
  /** The audio file, resolved. */
  readonly audioFile: string
  /** Bytes of `audioFile` that are the audio, for archives. Default: all. */
  readonly section?: FileSection
  /** Seconds of audio to use; 0 means to the end of the file. */
  readonly duration: number
  /** Seconds to skip at the start of the file. */
  readonly offset: number | undefined
  /** The transcript. */
  readonly text: string | undefined
  /** The class, for classification manifests. */
  readonly label: string | number | undefined
  readonly speaker: string | number | undefined
  /** Rate of the original recording, in Hz. */
  readonly origSr: number | undefined
  /** The manifest and the 1-based line that this entry stands on. */
  readonly manifest: string
  readonly line: number
  /** The whole line as it was read. */
  readonly fields: Readonly<Record<string, unknown>>
}

/** A parsed line whose paths are still as written. */
export interface ParsedManifestLine {
  readonly audioFilepath: string
  readonly duration: number
  readonly offset: number | undefined
  readonly text: string | undefined
  /** File that holds the transcript, when the line has no `text`. */
  readonly textFilepath: string | undefined
  readonly label: string | number | undefined
  readonly speaker: string | number | undefined
  readonly origSr: number | undefined
  readonly fields: Readonly<Record<string, unknown>>
}

/** Where a line stands, for its errors, and what it must hold. */
export interface ManifestLineContext {
  readonly manifest: string
  /** 1-based. */
  readonly line: number
  /** Default `text`. */
  readonly target?: ManifestTarget | undefined
}

/** First of these present is the audio file. */
const AUDIO_KEYS = ['audio_filename', 'audio_filepath']
const TEXT_KEYS = ['text', 'text_filepath', 'normalized_text']
const LABEL_KEYS = ['command', 'target', 'label']

/**
 * Parses one line of a manifest: a JSON object with `audio_filepath` (or `audio_filename`), `duration`, and, as `target`
 * asks, `text`, `text_filepath` or `normalized_text`, or `command`, `target` or `label`. Optional: `offset`, `speaker`,
 * `orig_sample_rate` (or `orig_sr`).
 *
 * @throws ManifestError naming the manifest, the line, the key and the value found.
 *
 * Source: NeMo v1.0.0 `collections/asr/parts/manifest.py` and `collections.py` (ASRSpeechLabel).
 */
export function parseManifestLine(json: string, context: ManifestLineContext): ParsedManifestLine {
  const line = new LineReader(parseObject(json, context), context)
  const target = context.target ?? 'text'
  const text =
    line.optionalString('text') ?? (line.has('text_filepath') ? undefined : line.optionalString('normalized_text'))
  const textFilepath = text === undefined ? line.optionalString('text_filepath') : undefined
  const label = line.first(LABEL_KEYS, (key) => line.optionalStringOrNumber(key))
  if (target === 'text' && text === undefined && textFilepath === undefined) throw line.missing(TEXT_KEYS)
  if (target === 'label' && label === undefined) throw line.missing(LABEL_KEYS)
  const audioFilepath = line.first(AUDIO_KEYS, (key) => line.optionalString(key))
  if (audioFilepath === undefined || audioFilepath === '') throw line.missing(AUDIO_KEYS)
  const duration = line.optionalSeconds('duration')
  if (duration === undefined) throw line.missing(['duration'])
  return {
    audioFilepath,
    duration,
    offset: line.optionalSeconds('offset'),
    text,
    textFilepath,
    label,
    speaker: line.optionalStringOrNumber('speaker'),
    origSr: line.optionalRate('orig_sample_rate') ?? line.optionalRate('orig_sr'),
    fields: line.fields,
  }
}

function parseObject(json: string, context: ManifestLineContext): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (cause) {
    throw new ManifestError(
      `expected one JSON object a line, found ${shown(json)} (${cause instanceof Error ? cause.message : String(cause)}). Correct the line, or skip bad lines.`,
      { source: context.manifest, line: context.line, cause },
    )
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ManifestError(`expected a JSON object, found ${shown(value)}. Correct the line, or skip bad lines.`, {
      source: context.manifest,
      line: context.line,
    })
  }
  return value as Record<string, unknown>
}

/** Reads typed fields of a line; null counts as absent, as in NeMo. */
class LineReader {
  readonly fields: Readonly<Record<string, unknown>>
  readonly #context: ManifestLineContext

  constructor(fields: Readonly<Record<string, unknown>>, context: ManifestLineContext) {
    this.fields = fields
    this.#context = context
  }

  has(key: string): boolean {
    return this.#value(key) !== undefined
  }

  first<T>(keys: readonly string[], read: (key: string) => T): T | undefined {
    const key = keys.find((candidate) => this.has(candidate))
    return key === undefined ? undefined : read(key)
  }

  optionalString(key: string): string | undefined {
    const value = this.#value(key)
    if (value === undefined || typeof value === 'string') return value
    throw this.#wrong(key, 'a string', value)
  }

  optionalStringOrNumber(key: string): string | number | undefined {
    const value = this.#value(key)
    if (value === undefined || typeof value === 'string' || typeof value === 'number') return value
    throw this.#wrong(key, 'a string or a number', value)
  }

  optionalSeconds(key: string): number | undefined {
    const value = this.#value(key)
    if (value === undefined || (typeof value === 'number' && value >= 0 && Number.isFinite(value))) return value
    throw this.#wrong(key, 'a number of seconds of at least 0', value)
  }

  optionalRate(key: string): number | undefined {
    const value = this.#value(key)
    if (value === undefined || (typeof value === 'number' && value > 0 && Number.isFinite(value))) return value
    throw this.#wrong(key, 'a positive sample rate in Hz', value)
  }

  missing(keys: readonly string[]): ManifestError {
    const found = Object.keys(this.fields).map((key) => JSON.stringify(key))
    return this.#error(
      `expected ${keys.map((key) => `"${key}"`).join(' or ')}, found ${found.length === 0 ? 'no keys' : shownKeys(found)}.`,
    )
  }

  #value(key: string): unknown {
    return Object.hasOwn(this.fields, key) ? (this.fields[key] ?? undefined) : undefined
  }

  #wrong(key: string, expected: string, value: unknown): ManifestError {
    return this.#error(`expected "${key}" to be ${expected}, found ${shown(value)}.`)
  }

  #error(message: string): ManifestError {
    return new ManifestError(`${message} Correct the line, or skip bad lines.`, {
      source: this.#context.manifest,
      line: this.#context.line,
    })
  }
}

function shownKeys(keys: readonly string[]): string {
  const text = keys.join(', ')
  return text.length > 120 ? `${text.slice(0, 117)}...` : text
}
