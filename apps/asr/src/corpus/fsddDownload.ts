import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { DownloadError, type DownloadOptions, downloadFile } from '@nemo/core'
import { configure, Uint8ArrayReader, Uint8ArrayWriter, ZipReader } from '@zip.js/zip.js'
import { CorpusFolderError } from './errors.js'
import { loadFsdd } from './fsdd.js'

/** The release that `downloadFsdd` fetches: 3,000 recordings of six speakers. */
export const fsddArchiveUrl = 'https://github.com/Jakobovski/free-spoken-digit-dataset/archive/refs/tags/v1.0.10.zip'

/** Options of `downloadFsdd`. */
export interface FsddDownloadOptions extends Omit<DownloadOptions, 'url' | 'path'> {
  /** Folder to make; reused when it holds the complete data set already. */
  dir: string
  /** Default `fsddArchiveUrl`. */
  url?: string
  /** Recordings that each speaker must have. Default 500: 50 of each digit. */
  recordingsPerSpeaker?: number
}

const entryName = /^[^/\\]+\/recordings\/(\d_[A-Za-z][A-Za-z0-9-]*_\d+\.wav)$/
const maxRecordingBytes = 4 * 2 ** 20

/**
 * Downloads and unpacks the Free Spoken Digit Dataset, or reuses it.
 *
 * From the archive only recordings are taken, under names made here, so that nothing lands outside the folder; their CRCs and
 * number are checked. The folder appears only when it is complete.
 *
 * @returns The folder, for `loadFsdd`.
 * @throws CorpusFolderError when the folder holds something else.
 * @throws DownloadError when it cannot be had (the message says what to do without a network) or is damaged.
 */
export async function downloadFsdd(options: FsddDownloadOptions): Promise<string> {
  const { dir, url = fsddArchiveUrl, recordingsPerSpeaker = 500, ...download } = options
  if (await isComplete(dir, recordingsPerSpeaker)) return dir
  await refuseOccupied(dir)
  const archive = join(dirname(dir), `.${basename(dir)}.zip`)
  try {
    await downloadFile({ ...download, url, path: archive })
  } catch (cause) {
    if (!(cause instanceof DownloadError)) throw cause
    throw new DownloadError(
      `The Free Spoken Digit Dataset could not be downloaded. ${cause.message} ` +
        'Without a network, give the folder of a copy: --data_dir DIR, with DIR/recordings/{digit}_{speaker}_{index}.wav.',
      { cause },
    )
  }
  const partial = join(dirname(dir), `.${basename(dir)}.partial-${process.pid}`)
  try {
    await rm(partial, { recursive: true, force: true })
    await unpackRecordings(archive, partial)
    await checkComplete(partial, recordingsPerSpeaker)
    await rename(partial, dir)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new DownloadError(
      `The archive of the Free Spoken Digit Dataset from ${url} is damaged or not what was expected: ` +
        `${reason.replace(/\.?$/, '.')} It was deleted; run again, or give --data_dir DIR.`,
      { cause },
    )
  } finally {
    await rm(archive, { force: true })
    await rm(partial, { recursive: true, force: true })
  }
  return dir
}

/** The folder appears by a rename, complete: anything else in its place is somebody's. */
async function refuseOccupied(dir: string): Promise<void> {
  const names = await readdir(dir).catch(() => [])
  if (names.length > 0) {
    throw new CorpusFolderError(
      `${dir} is not empty and not the complete data set (found ${names.slice(0, 3).join(', ')}). Delete or move it, or choose another folder.`,
    )
  }
}

async function unpackRecordings(archive: string, dir: string): Promise<void> {
  await mkdir(join(dir, 'recordings'), { recursive: true })
  configure({ useWebWorkers: false })
  const reader = new ZipReader(new Uint8ArrayReader(await readFile(archive)), { checkSignature: true })
  try {
    for await (const entry of reader.getEntriesGenerator()) {
      const name = entryName.exec(entry.filename)?.[1]
      if (name === undefined || entry.directory) continue
      if (entry.uncompressedSize > maxRecordingBytes) {
        throw new Error(`${name} would unpack to ${entry.uncompressedSize} bytes, more than a recording has.`)
      }
      const bytes = await entry.getData(new Uint8ArrayWriter())
      if (bytes.length !== entry.uncompressedSize) {
        throw new Error(`${name}: expected ${entry.uncompressedSize} bytes, found ${bytes.length}.`)
      }
      await writeFile(join(dir, 'recordings', name), bytes)
    }
  } finally {
    await reader.close()
  }
}

async function checkComplete(dir: string, recordingsPerSpeaker: number): Promise<void> {
  const { recordings, speakers } = await loadFsdd(dir)
  for (const speaker of speakers) {
    const found = recordings.filter((recording) => recording.speaker === speaker).length
    if (found !== recordingsPerSpeaker) {
      throw new CorpusFolderError(`${speaker}: expected ${recordingsPerSpeaker} recordings, found ${found}.`)
    }
  }
}

async function isComplete(dir: string, recordingsPerSpeaker: number): Promise<boolean> {
  try {
    await checkComplete(dir, recordingsPerSpeaker)
    return true
  } catch (cause) {
    if (cause instanceof CorpusFolderError) return false
    throw cause
  }
}
