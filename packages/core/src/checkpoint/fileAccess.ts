import { CheckpointFileError } from './errors.js'
import { nodeBuiltin } from './nodeBuiltin.js'
import { allocateBytes, checkRange, type RandomAccess } from './randomAccess.js'

/** The largest single read; larger reads are split, because the system call takes at most 2 GiB. */
const READ_STEP = 1 << 30

/**
 * Opens a file for random access while `use` runs, and closes it afterwards. Node only.
 *
 * @throws CheckpointFileError if the file cannot be opened or read.
 */
export async function withFile<T>(path: string, use: (source: RandomAccess) => T | Promise<T>): Promise<T> {
  const fs = nodeBuiltin('node:fs', 'Reading a file')
  let descriptor: number
  try {
    descriptor = fs.openSync(path, 'r')
  } catch (cause) {
    throw new CheckpointFileError(`Cannot open ${path}: ${(cause as Error).message}. Check the path.`, { cause })
  }
  try {
    const stat = fs.fstatSync(descriptor)
    if (!stat.isFile()) throw new CheckpointFileError(`${path}: expected a file, found a folder or device.`)
    return await use({
      name: path,
      byteLength: stat.size,
      read(start, end) {
        checkRange(this, start, end)
        const bytes = allocateBytes(end - start, path)
        for (let done = 0; done < bytes.length; ) {
          const step = fs.readSync(descriptor, bytes, done, Math.min(READ_STEP, bytes.length - done), start + done)
          if (step === 0) throw new CheckpointFileError(`${path}: the file became shorter while it was read.`)
          done += step
        }
        return bytes
      },
    })
  } finally {
    fs.closeSync(descriptor)
  }
}
