import { broadcastDim, type Dim } from '../dim.js'
import { AttributeError } from '../errors.js'
import { apply1, defineOp, sameDType } from '../op.js'
import type { Tensor } from '../tensor.js'
import { expand } from './expand.js'
import { unsqueeze } from './reshape.js'
import { unbroadcast } from './unbroadcast.js'

/** An equation with every axis spelled out: `...` has become letters of its own. */
interface Equation {
  readonly operands: readonly string[]
  readonly output: string
}

// Letters that a caller cannot write; `...` becomes as many of them as the operand's rank asks for, aligned at the end.
const DOTS = 'αβγδεζηθ'

function parse(equation: string, ranks: readonly number[]): Equation {
  const fail = (problem: string): never => {
    throw new AttributeError(`Einsum: ${problem} in "${equation}".`)
  }
  const [left, right, more] = equation.replaceAll(' ', '').split('->')
  const terms = left!.split(',')
  if (more !== undefined) fail('expected one ->')
  if (terms.length !== ranks.length) fail(`found ${terms.length} terms for ${ranks.length} operands`)
  let dots = 0
  const operands = terms.map((term, i) => {
    const letters = term.replace('...', '')
    if (!/^[A-Za-z]*$/.test(letters)) fail(`unexpected characters`)
    const covered = ranks[i]! - letters.length
    if (term.includes('...')) {
      if (covered < 0 || covered > DOTS.length) fail(`operand ${i} has rank ${ranks[i]}, which does not fit`)
      dots = Math.max(dots, covered)
      return term.replace('...', DOTS.slice(DOTS.length - covered))
    }
    if (covered !== 0) fail(`operand ${i} has rank ${ranks[i]}, not ${letters.length},`)
    return term
  })
  const all = [...new Set(operands.join(''))]
  const implicit = () => {
    const once = all.filter((letter) => !DOTS.includes(letter) && operands.join('').split(letter).length === 2)
    return DOTS.slice(DOTS.length - dots) + once.sort().join('')
  }
  const output = right === undefined ? implicit() : right.replace('...', DOTS.slice(DOTS.length - dots))
  if (new Set(output).size !== output.length || [...output].some((letter) => !all.includes(letter)))
    fail('the output must name axes of the operands, once each,')
  return { operands, output }
}

function letterSizes(
  inputs: readonly Tensor[],
  { operands }: Equation,
  fail: (problem: string) => never,
): Map<string, Dim> {
  const sizes = new Map<string, Dim>()
  operands.forEach((letters, i) => {
    ;[...letters].forEach((letter, axis) => {
      const [before, dim] = [sizes.get(letter), inputs[i]!.shape[axis]!]
      const joined = before === undefined ? dim : broadcastDim(before, dim)
      if (joined === undefined) fail(`axis ${letter} is ${before} and ${dim}.`)
      sizes.set(letter, joined!)
    })
  })
  return sizes
}

/** Sums of products of elements, by the names of axes: `bij,bjk->bik`. ONNX Einsum-12. */
export const Einsum = defineOp({
  type: 'Einsum',
  since: 12,
  attributes: { equation: { kind: 'string' } },
  infer: (context) => {
    const inputs = context.inputs.map((_, i) => context.input(i))
    const dtype = sameDType(
      context,
      inputs.map((_, i) => i),
    )
    const equation = parse(
      context.attributes.equation as string,
      inputs.map((t) => t.rank),
    )
    const sizes = letterSizes(inputs, equation, context.fail)
    return [{ dtype, shape: [...equation.output].map((letter) => sizes.get(letter)!) }]
  },
  // The gradient of an operand is the same sum with output and operand exchanged.
  grad: ({ dy, node, needs }) => {
    const inputs = node.inputs as readonly Tensor[]
    const equation = parse(
      node.attribute<string>('equation'),
      inputs.map((t) => t.rank),
    )
    return inputs.map((_, i) => (needs(i) ? operandGradient(dy, inputs, equation, i) : null))
  },
})

function operandGradient(dy: Tensor, inputs: readonly Tensor[], { operands, output }: Equation, i: number): Tensor {
  const letters = operands[i]!
  if (new Set(letters).size !== letters.length)
    throw new AttributeError(`Einsum: the gradient of a diagonal ("${letters}") is not defined here.`)
  const others = operands.filter((_, j) => j !== i)
  const tensors = inputs.filter((_, j) => j !== i)
  const available = [...letters].filter(
    (letter) => output.includes(letter) || others.some((term) => term.includes(letter)),
  )
  const product = einsum(
    `${latin([output, ...others]).join(',')}->${latin([available.join('')], [output, ...others]).join('')}`,
    [dy, ...tensors],
  )
  // An axis that was summed on its own gets the same gradient everywhere.
  const missing = [...letters].flatMap((letter, axis) => (available.includes(letter) ? [] : [axis]))
  const x = inputs[i]!
  if (missing.length === 0) return unbroadcast(product, x)
  const aligned = unsqueeze(product, missing)
  return unbroadcast(
    expand(
      aligned,
      aligned.shape.map((dim, axis) => (missing.includes(axis) ? x.shape[axis]! : dim)),
      [x],
    ),
    x,
  )
}

// Spells an equation with letters that ONNX knows; `like` are the terms that decide who gets which.
function latin(terms: readonly string[], like: readonly string[] = terms): string[] {
  const used = [...new Set(like.join(''))]
  const free = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'].filter((letter) => !used.includes(letter))
  const names = new Map(used.map((letter) => [letter, DOTS.includes(letter) ? free.shift()! : letter]))
  return terms.map((term) => [...term].map((letter) => names.get(letter)!).join(''))
}

/**
 * Sums of products by the names of axes.
 *
 * @param equation - Such as `bij,bjk->bik`; axes left out of the result are summed. `...` stands for any axes.
 * @throws AttributeError if the equation does not fit the operands.
 */
export const einsum = (equation: string, operands: readonly Tensor[]): Tensor => apply1(Einsum, operands, { equation })
