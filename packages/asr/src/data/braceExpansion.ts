import { AsrError } from '../errors.js'

// NeMo takes these for braces, which shells and Hydra would expand or refuse.
const openings = /_OP_|[([<]/g
const closings = /_CL_|[)\]>]/g

// A mistyped range must not fill the memory.
const MOST = 1_000_000

/**
 * The paths that a pattern stands for: `{0..127}`, `{000..127}` (zeros are kept), `{a..c}`, `{x,y}`, several and nested ones.
 * `_OP_` and `_CL_`, `(`, `[`, `<` and their partners stand for braces too.
 *
 * @throws AsrError for braces without partner and for too many paths.
 *
 * Source: NeMo v1.0.0 `tarred_audio_filepaths`; Bash brace expansion.
 */
export function expandBraces(pattern: string): string[] {
  const normal = pattern.replaceAll(openings, '{').replaceAll(closings, '}')
  const expanded = expand(normal, pattern)
  if (expanded.length > MOST) throw refused(pattern, `more than ${MOST} paths`)
  return expanded
}

function expand(text: string, pattern: string): string[] {
  const open = text.indexOf('{')
  if (open < 0) {
    if (text.includes('}')) throw refused(pattern, 'a closing brace without an opening one')
    return [text]
  }
  const close = partner(text, open, pattern)
  const before = text.slice(0, open)
  if (before.includes('}')) throw refused(pattern, 'a closing brace without an opening one')
  const rest = expand(text.slice(close + 1), pattern)
  const middles = alternatives(text.slice(open + 1, close), pattern)
  if (middles.length * rest.length > MOST) throw refused(pattern, `more than ${MOST} paths`)
  return middles.flatMap((middle) => rest.map((end) => `${before}${middle}${end}`))
}

function partner(text: string, open: number, pattern: string): number {
  let depth = 0
  for (let i = open; i < text.length; i++) {
    if (text[i] === '{') depth++
    else if (text[i] === '}' && --depth === 0) return i
  }
  throw refused(pattern, 'an opening brace without a closing one')
}

function alternatives(body: string, pattern: string): string[] {
  const range = /^(-?\d+|[A-Za-z])\.\.(-?\d+|[A-Za-z])$/.exec(body)
  if (range) return rangeOf(range[1]!, range[2]!, pattern)
  const parts: string[] = []
  let [depth, start] = [0, 0]
  for (let i = 0; i <= body.length; i++) {
    if (body[i] === '{') depth++
    else if (body[i] === '}') depth--
    else if (i === body.length || (body[i] === ',' && depth === 0)) {
      parts.push(body.slice(start, i))
      start = i + 1
    }
  }
  return parts.flatMap((part) => expand(part, pattern))
}

function rangeOf(first: string, last: string, pattern: string): string[] {
  const letters = /[A-Za-z]/.test(first)
  if (letters !== /[A-Za-z]/.test(last)) throw refused(pattern, `the range ${first}..${last}`)
  const [from, to] = letters ? [first.codePointAt(0)!, last.codePointAt(0)!] : [Number(first), Number(last)]
  const count = Math.abs(to - from) + 1
  if (count > MOST) throw refused(pattern, `the range ${first}..${last}`)
  const padded = [first, last].some((end) => /^-?0\d/.test(end))
  const width = padded ? Math.max(first.length, last.length) : 0
  return Array.from({ length: count }, (_, i) => {
    const value = from + Math.sign(to - from) * i
    return letters ? String.fromCodePoint(value) : String(value).padStart(width, '0')
  })
}

const refused = (pattern: string, found: string): AsrError =>
  new AsrError(
    'NEMO_ASR_BRACES',
    `tarred_audio_filepaths: expected a pattern such as audio_{0..127}.tar, found ${found} in ${JSON.stringify(pattern)}.`,
  )
