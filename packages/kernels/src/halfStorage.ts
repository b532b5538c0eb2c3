import type { HalfFormat } from './storage.js'

/**
 * Rewrites a kernel's body, in which `bN[i]` is an element of slot N, for slots that are stored in half precision: what is
 * read becomes float32, and what is assigned is rounded.
 *
 * @param formats - How each slot is stored; undefined for those that stay as they are.
 */
export function halfReads(body: string, formats: readonly (HalfFormat | undefined)[]): string {
  if (!formats.some((format) => format !== undefined)) return body
  let text = ''
  let at = 0
  const reference = /\bb(\d+)\[/g
  for (let found = reference.exec(body); found; found = reference.exec(body)) {
    const format = formats[Number(found[1])]
    if (format === undefined) continue
    const [begin, inside] = [found.index, found.index + found[0].length]
    const end = closing(body, inside)
    const element = `${found[0]}${halfReads(body.slice(inside, end), formats)}]`
    text += body.slice(at, begin)
    const assigned = /^\s*([-+*/%&|^]?)=(?!=)/.exec(body.slice(end + 1))
    if (assigned) {
      if (assigned[1] !== '') throw new Error(`A kernel changes a half-precision element in place: ${element}.`)
      const value = end + 1 + assigned[0].length
      const semicolon = body.indexOf(';', value)
      text += `${element} = ${ROUND[format]}(${halfReads(body.slice(value, semicolon), formats).trim()})`
      at = semicolon
    } else {
      text += `${WIDEN[format]}(${element})`
      at = end + 1
    }
    reference.lastIndex = at
  }
  return text + body.slice(at)
}

const WIDEN = { f16: 'f32', bits: 'number_of_half' } as const satisfies Record<HalfFormat, string>
const ROUND = { f16: 'half_of', bits: 'half_bits' } as const satisfies Record<HalfFormat, string>

// Where the bracket closes that was opened before `from`.
function closing(text: string, from: number): number {
  let open = 1
  for (let i = from; i < text.length; i++) {
    if (text[i] === '[') open++
    else if (text[i] === ']' && --open === 0) return i
  }
  throw new Error(`A kernel has an open bracket: ${text.slice(from, from + 40)}`)
}
