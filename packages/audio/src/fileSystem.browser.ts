import { AudioFileError } from './errors.js'
import type { OpenFile } from './fileSystem.js'

/** Fetches a file to read parts of. @throws AudioFileError. */
export async function openFile(path: string): Promise<OpenFile> {
  const bytes = await readBytes(path)
  return {
    size: bytes.length,
    read: (offset, length) => bytes.subarray(offset, offset + length),
    close: () => Promise.resolve(),
  }
}

/** Fetches a whole file. @throws AudioFileError. */
export async function readBytes(path: string): Promise<Uint8Array> {
  try {
    const response = await fetch(path)
    if (!response.ok) throw new Error(`the server answered ${response.status} ${response.statusText}`)
    return new Uint8Array(await response.arrayBuffer())
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new AudioFileError(`the file cannot be fetched: ${why}. Check the address.`, { source: path, cause })
  }
}

/** The bytes of a fetched file. @throws AudioFileError. */
export async function* readChunks(path: string): AsyncGenerator<Uint8Array> {
  yield await readBytes(path)
}

/** Browsers have no files to write. @throws AudioFileError always. */
export function writeBytes(path: string, _parts: Iterable<Uint8Array>): Promise<void> {
  const message = 'a browser cannot write files. Use encodeWav or formatManifest and offer the bytes as a download.'
  return Promise.reject(new AudioFileError(message, { source: path }))
}

/** An address as `fetch` wants it. */
export function toPath(path: string | URL): string {
  return String(path)
}

/** `path` as seen from the address `base`. */
export function resolveBeside(base: string, path: string): string {
  const { location } = globalThis as { location?: { href: string } }
  return new URL(path, new URL(base, location?.href)).href
}

/** Addresses stay as they are: a browser writes no manifests. */
export function relativeBeside(_base: string, path: string): string {
  return path
}
