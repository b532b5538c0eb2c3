import { type OpenFile, openFile, toPath } from '#fileSystem'
import { ManifestError } from '../errors.js'
import type { LoadManifestOptions, ManifestReport } from './loadManifest.js'
import type { ManifestEntry, ManifestTarget } from './manifestEntry.js'
import { type ManifestPaths, manifestLineToEntry, splitManifestPaths } from './readManifest.js'

/** Options of {@link ManifestIndex.open}. */
export type ManifestIndexOptions = Pick<
  LoadManifestOptions,
  'target' | 'minDuration' | 'maxDuration' | 'maxUtts' | 'onBadLine'
>

const CHUNK_BYTES = 1 << 22
// A line may be half as long.
const MAX_LINE_BYTES = 1 << 25
const LINE_PROBE_BYTES = 1024
const NEWLINE = 0x0a
const OPENING_BRACE = 0x7b
const QUOTE = 0x22
const REPORTED_BAD_LINES = 10
const SECONDS_PER_HOUR = 3600
const durationKey = new TextEncoder().encode('"duration"')

/**
 * Manifests of any length with only the place and the duration of each line in memory, 16 bytes an entry; lines are read when
 * they are asked for. Ten million lines open in seconds.
 *
 * Lines are searched for their duration; what else is wrong with one shows when it is read.
 */
export class ManifestIndex {
  readonly report: ManifestReport
  readonly #files: readonly IndexedFile[]
  readonly #target: ManifestTarget | undefined
  readonly #columns: Columns

  private constructor(
    files: readonly IndexedFile[],
    columns: Columns,
    report: ManifestReport,
    target: ManifestTarget | undefined,
  ) {
    this.#files = files
    this.#columns = columns
    this.report = report
    this.#target = target
  }

  /**
   * Reads through manifests, with the filters and in the order of `loadManifest`.
   *
   * @throws ManifestError for a line without a duration unless bad lines are skipped, and when no entry remains;
   * AudioFileError when a manifest cannot be read.
   */
  static async open(paths: ManifestPaths, options: ManifestIndexOptions = {}): Promise<ManifestIndex> {
    const { maxUtts = 0 } = options
    const columns = new Columns()
    const files: IndexedFile[] = []
    const counts = new Counts(options)
    for (const path of splitManifestPaths(paths)) {
      if (maxUtts > 0 && columns.length >= maxUtts) break
      const manifest = toPath(path)
      files.push({ manifest, first: columns.length })
      const file = await openFile(manifest)
      try {
        await indexFile(file, manifest, columns, counts, maxUtts)
      } finally {
        await file.close()
      }
    }
    columns.trim()
    const report = counts.report(splitManifestPaths(paths), columns.length)
    if (columns.length === 0)
      throw new ManifestError(
        `no entry remains: ${report.tooShort} too short, ${report.tooLong} too long, ${report.badLines} bad line(s). Widen the filters or correct the manifest.`,
        { source: report.files.join(','), line: 0 },
      )
    return new ManifestIndex(files, columns, report, options.target)
  }

  /** Entries. */
  get length(): number {
    return this.#columns.length
  }

  /** Seconds of an entry. */
  durationOf(index: number): number {
    return this.#columns.durations[index]!
  }

