import {
  type Dim,
  type DimTerm,
  floorDivideDims,
  formatShape,
  isStatic,
  multiplyDims,
  subtractDims,
  termsOfDim,
} from '../dim.js'
import { ShapeError } from '../errors.js'
import { apply1, defineOp, stopsGradient } from '../op.js'
import type { Tensor } from '../tensor.js'
import { add, div, mod, mul, sub } from './arithmetic.js'
import { concat } from './concat.js'
import { gather } from './gather.js'
import { constant } from './leaves.js'
import { unsqueeze } from './reshape.js'

/** A tensor's shape as an int64 vector, or the part from `start` to `end`. ONNX Shape-19. */
export const Shape = defineOp({
  type: 'Shape',
  since: 19,
  attributes: { start: { kind: 'int', default: 0 }, end: { kind: 'int' } },
  infer: (context) => {
    const { start, end } = context.attributes as { start: number; end?: number }
    const known = context.input(0).shape.slice(start, end)
    return [{ dtype: 'int64', shape: [known.length], known }]
  },
  grad: stopsGradient('a shape is an integer'),
})

/** Number of elements, an int64 scalar. ONNX Size-19. */
export const Size = defineOp({
  type: 'Size',
  since: 19,
  infer: () => [{ dtype: 'int64', shape: [] }],
  grad: stopsGradient('a size is an integer'),
})

/** x's shape as an int64 vector `[rank]`; a constant if all its dims are numbers. */
export function shapeOf(x: Tensor): Tensor {
  return isStatic(x.shape) ? constant([...x.shape], 'int64', [x.rank]) : apply1(Shape, [x])
}

/**
 * A dim as an int64 scalar: a constant, or computed from the shapes of `sources`.
 *
 * @throws ShapeError if a symbol of the dim occurs in no source's shape.
 */
export function dimTensor(dim: Dim, sources: readonly Tensor[]): Tensor {
  if (typeof dim === 'number') return constant(dim, 'int64')
  for (const source of sources) {
    const axis = source.shape.indexOf(dim)
    if (axis >= 0) return gather(apply1(Shape, [source]), constant(axis, 'int64'))
  }
  // B (8 n + 8) is found as B times an axis of size 8 n + 8, and 2 n - 1 as 2 times an
  // axis of size n - 1, plus 1.
  for (const source of sources) {
    for (const axis of source.shape) {
      if (typeof axis !== 'string') continue
      const rest = floorDivideDims(dim, axis)
      if (multiplyDims(rest, axis) === dim) return mul(dimTensor(axis, sources), dimTensor(rest, sources))
      const line = lineThrough(dim, axis)
      if (line) {
        const multiple = add(mul(dimTensor(axis, sources), line.factor), line.offset)
        return line.divisor === 1 ? multiple : div(multiple, line.divisor)
      }
    }
  }
  const terms = termsOfDim(dim)
  if (
    terms.length === 1 &&
    terms[0]!.coefficient === 1 &&
    terms[0]!.atoms.length === 1 &&
    !terms[0]!.atoms[0]!.quotient
  ) {
    throw new ShapeError(
      `Size ${dim} cannot be found: no tensor at hand has it as an axis. Shapes at hand: ${sources.map((s) => formatShape(s.shape)).join(', ') || 'none'}.`,
    )
  }
  let total: Tensor | undefined
  for (const { coefficient, atoms } of terms) {
    let product: Tensor | undefined = coefficient === 1 && atoms.length > 0 ? undefined : constant(coefficient, 'int64')
    for (const atom of atoms) {
      const { text, quotient } = atom
      const factor =
        quotient && !sources.some((source) => source.shape.some((axis) => axis === text || lineThrough(text, axis)))
          ? floorDivide(dimTensor(quotient.numerator, sources), dimTensor(quotient.divisor, sources))
          : dimTensor(text, sources)
      product = product ? mul(product, factor) : factor
    }
    total = total ? add(total, product!) : product
  }
  return total ?? constant(0, 'int64')
}

// Numbers with divisor * dim = factor * axis + offset, if there are any.
function lineThrough(dim: Dim, axis: Dim): { divisor: number; factor: number; offset: number } | undefined {
  const name = ({ atoms }: DimTerm) => atoms.map(({ text }) => text).join('*')
  const lead = termsOfDim(axis).find(({ atoms }) => atoms.length > 0)
  const match = lead && termsOfDim(dim).find((term) => name(term) === name(lead))
  if (!lead || !match) return undefined
  const common = greatestCommonDivisor(match.coefficient, lead.coefficient)
  const [factor, divisor] = [match.coefficient / common, lead.coefficient / common]
  const offset = subtractDims(multiplyDims(divisor, dim), multiplyDims(factor, axis))
  return typeof offset === 'number' ? { divisor, factor, offset } : undefined
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? Math.abs(a) : greatestCommonDivisor(b, a % b)
}

// ONNX Div truncates; sizes can be negative midway (floor((T-5)/2) at T = 4), so floor explicitly.
function floorDivide(a: Tensor, b: Tensor): Tensor {
  return div(sub(a, mod(a, b)), b)
}

/**
 * A shape as an int64 vector, its symbols read from `sources`.
 *
 * @throws ShapeError if a symbol occurs in no source's shape.
 */
export function shapeTensor(dims: readonly Dim[], sources: readonly Tensor[]): Tensor {
  if (isStatic(dims)) return constant([...dims], 'int64', [dims.length])
  const same = sources.find((source) => source.rank === dims.length && source.shape.every((dim, i) => dim === dims[i]))
  if (same) return shapeOf(same)
  const pieces: Tensor[] = []
  for (let i = 0; i < dims.length; ) {
    const run = longestRun(dims, i, sources)
    if (run) {
      pieces.push(apply1(Shape, [run.source], { start: run.start, end: run.start + run.length }))
      i += run.length
    } else {
      const dim = dims[i++]!
      pieces.push(typeof dim === 'number' ? constant([dim], 'int64') : unsqueeze(dimTensor(dim, sources), 0))
    }
  }
  return concat(pieces, 0)
}

// The longest stretch of dims from `at` on that starts with a symbol and stands side by side in a source's shape.
function longestRun(
  dims: readonly Dim[],
  at: number,
  sources: readonly Tensor[],
): { source: Tensor; start: number; length: number } | undefined {
  let best: { source: Tensor; start: number; length: number } | undefined
  if (typeof dims[at] === 'number') return undefined
  for (const source of sources) {
    source.shape.forEach((_, start) => {
      let length = 0
      while (
        at + length < dims.length &&
        start + length < source.rank &&
        source.shape[start + length] === dims[at + length]
      )
        length++
      if (length > (best?.length ?? 0)) best = { source, start, length }
    })
  }
  return best
}
