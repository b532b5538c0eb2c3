import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const CHUNK_BYTES = 1 << 18

/** A folder of files that go when the work is done. */
export class ScratchFolder {
  readonly #parent: string
  #folder: string | undefined
  #files = 0
  readonly #open = new Set<number>()

  constructor(parent: string = tmpdir()) {
    this.#parent = parent
  }

  /** Bytes written so far. */
  bytesWritten = 0

  /** Opens a new file for writing and reading. */
  file(): number {
    this.#folder ??= mkdtempSync(join(this.#parent, 'nemo-ngrams-'))
    const file = openSync(join(this.#folder, `${this.#files++}`), 'w+')
    this.#open.add(file)
    return file
  }

  /** Writes all of some bytes at the end of a file. */
  append(file: number, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at, Math.min(bytes.length - at, 1 << 30))
    this.bytesWritten += bytes.length
  }

  dispose(): void {
    for (const file of this.#open) closeSync(file)
    this.#open.clear()
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true })
    this.#folder = undefined
  }
}

/** A piece of a spool; records are whole. */
interface Chunk {
  readonly words: Uint32Array
  readonly floats: Float32Array
  /** Numbers in use. */
  used: number
}

/** Records of equal length, written once and read in order; in memory up to a limit, beyond it in a file. */
export class RecordSpool {
  readonly stride: number
  readonly #limit: number
  readonly #scratch: ScratchFolder
  readonly #chunkWords: number
  readonly #chunks: Chunk[] = []
  #file: number | undefined
  #fileBytes = 0
  #memory = 0
  #current: Chunk
  /** Records so far. */
  size = 0

  /**
   * @param stride - Numbers of a record.
   * @param limit - Bytes that may be in memory.
   */
  constructor(stride: number, limit: number, scratch: ScratchFolder) {
    this.stride = stride
    this.#limit = limit
    this.#scratch = scratch
    this.#chunkWords = Math.max(1, Math.floor(CHUNK_BYTES / 4 / stride)) * stride
    this.#current = this.#newChunk()
  }

  /** A spool of records that are there already. */
  static of(records: Uint32Array, count: number, stride: number, limit: number, scratch: ScratchFolder): RecordSpool {
    const spool = new RecordSpool(stride, limit, scratch)
    spool.#current = {
      words: records,
      floats: new Float32Array(records.buffer, records.byteOffset, records.length),
      used: count * stride,
    }
    spool.size = count
    return spool
  }

  #newChunk(): Chunk {
    const words = new Uint32Array(this.#chunkWords)
    return { words, floats: new Float32Array(words.buffer), used: 0 }
  }

  /** Appends a record of words and, in its last place, a number. */
  push(words: ArrayLike<number>, last: number): void {
    const chunk = this.#room()
    const { used } = chunk
    const width = this.stride - 1
    for (let i = 0; i < width; i++) chunk.words[used + i] = words[i]!
    chunk.words[used + width] = last
    chunk.used = used + this.stride
  }

  /** The same with a float in the last place. */
  pushFloat(words: ArrayLike<number>, last: number): void {
    this.push(words, 0)
    this.#current.floats[this.#current.used - 1] = last
  }

  #room(): Chunk {
    this.size++
    let chunk = this.#current
    if (chunk.used + this.stride <= chunk.words.length) return chunk
    this.#memory += 4 * chunk.words.length
    this.#chunks.push(chunk)
    if (this.#memory > this.#limit) {
      this.#writeChunks()
      chunk.used = 0
      this.#current = chunk
      return chunk
    }
    chunk = this.#newChunk()
    this.#current = chunk
    return chunk
  }

  /** Writes what is still in memory. */
  spill(): void {
    this.#chunks.push(this.#current)
    this.#writeChunks()
    this.#current = { words: new Uint32Array(0), floats: new Float32Array(0), used: 0 }
  }

  #writeChunks(): void {
    this.#file ??= this.#scratch.file()
    for (const { words, used } of this.#chunks.splice(0)) {
      this.#scratch.append(this.#file, new Uint8Array(words.buffer, words.byteOffset, used * 4))
      this.#fileBytes += used * 4
    }
    this.#memory = 0
  }

  /** Reads all records from the first, as often as wanted. Nothing may be added after. */
  read(): RecordReader {
    return new RecordReader(this.stride, this.#pieces(), this.size)
  }

  *#pieces(): Generator<Chunk> {
    if (this.#file !== undefined) {
      const chunk = this.#newChunk()
      const bytes = new Uint8Array(chunk.words.buffer)
      for (let at = 0; at < this.#fileBytes; ) {
        const wanted = Math.min(bytes.length, this.#fileBytes - at)
        for (let got = 0; got < wanted; ) got += readSync(this.#file, bytes, got, wanted - got, at + got)
        at += wanted
        chunk.used = wanted / 4
        yield chunk
      }
    }
    yield* this.#chunks
    yield this.#current
  }
}

/** Reads records one after another. */
export class RecordReader {
  /** The piece with the present record, as words and as floats. */
  words: Uint32Array = new Uint32Array(0)
  floats: Float32Array = new Float32Array(0)
  /** Where the present record begins in the piece. */
  at = 0
  /** Whether all records are read. */
  done = false
  /** Records from the present one on. */
  left: number
  readonly #stride: number
  readonly #pieces: Iterator<Chunk>
  #end = 0

  constructor(stride: number, pieces: Iterator<Chunk>, size: number) {
    this.#stride = stride
    this.#pieces = pieces
    this.left = size
    this.#nextPiece()
  }

  /** Goes to the next record. */
  next(): void {
    this.left--
    this.at += this.#stride
    if (this.at >= this.#end) this.#nextPiece()
  }

  #nextPiece(): void {
    this.at = 0
    this.#end = 0
    while (this.#end === 0) {
      const piece = this.#pieces.next()
      if (piece.done) {
        this.done = true
        return
      }
      this.words = piece.value.words
      this.floats = piece.value.floats
      this.#end = piece.value.used
    }
  }
}