  /** Reads an entry. @throws ManifestError if its line cannot be used, AudioFileError if the manifest cannot be read. */
  async entry(index: number): Promise<ManifestEntry> {
    const owner = this.#files.findLast(({ first }) => first <= index)!
    const file = await openFile(owner.manifest)
    try {
      const text = await lineAt(file, this.#columns.starts[index]!)
      const line = this.#columns.lines[index]!
      return await manifestLineToEntry(text, { id: index, manifest: owner.manifest, line, target: this.#target })
    } finally {
      await file.close()
    }
  }
}

interface IndexedFile {
  readonly manifest: string
  /** Number of its first entry. */
  readonly first: number
}

/** Typed columns that grow. */
class Columns {
  starts = new Float64Array(1024)
  durations = new Float32Array(1024)
  lines = new Uint32Array(1024)
  length = 0

  /** Makes room for about so many more entries. */
  reserve(entries: number): void {
    const size = this.length + entries
    if (size <= this.starts.length) return
    const grow = <T extends { set(from: T): void }>(made: T, old: T): T => {
      made.set(old)
      return made
    }
    this.starts = grow(new Float64Array(size), this.starts)
    this.durations = grow(new Float32Array(size), this.durations)
    this.lines = grow(new Uint32Array(size), this.lines)
  }

  push(start: number, duration: number, line: number): void {
    if (this.length === this.starts.length) this.reserve(Math.ceil(this.length / 2))
    this.starts[this.length] = start
    this.durations[this.length] = duration
    this.lines[this.length++] = line
  }

  trim(): void {
    if (this.starts.length < this.length * 1.2) return
    this.starts = this.starts.slice(0, this.length)
    this.durations = this.durations.slice(0, this.length)
    this.lines = this.lines.slice(0, this.length)
  }
}

class Counts {
  readonly #options: ManifestIndexOptions
  readonly #errors: ManifestError[] = []
  #tooShort = 0
  #tooLong = 0
  #keptSeconds = 0
  #filteredSeconds = 0
  #badLines = 0

  constructor(options: ManifestIndexOptions) {
    this.#options = options
  }

  keeps(duration: number): boolean {
    const { minDuration = 0, maxDuration = Number.POSITIVE_INFINITY } = this.#options
    const kept = duration >= minDuration && duration <= maxDuration
    if (kept) this.#keptSeconds += duration
    else {
      this.#filteredSeconds += duration
      if (duration < minDuration) this.#tooShort++
      else this.#tooLong++
    }
    return kept
  }

  bad(error: ManifestError): void {
    if (this.#options.onBadLine !== 'skip') throw error
    this.#badLines++
    if (this.#errors.length < REPORTED_BAD_LINES) this.#errors.push(error)
  }

  report(files: readonly string[], kept: number): ManifestReport {
    return {
      files,
      kept,
      keptHours: this.#keptSeconds / SECONDS_PER_HOUR,
      filtered: this.#tooShort + this.#tooLong,
      filteredHours: this.#filteredSeconds / SECONDS_PER_HOUR,
      tooShort: this.#tooShort,
      tooLong: this.#tooLong,
      notAccepted: 0,
      badLines: this.#badLines,
      badLineErrors: this.#errors,
    }
  }
}

async function indexFile(
  file: OpenFile,
  manifest: string,
  columns: Columns,
  counts: Counts,
  maxUtts: number,
): Promise<void> {
  let [offset, line, size] = [0, 0, CHUNK_BYTES]
  while (offset < file.size) {
    const chunk = await file.read(offset, size)
    const last = offset + chunk.length >= file.size
    const scan = new LineScan(chunk, { manifest, line })
    let start = 0
    while (start < chunk.length) {
      const end = scan.lineFrom(start)
      if (end === chunk.length && !last) break
      line++
      const duration = scan.duration(start, line)
      if (duration instanceof ManifestError) counts.bad(duration)
      else if (duration !== undefined && counts.keeps(duration)) {
        if (columns.length === 0 && line === 1) columns.reserve(Math.ceil((file.size / (end + 1)) * 1.05))
        columns.push(offset + start, duration, line)
        if (columns.length === maxUtts) return
      }
      start = end + 1
    }
    if (last) return
    // A line that was cut is read again with what follows, one that is longer than the chunk with more of it.
    offset += start
    size = start === 0 ? size * 2 : CHUNK_BYTES
    if (size > MAX_LINE_BYTES)
      throw new ManifestError(
        `expected one JSON object a line, found a line of more than ${MAX_LINE_BYTES / 2} bytes. Check that this is a manifest.`,
        { source: manifest, line: line + 1 },
      )
  }
}

/** Finds durations in the lines of a chunk, by looking for their key; lines where that may mislead are parsed. */
class LineScan {
  readonly #chunk: Uint8Array
  readonly #at: { readonly manifest: string }
  // Of the line that was looked at last.
  #end = 0
  #key = -1
  #plain = false

  constructor(chunk: Uint8Array, at: { readonly manifest: string; readonly line: number }) {
    this.#chunk = chunk
    this.#at = at
  }

  /** Looks at the line that begins at a byte. @returns its end: of its line feed, or of the chunk. */
  lineFrom(start: number): number {
    const chunk = this.#chunk
    let [at, key, keys, braces] = [start, -1, 0, 0]
    // One pass over the bytes; searches from one place to the next take several times as long.
    for (; at < chunk.length; at++) {
      const byte = chunk[at]
      if (byte === QUOTE) {
        if (chunk[at + 1] === durationKey[1] && isKey(chunk, at)) {
          key = at
          keys++
        }
      } else if (byte === OPENING_BRACE) braces++
      else if (byte === NEWLINE) break
    }
    this.#end = at
    this.#key = key
    // A second object in the line may have a key of this name.
    this.#plain = keys === 1 && braces === 1 && chunk[start] === OPENING_BRACE
    return at
  }

  /** Duration in the line that was looked at; undefined for a blank line. */
  duration(start: number, line: number): number | ManifestError | undefined {
    const found = this.#plain ? plainNumber(this.#chunk, this.#key + durationKey.length, this.#end) : undefined
    return found ?? this.#parsed(start, this.#end, line)
  }

  #parsed(start: number, end: number, line: number): number | ManifestError | undefined {
    const { manifest } = this.#at
    try {
      const text = new TextDecoder('utf-8', { fatal: true }).decode(this.#chunk.subarray(start, end)).trim()
      if (text === '') return undefined
      const value: unknown = JSON.parse(text)
      const duration = (value as { readonly duration?: unknown } | null)?.duration
      if (typeof duration === 'number' && duration >= 0) return duration
      const found = duration === undefined ? 'none' : JSON.stringify(duration)
      const message = `expected "duration" to be a number of seconds of at least 0, found ${found}. Correct the line, or skip bad lines.`
      return new ManifestError(message, { source: manifest, line })
    } catch (cause) {
      const message = `expected one JSON object a line (${cause instanceof Error ? cause.message : String(cause)}). Correct the line, or skip bad lines.`
      return new ManifestError(message, { source: manifest, line, cause })
    }
  }
}

function isKey(chunk: Uint8Array, at: number): boolean {
  for (let i = 1; i < durationKey.length; i++) if (chunk[at + i] !== durationKey[i]) return false
  return true
}

/** The number of `: 12.5` up to a comma or brace; undefined for anything but digits with one point. */
function plainNumber(chunk: Uint8Array, from: number, end: number): number | undefined {
  let at = from
  while (chunk[at] === 0x20) at++
  if (chunk[at++] !== 0x3a) return undefined
  while (chunk[at] === 0x20) at++
  let [mantissa, digits, decimals, point] = [0, 0, 0, false]
  for (; at < end; at++) {
    const byte = chunk[at]!
    if (byte >= 0x30 && byte <= 0x39) {
      mantissa = mantissa * 10 + (byte - 0x30)
      digits++
      if (point) decimals++
    } else if (byte === 0x2e && !point) point = true
    else break
  }
  const after = chunk[at]
  const ended = at < end && (after === 0x2c || after === 0x7d || after === 0x20)
  // Up to 15 digits the quotient is the number that JSON.parse gives.
  return ended && digits > 0 && digits <= 15 ? mantissa / 10 ** decimals : undefined
}

async function lineAt(file: OpenFile, start: number): Promise<string> {
  for (let length = LINE_PROBE_BYTES; ; length *= 8) {
    const bytes = await file.read(start, length)
    const end = bytes.indexOf(NEWLINE)
    if (end >= 0 || start + length >= file.size)
      return new TextDecoder('utf-8', { fatal: true }).decode(end < 0 ? bytes : bytes.subarray(0, end)).trim()
  }
}
