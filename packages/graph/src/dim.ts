import { ShapeError } from './errors.js'

/**
 * Size of an axis: a number, or the name of a symbol (`'B'`, `'T'`), or an expression over symbols in the canonical
 * spelling that the functions below produce (`'floor((T-1)/2)+1'`). Equal expressions have equal spellings.
 */
export type Dim = number | string

/** A tensor's axes. */
export type Shape = readonly Dim[]

// A polynomial: monomial (sorted factor names joined by `*`, '' for the constant) -> coefficient.
type Polynomial = ReadonlyMap<string, number>

// Derived spellings are interned here; a spelling that is absent is a plain symbol.
const polynomials = new Map<string, Polynomial>()
// Atoms that are floor divisions: spelling -> [numerator, divisor].
const quotients = new Map<string, { readonly numerator: Dim; readonly divisor: Dim }>()

function polynomialOf(dim: Dim): Polynomial {
  if (typeof dim === 'number') return new Map(dim === 0 ? [] : [['', dim]])
  return polynomials.get(dim) ?? new Map([[dim, 1]])
}

function spell(polynomial: Map<string, number>): Dim {
  for (const [monomial, coefficient] of polynomial) if (coefficient === 0) polynomial.delete(monomial)
  const constant = polynomial.get('') ?? 0
  const terms = [...polynomial].filter(([m]) => m !== '').sort(([a], [b]) => (a < b ? -1 : 1))
  if (terms.length === 0) return constant
  let text = ''
  for (const [monomial, coefficient] of terms) {
    const sign = coefficient < 0 ? '-' : text === '' ? '' : '+'
    const size = Math.abs(coefficient)
    text += `${sign}${size === 1 ? '' : `${size}*`}${monomial}`
  }
  if (constant !== 0) text += constant > 0 ? `+${constant}` : `${constant}`
  if (!(terms.length === 1 && constant === 0 && terms[0]![1] === 1 && !terms[0]![0].includes('*')))
    polynomials.set(text, polynomial)
  return text
}

/** a + b */
export function addDims(a: Dim, b: Dim): Dim {
  if (typeof a === 'number' && typeof b === 'number') return a + b
  const sum = new Map(polynomialOf(a))
  for (const [monomial, coefficient] of polynomialOf(b)) sum.set(monomial, (sum.get(monomial) ?? 0) + coefficient)
  return spell(sum)
}

/** a * b */
export function multiplyDims(a: Dim, b: Dim): Dim {
  // + 0 makes no difference but to -0.
  if (typeof a === 'number' && typeof b === 'number') return a * b + 0
  const product = new Map<string, number>()
  for (const [m1, c1] of polynomialOf(a)) {
    for (const [m2, c2] of polynomialOf(b)) {
      const monomial = [...factors(m1), ...factors(m2)].sort().join('*')
      product.set(monomial, (product.get(monomial) ?? 0) + c1 * c2)
    }
  }
  return spell(product)
}

// Splits a monomial at its top-level `*`; atoms such as floor((2*T)/3) hold stars of their own.
function factors(monomial: string): string[] {
  if (monomial === '') return []
  const parts: string[] = []
  let depth = 0
  let start = 0
  for (let i = 0; i < monomial.length; i++) {
    const ch = monomial[i]
    if (ch === '(') depth++
    else if (ch === ')') depth--
    else if (ch === '*' && depth === 0) {
      parts.push(monomial.slice(start, i))
      start = i + 1
    }
  }
  parts.push(monomial.slice(start))
  return parts
}

/** a - b */
export function subtractDims(a: Dim, b: Dim): Dim {
  return addDims(a, multiplyDims(-1, b))
}

/**
 * floor(a / b), for b > 0. What can be divided is divided, so that equal quotients are spelled equally: 7 T + 5 by 4 is
 * T + 1 + floor((3 T + 1) / 4).
 */
export function floorDivideDims(a: Dim, b: Dim): Dim {
  if (b === 1) return a
  if (a === b) return 1
  if (typeof b === 'number') return typeof a === 'number' ? Math.floor(a / b) : divideByNumber(a, b)
  const divisor = polynomialOf(b)
  if (divisor.size !== 1) return quotientAtom(a, b)
  const [[monomial, coefficient]] = [...divisor] as [[string, number]]
  const quotient = new Map<string, number>()
  const rest = new Map<string, number>()
  for (const [m, c] of polynomialOf(a)) {
    const left = divideMonomial(m, monomial)
    if (left !== undefined && Number.isInteger(c / coefficient)) quotient.set(left, c / coefficient)
    else rest.set(m, c)
  }
  const remainder = spell(rest)
  return remainder === 0 ? spell(quotient) : addDims(spell(quotient), quotientAtom(remainder, b))
}

function divideByNumber(a: Dim, b: number): Dim {
  const quotient = new Map<string, number>()
  const rest = new Map<string, number>()
  for (const [monomial, coefficient] of polynomialOf(a)) {
    const share = Math.floor(coefficient / b)
    quotient.set(monomial, share)
    rest.set(monomial, coefficient - share * b)
  }
  // A factor that the remainder's terms share with the divisor is taken out; of the constant only its floor counts.
  let common = b
  for (const [monomial, coefficient] of rest) if (monomial !== '') common = greatestCommonDivisor(common, coefficient)
  const reduced = new Map([...rest].map(([monomial, coefficient]) => [monomial, Math.floor(coefficient / common)]))
  const remainder = spell(reduced)
  const whole = spell(quotient)
  if (typeof remainder === 'number') return addDims(whole, Math.floor(remainder / (b / common)))
  return addDims(whole, quotientAtom(remainder, b / common))
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b)
}

