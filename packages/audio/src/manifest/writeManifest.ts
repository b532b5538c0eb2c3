import { relativeBeside, toPath, writeBytes } from '#fileSystem'
import { AudioArgumentError, shown } from '../errors.js'

/** A line of a manifest with NeMo's keys; any further keys are written as they are. */
export interface ManifestRow {
  readonly audio_filepath: string
  /** Seconds. */
  readonly duration: number
  readonly text?: string | undefined
  /** Class label. */
  readonly label?: string | number | undefined
  readonly command?: string | number | undefined
  /** Seconds. */
  readonly offset?: number | undefined
  readonly speaker?: string | number | undefined
  readonly [key: string]: unknown
}

/** Options of {@link writeManifest}. */
export interface WriteManifestOptions {
  /** Write audio paths relative to the manifest's folder, so that the folder can move. Default false: as given. */
  readonly relativePaths?: boolean | undefined
}

const ROWS_PER_WRITE = 1000

/** One line of a manifest, with its line end. @throws AudioArgumentError for a row that {@link readManifest} would refuse. */
export function formatManifestRow(row: ManifestRow): string {
  if (typeof row.audio_filepath !== 'string' || row.audio_filepath === '') {
    throw new AudioArgumentError(`a manifest row needs an audio_filepath, found ${shown(row.audio_filepath)}.`)
  }
  if (!(row.duration >= 0 && Number.isFinite(row.duration))) {
    throw new AudioArgumentError(
      `a manifest row needs a duration of at least 0 s, found ${shown(row.duration)} for ${row.audio_filepath}.`,
    )
  }
  return `${JSON.stringify(row)}\n`
}

/**
 * Writes a manifest, whole or not at all; missing folders are made.
 *
 * @throws AudioFileError when the file cannot be written, AudioArgumentError for a bad row.
 */
export async function writeManifest(
  path: string | URL,
  rows: Iterable<ManifestRow>,
  options: WriteManifestOptions = {},
): Promise<void> {
  const file = toPath(path)
  await writeBytes(file, encodeRows(file, rows, options))
}

function* encodeRows(file: string, rows: Iterable<ManifestRow>, options: WriteManifestOptions): Generator<Uint8Array> {
  const encoder = new TextEncoder()
  let lines: string[] = []
  for (const row of rows) {
    const written = options.relativePaths ? { ...row, audio_filepath: relativeBeside(file, row.audio_filepath) } : row
    lines.push(formatManifestRow(written))
    if (lines.length === ROWS_PER_WRITE) {
      yield encoder.encode(lines.join(''))
      lines = []
    }
  }
  yield encoder.encode(lines.join(''))
}
