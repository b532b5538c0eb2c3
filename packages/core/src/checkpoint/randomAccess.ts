import { ArchiveTruncatedError, CheckpointLimitError } from './errors.js'

/**
 * Bytes that can be read at any position: a buffer, or a file that is larger than memory allows.
 * Archive readers take this, so that only the parts asked for are loaded.
 */
export interface RandomAccess {
  /** Path or name, for messages. */
  readonly name: string
  readonly byteLength: number
  /** The bytes in [start, end). May be a view of a shared buffer; must not be written to. */
  read(start: number, end: number): Uint8Array
}

/** Random access to bytes in memory; `read` returns views. */
export function randomAccessOf(bytes: Uint8Array, name: string): RandomAccess {
  // A Buffer of Node overrides slice() not to copy; a plain view of the same bytes does not.
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return {
    name,
    byteLength: bytes.byteLength,
    read(start, end) {
      checkRange(this, start, end)
      return plain.subarray(start, end)
    },
  }
}

/** A part of another source, as a source of its own. */
export function sectionOf(source: RandomAccess, start: number, end: number, name: string): RandomAccess {
  checkRange(source, start, end)
  return {
    name,
    byteLength: end - start,
    read(from, to) {
      checkRange(this, from, to)
      return source.read(start + from, start + to)
    },
  }
}

/**
 * Checks that [start, end) lies within the source.
 *
 * @throws ArchiveTruncatedError if it does not.
 */
export function checkRange(source: RandomAccess, start: number, end: number): void {
  if (!(start >= 0 && start <= end && end <= source.byteLength)) {
    throw new ArchiveTruncatedError(
      `${source.name}: expected bytes ${start} to ${end}, but the data ends at ${source.byteLength}. The file is cut short or corrupt; copy or download it again.`,
    )
  }
}

/**
 * A zeroed buffer.
 *
 * @param what - Names what it is for, in errors.
 * @throws CheckpointLimitError if memory, or the engine's largest buffer, is too small.
 */
export function allocateBytes(length: number, what: string): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(length)
  } catch (cause) {
    throw new CheckpointLimitError(`${what}: cannot allocate ${length} bytes (${(cause as Error).message}).`)
  }
}
