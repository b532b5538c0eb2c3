import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AudioError, AudioFileError } from './errors.js'
import type { ByteSource } from './wavHeader.js'

/** An open file to read parts of. */
export interface OpenFile extends ByteSource {
  close(): Promise<void>
}

/** Headers are read field by field; this many bytes from the start are read at once for them. */
const HEAD_BYTES = 4096
const LINE_CHUNK_BYTES = 1 << 16

/** Opens a file for reading parts. @throws AudioFileError. */
export async function openFile(path: string): Promise<OpenFile> {
  return orFileError(path, 'opened', async () => {
    const file = await open(path, 'r')
    try {
      const stats = await file.stat()
      if (!stats.isFile()) throw new Error('it is not a file')
      const part = async (offset: number, length: number) => {
        const bytes = new Uint8Array(Math.max(0, Math.min(length, stats.size - offset)))
        let filled = 0
        while (filled < bytes.length) {
          const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, offset + filled)
          if (bytesRead === 0) break
          filled += bytesRead
        }
        return bytes.subarray(0, filled)
      }
      const head = await part(0, HEAD_BYTES)
      return {
        size: stats.size,
        read: (offset, length) =>
          offset + length <= head.length ? head.subarray(offset, offset + length) : part(offset, length),
        close: () => file.close(),
      }
    } catch (error) {
      await file.close()
      throw error
    }
  })
}

/** A whole file. @throws AudioFileError. */
export function readBytes(path: string): Promise<Uint8Array> {
  return orFileError(path, 'read', async () => new Uint8Array(await readFile(path)))
}

/** The bytes of a file in pieces. @throws AudioFileError. */
export async function* readChunks(path: string): AsyncGenerator<Uint8Array> {
  const file = await openFile(path)
  try {
    for (let offset = 0; offset < file.size; offset += LINE_CHUNK_BYTES) yield await file.read(offset, LINE_CHUNK_BYTES)
  } finally {
    await file.close()
  }
}

/** Writes a file whole or not at all, making its folder. @throws AudioFileError. */
export async function writeBytes(path: string, parts: Iterable<Uint8Array>): Promise<void> {
  await orFileError(path, 'written', async () => {
    await mkdir(dirname(path), { recursive: true })
    const unfinished = `${path}.${process.pid}.${Math.random().toString(36).slice(2, 8)}.tmp`
    try {
      await writeFile(unfinished, parts)
      await rename(unfinished, path)
    } catch (error) {
      await rm(unfinished, { force: true })
      throw error
    }
  })
}

/** A path as the file system wants it: `file:` URLs and `~` resolved. */
export function toPath(path: string | URL): string {
  if (path instanceof URL || path.startsWith('file:')) return fileURLToPath(path)
  return path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path
}

/** `path` (perhaps with `~`) as seen from the folder of the file `base`. */
export function resolveBeside(base: string, path: string): string {
  const expanded = toPath(path)
  return isAbsolute(expanded) ? expanded : resolve(dirname(base), expanded)
}

/** `path` as written relative to the folder of the file `base`, with forward slashes. */
export function relativeBeside(base: string, path: string): string {
  return relative(dirname(resolve(base)), resolve(toPath(path)))
    .split(sep)
    .join('/')
}

async function orFileError<T>(path: string, action: string, body: () => Promise<T>): Promise<T> {
  try {
    return await body()
  } catch (cause) {
    if (cause instanceof AudioError) throw cause
    throw new AudioFileError(`the file cannot be ${action}: ${reason(cause)}`, { source: path, cause })
  }
}

function reason(cause: unknown): string {
  const code = (cause as { code?: unknown }).code
  if (code === 'ENOENT') return 'it does not exist. Check the path.'
  if (code === 'EACCES' || code === 'EPERM') return 'permission is denied. Check its owner and mode.'
  if (code === 'EISDIR') return 'it is a folder. Give a file.'
  return `${cause instanceof Error ? cause.message : String(cause)}.`
}
