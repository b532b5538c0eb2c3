/**
 * Why a path of external data must not be followed, or undefined if it stays inside the model's folder.
 *
 * Refused are absolute paths, drive letters and URLs (anything with a colon), parts of `..` however they are spelled for
 * file systems or URL resolvers (backslashes, `%2e`, surrounding blanks), control characters and empty names. The
 * caller still has to refuse symbolic links that lead outside.
 */
export function checkExternalLocation(location: string): string | undefined {
  if (location.trim() === '') return 'it is empty'
  // URL resolvers drop blanks around a path, and control characters inside it.
  if (location !== location.trim()) return 'it starts or ends with a blank'
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(location)) return 'it has control characters'
  if (location.includes(':')) return 'it names a drive or a URL'
  // Windows ignores blanks and dots at the end of a name; a URL's path ends at ? and #.
  const parts = location
    .replace(/\s/g, '')
    .replace(/%2e/gi, '.')
    .replace(/%2f|%5c|\\/gi, '/')
    .split(/[/?#]/)
  if (parts[0] === '') return 'it is an absolute path'
  if (parts.some((part) => /^\.{2,}$/.test(part))) return "it leaves the model's folder"
  return undefined
}
