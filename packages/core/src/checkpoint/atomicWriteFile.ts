import { CheckpointFileError } from './errors.js'
import { nodeBuiltin } from './nodeBuiltin.js'

/** What a file can be written from: text (UTF-8), bytes, or bytes in parts. */
export type FileContents = string | Uint8Array | Iterable<Uint8Array>

/** Flushing a folder is impossible on some systems (Windows, some network shares); there the rename alone must do. */
const FOLDER_SYNC_UNSUPPORTED = new Set(['EPERM', 'EISDIR', 'EINVAL', 'EACCES', 'ENOTSUP', 'EBADF'])

/**
 * Writes a file so that a crash or power loss leaves the old contents or the new, never a part: temporary file
 * in the same folder, fsync, rename, fsync of the folder. A symbolic link is followed, not replaced. Node only.
 *
 * @throws CheckpointFileError if the folder is missing or the disk refuses; the old file is then untouched and
 * the temporary file removed.
 */
export async function atomicWriteFile(path: string, contents: FileContents): Promise<void> {
  const fs = nodeBuiltin('node:fs', 'Writing a file')
  const { dirname, basename, join } = nodeBuiltin('node:path', 'Writing a file')
  const target = await fs.promises.realpath(path).catch(() => path)
  const folder = dirname(target)
  const temporary = join(folder, `.${basename(target)}.${globalThis.crypto.randomUUID()}.tmp`)
  try {
    const file = await fs.promises.open(temporary, 'wx')
    try {
      for (const part of partsOf(contents)) await writeAll(file, part)
      await file.sync()
    } finally {
      await file.close()
    }
    await fs.promises.rename(temporary, target)
  } catch (cause) {
    await fs.promises.rm(temporary, { force: true })
    // An error of the generator that makes the contents is not a file error and passes as it is.
    if (!(cause instanceof Error && 'syscall' in cause)) throw cause
    throw new CheckpointFileError(`Cannot write ${path}: ${cause.message}. The old file, if any, is unchanged.`, {
      cause,
    })
  }
  await syncFolder(fs, folder)
}

function partsOf(contents: FileContents): Iterable<Uint8Array> {
  if (typeof contents === 'string') return [new TextEncoder().encode(contents)]
  return contents instanceof Uint8Array ? [contents] : contents
}

async function writeAll(file: import('node:fs').promises.FileHandle, part: Uint8Array): Promise<void> {
  const limit = 1 << 30
  for (let done = 0; done < part.length; ) {
    const { bytesWritten } = await file.write(part, done, Math.min(limit, part.length - done))
    done += bytesWritten
  }
}

async function syncFolder(fs: typeof import('node:fs'), folder: string): Promise<void> {
  try {
    const handle = await fs.promises.open(folder, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (cause) {
    if (!FOLDER_SYNC_UNSUPPORTED.has((cause as NodeJS.ErrnoException).code ?? '')) {
      throw new CheckpointFileError(`Cannot flush the folder ${folder}: ${(cause as Error).message}.`, { cause })
    }
  }
}
