import { createHash } from 'node:crypto'
import { mkdir, readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { atomicWriteFile } from '@nemo/core'

/** Features of an utterance. */
export interface Features {
  /** Features of a frame. */
  readonly size: number
  readonly frames: number
  /** `[size, frames]` */
  readonly data: Float32Array
}

const MAGIC = 'NMF1'
const HEADER_BYTES = 16

/**
 * Features on disk, each in a file of its own, named for what they depend on. A file appears when it is whole, so that a crash, or
 * several processes with one folder, can do no harm; one of a wrong length is made anew.
 */
export class FeatureCache {
  readonly #dir: string
  readonly #settings: string

  /** @param settings - What all features depend on, such as the preprocessor's config; plain data. */
  constructor(dir: string, settings: unknown) {
    this.#dir = dir
    this.#settings = JSON.stringify(settings)
  }

  /**
   * The features of a recording: those of the folder, or else new ones, which are kept.
   *
   * @param file - The recording; when it changes its features are made anew.
   * @param part - What besides says which audio of it is meant; plain data.
   */
  async get(file: string, part: unknown, make: () => Promise<Features | undefined>): Promise<Features | undefined> {
    const path = await this.#pathOf(file, part)
    const known = path === undefined ? undefined : await read(path)
    if (known) return known
    const made = await make()
    if (made && path !== undefined) {
      await mkdir(dirname(path), { recursive: true })
      await atomicWriteFile(path, [
        headerOf(made),
        new Uint8Array(made.data.buffer, made.data.byteOffset, made.data.byteLength),
      ])
    }
    return made
  }

  // Undefined where there is no such file: whoever reads it tells.
  async #pathOf(file: string, part: unknown): Promise<string | undefined> {
    const found = await stat(file).catch(() => undefined)
    if (!found) return undefined
    const described = JSON.stringify([this.#settings, file, found.size, found.mtimeMs, part])
    const name = createHash('sha256').update(described).digest('hex')
    // Folders of millions of files are slow.
    return join(this.#dir, name.slice(0, 2), `${name.slice(2)}.features`)
  }
}

async function read(path: string): Promise<Features | undefined> {
  const bytes = await readFile(path).catch(() => undefined)
  if (!bytes || bytes.length < HEADER_BYTES || bytes.toString('latin1', 0, 4) !== MAGIC) return undefined
  const [size, frames] = [bytes.readUInt32LE(4), bytes.readUInt32LE(8)]
  if (bytes.length !== HEADER_BYTES + 4 * size * frames) return undefined
  // A copy, since the bytes need not begin at a multiple of four.
  const data = new Float32Array(bytes.buffer.slice(bytes.byteOffset + HEADER_BYTES, bytes.byteOffset + bytes.length))
  return { size, frames, data }
}

function headerOf({ size, frames }: Features): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES)
  header.set(new TextEncoder().encode(MAGIC))
  const view = new DataView(header.buffer)
  view.setUint32(4, size, true)
  view.setUint32(8, frames, true)
  return header
}
