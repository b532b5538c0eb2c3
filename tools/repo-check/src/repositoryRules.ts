/** A place in a committed file that breaks a rule of the repository. */
export interface Finding {
  /** Path in the repository, with `/`. */
  file: string
  /** Counted from 1; absent when the whole file is meant. */
  line?: number
  /** What was found, what is expected, what to do. */
  message: string
}

/** The largest file that may be committed, in bytes; the lockfile alone may be larger. */
export const MAX_FILE_BYTES = 200_000

const LOCKFILE = 'pnpm-lock.yaml'

/** Absolute paths that exist on one machine only: temporary and home folders, and a container's work folder. */
const MACHINE_PATH =
  /(?<![\w.~$*})\]-])(?:\/(?:tmp|root|work|var\/folders|home\/\w[\w.-]*|Users\/\w[\w.-]*)\/|[A-Z]:\\+Users\\+)[\w.-]*/

/** An address of any server. A lockfile with addresses would bypass the registry that a user has set. */
const ADDRESS = /\bhttps?:\/\/\S+/

/** Binary files are those with a zero byte near their beginning, as git tells them. */
const isBinary = (content: Buffer) => content.subarray(0, 8000).includes(0)

/**
 * Checks one committed file.
 *
 * @param file - Path in the repository, with `/`.
 * @param content - Its bytes.
 */
export function checkFile(file: string, content: Buffer): Finding[] {
  const findings: Finding[] = []
  if (content.length > MAX_FILE_BYTES && file !== LOCKFILE) {
    findings.push({
      file,
      message: `${content.length} bytes; at most ${MAX_FILE_BYTES} may be committed. Make it smaller, or have it made or fetched when needed.`,
    })
  }
  if (isBinary(content)) return findings
  for (const [index, text] of content.toString('utf8').split('\n').entries()) {
    const path = MACHINE_PATH.exec(text)?.[0]
    if (path) {
      findings.push({
        file,
        line: index + 1,
        message: `path of one machine: ${path}. Use a relative path, or os.tmpdir() in a test.`,
      })
    }
    const address = file === LOCKFILE && ADDRESS.exec(text)?.[0]
    if (address) {
      findings.push({
        file,
        line: index + 1,
        message: `address in the lockfile: ${address}. Install again without lockfile-include-tarball-url.`,
      })
    }
  }
  return findings
}
