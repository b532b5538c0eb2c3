/** Stable identifiers of the errors this package throws; compare these, not messages. */
export type AudioErrorCode =
  | 'NEMO_AUDIO_FILE'
  | 'NEMO_AUDIO_EMPTY'
  | 'NEMO_AUDIO_FORMAT'
  | 'NEMO_AUDIO_TRUNCATED'
  | 'NEMO_AUDIO_SAMPLE_RATE'
  | 'NEMO_AUDIO_RANGE'
  | 'NEMO_AUDIO_ARGUMENT'
  | 'NEMO_AUDIO_MANIFEST'

/** What an audio error knows about the input that caused it. */
export interface AudioErrorDetails {
  /** File path, URL or the name given to in-memory bytes. */
  readonly source?: string | undefined
  readonly cause?: unknown
}

/**
 * Base class of every error of `@nemo/audio`. The message reads
 * `where: what was expected, what was found. What to do.`
 */
export abstract class AudioError extends Error {
  abstract readonly code: AudioErrorCode
  /** File path, URL or the name given to in-memory bytes, when known. */
  readonly source: string | undefined

  constructor(message: string, details: AudioErrorDetails = {}) {
    super(
      details.source === undefined ? message : `${details.source}: ${message}`,
      details.cause === undefined ? undefined : { cause: details.cause },
    )
    this.source = details.source
  }
}

/** A file cannot be opened, read or written. */
export class AudioFileError extends AudioError {
  override readonly name = 'AudioFileError'
  readonly code = 'NEMO_AUDIO_FILE'
}

/** The input holds no bytes, or a valid container holds no samples. */
export class AudioEmptyError extends AudioError {
  override readonly name = 'AudioEmptyError'
  readonly code = 'NEMO_AUDIO_EMPTY'
}

/** The bytes are not audio we can decode, or contradict their own format. */
export class AudioFormatError extends AudioError {
  override readonly name = 'AudioFormatError'
  readonly code = 'NEMO_AUDIO_FORMAT'
}

/** The input ends before the data it announces. */
export class AudioTruncatedError extends AudioError {
  override readonly name = 'AudioTruncatedError'
  readonly code = 'NEMO_AUDIO_TRUNCATED'
}

/** The sample rate differs from the one demanded. */
export class SampleRateError extends AudioError {
  override readonly name = 'SampleRateError'
  readonly code = 'NEMO_AUDIO_SAMPLE_RATE'
}

/** A time or channel lies outside the audio. */
export class AudioRangeError extends AudioError {
  override readonly name = 'AudioRangeError'
  readonly code = 'NEMO_AUDIO_RANGE'
}

/** An option or configuration value is wrong. */
export class AudioArgumentError extends AudioError {
  override readonly name = 'AudioArgumentError'
  readonly code = 'NEMO_AUDIO_ARGUMENT'
}

/** A manifest line is wrong; `line` is 1-based, 0 when the whole file is meant. */
export class ManifestError extends AudioError {
  override readonly name = 'ManifestError'
  readonly code = 'NEMO_AUDIO_MANIFEST'
  readonly line: number

  constructor(message: string, details: AudioErrorDetails & { readonly line: number }) {
    const source = details.source ?? 'manifest'
    super(message, { ...details, source: details.line > 0 ? `${source}:${details.line}` : source })
    this.line = details.line
  }
}

/** A short, safe rendering of a received value for messages. */
export function shown(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : stringified(value)
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}

function stringified(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'bigint' || value === undefined) return String(value)
  try {
    return JSON.stringify(value) ?? String(value)
  } catch {
    return Object.prototype.toString.call(value)
  }
}
