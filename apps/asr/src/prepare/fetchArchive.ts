import { createReadStream, createWriteStream, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { mkdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { DownloadError, type DownloadOptions, downloadFile, measureFile, tarFiles, withFile } from '@nemo/core'

/** An archive to fetch. */
export interface ArchiveOptions extends Pick<DownloadOptions, 'timeoutMs' | 'retries' | 'retryDelayMs' | 'onProgress'> {
  /** Address of a `.tar.gz`. */
  readonly url: string
  /** What the whole archive must have, where it is known. */
  readonly sha256?: string | undefined
  /** Folder for the archive and a note of what is done. */
  readonly downloads: string
  /** Folder to unpack into. */
  readonly dir: string
  /** Delete the archive when it is unpacked. Default false. */
  readonly cleanup?: boolean | undefined
}

/**
 * Downloads and unpacks an archive, or what is missing of it: a broken download goes on where it was, files that are there in
 * their length are not written again, and an archive that was unpacked before costs nothing.
 *
 * @throws DownloadError if it cannot be had or has another checksum; CheckpointError for a damaged archive and for names that
 * leave the folder.
 */
export async function fetchArchive(options: ArchiveOptions): Promise<void> {
  const { url, downloads, dir, sha256, cleanup, ...network } = options
  const archive = join(downloads, basename(new URL(url).pathname))
  const done = `${archive}.unpacked`
  if (await exists(done)) return
  await mkdir(downloads, { recursive: true })
  if (!(await isWhole(archive, sha256)))
    await downloadFile({
      ...network,
      url,
      path: archive,
      maxBytes: Number.MAX_SAFE_INTEGER,
      ...(sha256 !== undefined && { sha256 }),
    })
  await unpackTarGz(archive, dir)
  writeFileSync(done, `${url}\n`)
  if (cleanup) await rm(archive)
}

async function isWhole(archive: string, sha256: string | undefined): Promise<boolean> {
  if (!(await exists(archive))) return false
  if (sha256 === undefined) return true
  if ((await measureFile(archive)).sha256 === sha256) return true
  await rm(archive)
  return false
}

/**
 * Unpacks a `.tar.gz`. Files that are there already in their length stay.
 *
 * @returns the names of its files.
 */
export async function unpackTarGz(archive: string, dir: string): Promise<string[]> {
  const tar = `${archive}.tar`
  if (!(await exists(tar))) {
    // The plain archive appears when it is whole.
    try {
      await pipeline(createReadStream(archive), createGunzip(), createWriteStream(`${tar}.part`))
    } catch (cause) {
      await rm(`${tar}.part`, { force: true })
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new DownloadError(`${archive} cannot be unpacked: ${why}. Delete it and run again.`, { cause })
    }
    await rename(`${tar}.part`, tar)
  }
  const names = await withFile(tar, (source) => {
    const unpacked: string[] = []
    for (const { name, start, end } of tarFiles(source, { maxEntries: Number.POSITIVE_INFINITY })) {
      const path = join(dir, name)
      unpacked.push(name)
      if (statSync(path, { throwIfNoEntry: false })?.size === end - start) continue
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, source.read(start, end))
    }
    return unpacked
  })
  await rm(tar)
  return names
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined
}
