import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { createGunzip, gunzipSync } from 'node:zlib'
import { type ArpaOptions, ArpaReader } from './arpaReader.js'
import { LanguageModelFileError } from './errors.js'
import { isKenLmBinary, readKenLmHeader } from './kenLmHeader.js'
import { readKenLmProbing } from './kenLmProbing.js'
import { readKenLmTrie } from './kenLmTrie.js'
import type { NGramLanguageModel } from './nGramLanguageModel.js'

const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b

/**
 * Reads an n-gram language model: an ARPA file, plain or gzipped, or a binary of KenLM of any kind (probing, rest-probing,
 * trie, quantised, array-compressed).
 *
 * @param source - A path, or the bytes of a file.
 * @throws LanguageModelFileError for a file that is damaged or of another kind, with what is wrong and where.
 */
export async function loadLanguageModel(
  source: string | URL | Uint8Array,
  options: ArpaOptions = {},
): Promise<NGramLanguageModel> {
  if (source instanceof Uint8Array) return readLanguageModel(source, 'the language model', options)
  const path = source instanceof URL ? fileURLToPath(source) : source
  const file = await open(path)
  try {
    const head = new Uint8Array(64)
    const { bytesRead } = await file.read(head, 0, head.length, 0)
    if (isKenLmBinary(head.subarray(0, bytesRead))) {
      const { size } = await file.stat()
      // `readFile` stops at 2 GiB.
      const bytes = new Uint8Array(new ArrayBuffer(Math.ceil(size / 8) * 8), 0, size)
      for (let at = 0; at < size; ) {
        const { bytesRead: got } = await file.read(bytes, at, Math.min(size - at, 1 << 30), at)
        if (got === 0) break
        at += got
      }
      return readLanguageModel(bytes, path, options)
    }
    const reader = new ArpaReader(path, options)
    const raw = createReadStream(path, { highWaterMark: 1 << 20 })
    try {
      for await (const piece of isGzip(head) ? raw.pipe(createGunzip({ chunkSize: 1 << 18 })) : raw)
        reader.push(piece as Uint8Array)
    } catch (error) {
      throw unpackError(error, path)
    } finally {
      raw.destroy()
    }
    return reader.finish()
  } finally {
    await file.close()
  }
}

/** The same from the bytes of a whole file. */
export function readLanguageModel(bytes: Uint8Array, source: string, options: ArpaOptions = {}): NGramLanguageModel {
  if (isKenLmBinary(bytes)) {
    // Tables are read where they lie, as 32-bit words, which need an offset that 8 divides.
    const aligned = bytes.byteOffset % 8 === 0 ? bytes : Uint8Array.from(bytes)
    const header = readKenLmHeader(aligned, source)
    const probing = header.storage === 'probing' || header.storage === 'rest-probing'
    return probing ? readKenLmProbing(aligned, header, source) : readKenLmTrie(aligned, header, source)
  }
  const reader = new ArpaReader(source, options)
  try {
    reader.push(isGzip(bytes) ? gunzipSync(bytes) : bytes)
  } catch (error) {
    throw unpackError(error, source)
  }
  return reader.finish()
}

function unpackError(error: unknown, source: string): unknown {
  const { code } = error as { code?: unknown }
  if (typeof code !== 'string' || !code.startsWith('Z_')) return error
  return new LanguageModelFileError('NEMO_ASR_ARPA', `${source}: it cannot be unpacked: ${(error as Error).message}.`, {
    cause: error,
  })
}
