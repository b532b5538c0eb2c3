import { ManifestError } from '../errors.js'
import type { ManifestEntry, ManifestTarget } from './manifestEntry.js'
import { type ManifestPaths, readManifest, splitManifestPaths } from './readManifest.js'

/** Options of {@link loadManifest}. */
export interface LoadManifestOptions {
  /** What every line must name besides its audio. Default `text`. */
  readonly target?: ManifestTarget | undefined
  /** Seconds; shorter entries are left out. Default: none are. */
  readonly minDuration?: number | undefined
  /** Seconds; longer entries are left out. Default: none are. */
  readonly maxDuration?: number | undefined
  /** Stop after this many kept entries; 0 or undefined: no limit. */
  readonly maxUtts?: number | undefined
  /** Shortest first; entries of one duration keep their order. Applies after `maxUtts`. Default false. */
  readonly sortByDuration?: boolean | undefined
  /** Leaves out entries for which it says false, such as text the tokenizer cannot take. */
  readonly accept?: ((entry: ManifestEntry) => boolean) | undefined
  /** `throw` stops at the first bad line, `skip` counts them. Default `throw`. */
  readonly onBadLine?: 'throw' | 'skip' | undefined
}

/** What {@link loadManifest} read and what it left out. */
export interface ManifestReport {
  readonly files: readonly string[]
  /** Entries kept and their hours. */
  readonly kept: number
  readonly keptHours: number
  /** Entries left out, their hours, and why. */
  readonly filtered: number
  readonly filteredHours: number
  readonly tooShort: number
  readonly tooLong: number
  readonly notAccepted: number
  /** Bad lines skipped. */
  readonly badLines: number
  /** The errors of the first few of them. */
  readonly badLineErrors: readonly ManifestError[]
}

/** The entries of one or several manifests, in memory. */
export interface Manifest {
  readonly entries: readonly ManifestEntry[]
  readonly report: ManifestReport
}

const REPORTED_BAD_LINES = 10
const SECONDS_PER_HOUR = 3600

/**
 * Loads manifests with NeMo's filters, in NeMo's order: too short, too long, not accepted; then stop at `maxUtts`; then sort.
 *
 * @throws ManifestError for a bad line unless they are skipped, and when no entry remains; AudioFileError when a
 * manifest cannot be read.
 *
 * Source: NeMo v1.0.0 `collections/asr/parts/collections.py` (AudioText, SpeechLabel).
 */
export async function loadManifest(paths: ManifestPaths, options: LoadManifestOptions = {}): Promise<Manifest> {
  const { minDuration = 0, maxDuration = Number.POSITIVE_INFINITY, accept = () => true } = options
  const entries: ManifestEntry[] = []
  const badLineErrors: ManifestError[] = []
  const left = { tooShort: 0, tooLong: 0, notAccepted: 0 }
  let [keptSeconds, filteredSeconds, badLines] = [0, 0, 0]
  const onBadLine =
    options.onBadLine === 'skip'
      ? (error: ManifestError) => {
          badLines++
          if (badLineErrors.length < REPORTED_BAD_LINES) badLineErrors.push(error)
        }
      : undefined
  for await (const entry of readManifest(paths, { target: options.target, onBadLine })) {
    const why = reasonToFilter(entry, minDuration, maxDuration, accept)
    if (why !== undefined) {
      left[why]++
      filteredSeconds += entry.duration
      continue
    }
    entries.push(entry)
    keptSeconds += entry.duration
    if (entries.length === options.maxUtts) break
  }
  if (options.sortByDuration) entries.sort((a, b) => a.duration - b.duration)
  const report: ManifestReport = {
    files: splitManifestPaths(paths),
    kept: entries.length,
    keptHours: keptSeconds / SECONDS_PER_HOUR,
    filtered: left.tooShort + left.tooLong + left.notAccepted,
    filteredHours: filteredSeconds / SECONDS_PER_HOUR,
    ...left,
    badLines,
    badLineErrors,
  }
  if (entries.length === 0) throw nothingLeft(report, options)
  return { entries, report }
}

function reasonToFilter(
  entry: ManifestEntry,
  minDuration: number,
  maxDuration: number,
  accept: (entry: ManifestEntry) => boolean,
): 'tooShort' | 'tooLong' | 'notAccepted' | undefined {
  if (entry.duration < minDuration) return 'tooShort'
  if (entry.duration > maxDuration) return 'tooLong'
  return accept(entry) ? undefined : 'notAccepted'
}

function nothingLeft(report: ManifestReport, options: LoadManifestOptions): ManifestError {
  const why =
    report.filtered + report.badLines === 0
      ? 'expected at least one entry, found none. Check the file.'
      : `no entry remains: ${report.tooShort} shorter than ${options.minDuration ?? 0} s, ${report.tooLong} longer than ${options.maxDuration ?? 'any limit'}${options.maxDuration === undefined ? '' : ' s'}, ${report.notAccepted} not accepted, ${report.badLines} bad line(s)${report.badLineErrors[0] === undefined ? '' : `, the first: ${report.badLineErrors[0].message}`}. Widen the filters or correct the manifest.`
  return new ManifestError(why, { source: report.files.join(','), line: 0 })
}
