import { readBytes, readChunks, resolveBeside, toPath } from '#fileSystem'
import { AudioError, ManifestError } from '../errors.js'
import { type ManifestEntry, type ManifestTarget, parseManifestLine } from './manifestEntry.js'
import { textLines } from './textLines.js'

/** Options of {@link readManifest}. */
export interface ReadManifestOptions {
  /** What every line must name besides its audio. Default `text`. */
  readonly target?: ManifestTarget | undefined
  /** Called with each bad line's error instead of throwing it; the line is skipped. */
  readonly onBadLine?: ((error: ManifestError) => void) | undefined
}

/** Several manifests as NeMo's configs give them: one path, paths joined by commas, or a list of either. */
export type ManifestPaths = string | readonly string[]

/** The single paths in `paths`. A list item that exists with a comma in its name must be given by a `file:` URL. */
export function splitManifestPaths(paths: ManifestPaths): string[] {
  const items = typeof paths === 'string' ? [paths] : paths
  const single = items.flatMap((item) => item.split(',')).map((path) => path.trim())
  if (single.length === 0 || single.includes('')) {
    throw new ManifestError('expected paths of manifests, found an empty one. Check manifest_filepath.', {
      source: items.join(',') || 'manifest_filepath',
      line: 0,
    })
  }
  return single
}

/**
 * Reads manifests line by line, without holding more than a line of them. Blank lines are passed over.
 *
 * Relative audio and text paths are taken from the manifest's own folder, `~` is the home folder. (NeMo 1.0 takes them
 * from the working directory; later versions look beside the manifest as well.)
 *
 * @throws ManifestError for a bad line, unless `onBadLine` takes it; AudioFileError when a manifest cannot be read.
 */
export async function* readManifest(
  paths: ManifestPaths,
  options: ReadManifestOptions = {},
): AsyncGenerator<ManifestEntry> {
  let id = 0
  for (const path of splitManifestPaths(paths)) {
    const manifest = toPath(path)
    for await (const { number, text } of textLines(readChunks(manifest), manifest)) {
      if (text === '') continue
      const entry = await entryOrUndefined(text, { id, manifest, line: number, target: options.target }, options)
      id++
      if (entry !== undefined) yield entry
    }
  }
}

/** Undefined for a bad line that `onBadLine` took. */
async function entryOrUndefined(
  text: string | ManifestError,
  at: LinePlace,
  options: ReadManifestOptions,
): Promise<ManifestEntry | undefined> {
  try {
    if (text instanceof ManifestError) throw text
    return await manifestLineToEntry(text, at)
  } catch (error) {
    if (!(error instanceof ManifestError) || options.onBadLine === undefined) throw error
    options.onBadLine(error)
    return undefined
  }
}

/** Where a line stands. */
export interface LinePlace {
  readonly id: number
  readonly manifest: string
  readonly line: number
  readonly target: ManifestTarget | undefined
}

/** An entry of a line's text. @throws ManifestError. */
export async function manifestLineToEntry(json: string, at: LinePlace): Promise<ManifestEntry> {
  const { audioFilepath, textFilepath, text, ...parsed } = parseManifestLine(json, at)
  return {
    ...parsed,
    id: at.id,
    audioFile: resolveBeside(at.manifest, audioFilepath),
    text: textFilepath === undefined ? text : await readText(textFilepath, at),
    manifest: at.manifest,
    line: at.line,
  }
}

/** A transcript in a file of its own; its line ends are dropped, as in NeMo. */
async function readText(textFilepath: string, at: { manifest: string; line: number }): Promise<string> {
  try {
    const bytes = await readBytes(resolveBeside(at.manifest, textFilepath))
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes).replaceAll(/\r?\n/g, '')
  } catch (cause) {
    const why = cause instanceof AudioError ? cause.message : 'it is not UTF-8 text.'
    throw new ManifestError(`"text_filepath" ${JSON.stringify(textFilepath)} cannot be used: ${why}`, {
      source: at.manifest,
      line: at.line,
      cause,
    })
  }
}
