import { ArchivePathError } from './errors.js'

/**
 * The name of an archive member without `./` and doubled slashes; `''` for the archive's own folder.
 *
 * @throws ArchivePathError if it is absolute, leaves the archive, or contains a backslash, drive letter or control character.
 */
export function normaliseMemberPath(path: string, archive: string): string {
  const refuse = (problem: string): ArchivePathError =>
    new ArchivePathError(
      `${archive}: the member ${JSON.stringify(path)} ${problem}. Such names serve attacks; do not use this file.`,
    )
  if (path.startsWith('/') || /^[A-Za-z]:/.test(path)) throw refuse('has an absolute path')
  if (path.includes('\\')) throw refuse('contains a backslash')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\x00-\x1f\x7f]/.test(path)) throw refuse('contains a control character')
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  if (parts.includes('..')) throw refuse('leaves the archive')
  return parts.join('/')
}