function divideMonomial(m: string, by: string): string | undefined {
  const left = factors(m)
  for (const factor of factors(by)) {
    const at = left.indexOf(factor)
    if (at < 0) return undefined
    left.splice(at, 1)
  }
  return left.join('*')
}

function quotientAtom(numerator: Dim, divisor: Dim): Dim {
  const text = `floor((${numerator})/${typeof divisor === 'number' ? divisor : `(${divisor})`})`
  quotients.set(text, { numerator, divisor })
  return text
}

/** Product of a shape's dims; 1 for a scalar. */
export function productOfDims(shape: Shape): Dim {
  return shape.reduce<Dim>((product, dim) => multiplyDims(product, dim), 1)
}

/** What an expression is made of: a sum of coefficient x product of atoms; an atom is a symbol or a floor division. */
export interface DimTerm {
  readonly coefficient: number
  readonly atoms: readonly DimAtom[]
}

/** A symbol, or a floor division when `quotient` is there; `text` is a dim of its own either way. */
export interface DimAtom {
  readonly text: string
  readonly quotient?: { readonly numerator: Dim; readonly divisor: Dim }
}

/** Takes a dim apart, for code that computes it at run time. */
export function termsOfDim(dim: Dim): DimTerm[] {
  return [...polynomialOf(dim)].map(([monomial, coefficient]) => ({
    coefficient,
    atoms: factors(monomial).map((text) => {
      const quotient = quotients.get(text)
      return quotient ? { text, quotient } : { text }
    }),
  }))
}

/** Names of the plain symbols that a dim depends on. */
export function symbolsOfDim(dim: Dim): Set<string> {
  const symbols = new Set<string>()
  for (const { atoms } of termsOfDim(dim)) {
    for (const atom of atoms) {
      if (!atom.quotient) symbols.add(atom.text)
      else
        for (const part of [atom.quotient.numerator, atom.quotient.divisor])
          for (const s of symbolsOfDim(part)) symbols.add(s)
    }
  }
  return symbols
}

/**
 * Value of a dim when its symbols are bound.
 *
 * @throws ShapeError if a symbol has no value.
 */
export function evaluateDim(dim: Dim, bindings: ReadonlyMap<string, number>): number {
  if (typeof dim === 'number') return dim
  const bound = bindings.get(dim)
  if (bound !== undefined) return bound
  let sum = 0
  for (const { coefficient, atoms } of termsOfDim(dim)) {
    let product = coefficient
    for (const atom of atoms) {
      const value = bindings.get(atom.text)
      if (value !== undefined) product *= value
      else if (atom.quotient)
        product *= Math.floor(
          evaluateDim(atom.quotient.numerator, bindings) / evaluateDim(atom.quotient.divisor, bindings),
        )
      else throw new ShapeError(`Dimension ${dim} needs a value for ${atom.text}.`)
    }
    sum += product
  }
  return sum
}

let anonymous = 0
/** A symbol nobody else has, for sizes known only at run time (NonZero, imported models). */
export function freshDim(hint = 'n'): string {
  return `${hint}_${anonymous++}`
}

/** Whether every dim is a number. */
export function isStatic(shape: Shape): shape is readonly number[] {
  return shape.every((dim) => typeof dim === 'number')
}

/** `[B, 64, T]`, for messages. */
export function formatShape(shape: Shape): string {
  return `[${shape.join(', ')}]`
}

/**
 * ONNX/NumPy broadcasting of one pair of dims. Two different symbols, or a symbol and a number above 1, are taken to be
 * equal (the run checks it); two different numbers are an error.
 *
 * @returns undefined if the dims cannot be broadcast.
 */
export function broadcastDim(a: Dim, b: Dim): Dim | undefined {
  if (a === b || b === 1) return a
  if (a === 1) return b
  if (typeof a === 'number') return typeof b === 'number' ? undefined : a
  return typeof b === 'number' ? b : simpler(a, b)
}

// Of two names for the same size, the plain symbol (or the shorter expression) reads better downstream.
function simpler(a: string, b: string): string {
  return b.length < a.length ? b : a
}

/**
 * Broadcasts shapes to their common shape.
 *
 * @param where - Names the op in the error.
 * @throws ShapeError if two dims differ and neither is 1.
 */
export function broadcastShapes(shapes: readonly Shape[], where: string): Shape {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length))
  const result: Dim[] = new Array(rank).fill(1)
  for (const shape of shapes) {
    const offset = rank - shape.length
    for (let axis = 0; axis < shape.length; axis++) {
      const dim = broadcastDim(result[offset + axis]!, shape[axis]!)
      if (dim === undefined) {
        throw new ShapeError(
          `${where}: shapes ${shapes.map(formatShape).join(' and ')} cannot be broadcast; axis ${axis - shape.length} differs.`,
        )
      }
      result[offset + axis] = dim
    }
  }
  return result
}
