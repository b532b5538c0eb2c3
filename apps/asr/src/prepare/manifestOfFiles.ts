import { type ManifestRow, readAudioInfo, writeManifest } from '@nemo/audio'
import { inParallel } from './inParallel.js'
import type { Preparation } from './preparation.js'

/** A recording without its length. */
export interface CorpusFile {
  readonly audio_filepath: string
  readonly text?: string
  readonly command?: string
  readonly [key: string]: unknown
}

/**
 * Writes a manifest of files with their lengths, paths relative to it, so that the corpus can move.
 *
 * @returns the manifest's path.
 * @throws AudioError for a file that cannot be read.
 */
export async function manifestOfFiles(
  path: string,
  files: readonly CorpusFile[],
  { workers, progress }: Pick<Preparation, 'workers' | 'progress'>,
): Promise<string> {
  let done = 0
  const rows = await inParallel(files, workers, async (file): Promise<ManifestRow> => {
    const { duration } = await readAudioInfo(file.audio_filepath)
    progress?.listed(path, ++done, files.length)
    const { audio_filepath, ...rest } = file
    return { audio_filepath, duration, ...rest }
  })
  await writeManifest(path, rows, { relativePaths: true })
  return path
}
