import { ConfigKeyError } from './errors.js'

/**
 * Splits a dotted key path: `a.b[0].c`, `a[b][0]` and `a.b.0.c` alike.
 *
 * @throws ConfigKeyError for an empty part or an unclosed bracket.
 */
export function parseKeyPath(path: string): string[] {
  const keys: string[] = []
  let index = 0
  const fail = (what: string): never => {
    throw new ConfigKeyError(path, `key path "${path}": ${what} at character ${index + 1}; write it like a.b[0].c`)
  }
  while (index < path.length) {
    if (path[index] === '[') {
      const end = path.indexOf(']', index)
      if (end < 0) fail('"[" is never closed')
      const key = path.slice(index + 1, end)
      if (key === '') fail('empty brackets')
      keys.push(key)
      index = end + 1
      if (path[index] === '.') {
        index += 1
        if (index === path.length) fail('nothing follows the dot')
      } else if (index < path.length && path[index] !== '[') fail('a dot or bracket must follow "]"')
    } else {
      const match = /^[^.[\]]+/.exec(path.slice(index))
      if (match === null) {
        fail('empty key')
      } else {
        keys.push(match[0])
        index += match[0].length
        if (path[index] === '.') {
          index += 1
          if (index === path.length) fail('nothing follows the dot')
        } else if (path[index] === ']') fail('"]" without "["')
      }
    }
  }
  return keys
}

/** Joins keys to `a.b[0].c`: list positions in brackets, also keys that hold a dot or bracket. */
export function formatKeyPath(keys: readonly (string | number)[]): string {
  let path = ''
  for (const key of keys) {
    const text = String(key)
    if (/^\d+$/.test(text) || /[.[\]]/.test(text)) path += `[${text}]`
    else path += path === '' ? text : `.${text}`
  }
  return path
}
