import { readFileSync } from 'node:fs'
import { brotliDecompressSync } from 'node:zlib'

/** Files of a `.tar.br`. */
export const filesOfArchive = (path: string): Iterable<{ name: string; content: Buffer }> =>
  filesOfTar(brotliDecompressSync(readFileSync(path)))

const BLOCK = 512

function* filesOfTar(tar: Buffer): Generator<{ name: string; content: Buffer }> {
  for (let at = 0; at + BLOCK <= tar.length; ) {
    const field = (start: number, length: number) =>
      tar.toString('latin1', at + start, at + start + length).replace(/\0.*$/s, '')
    const name = field(0, 100)
    if (name === '') return
    const size = Number.parseInt(field(124, 12), 8)
    yield { name, content: tar.subarray(at + BLOCK, at + BLOCK + size) }
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK
  }
}
