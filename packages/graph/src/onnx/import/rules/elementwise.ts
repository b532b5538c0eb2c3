import { broadcastShapes, type Dim, isStatic } from '../../../dim.js'
import { isFloat, type TensorData, tensorData } from '../../../dtype.js'
import { apply1, type OpDefinition } from '../../../op.js'
import * as activation from '../../../ops/activation.js'
import * as arithmetic from '../../../ops/arithmetic.js'
import * as bitwise from '../../../ops/bitwise.js'
import { cast } from '../../../ops/cast.js'
import { Clip } from '../../../ops/clip.js'
import * as comparison from '../../../ops/comparison.js'
import { concat } from '../../../ops/concat.js'
import * as exponential from '../../../ops/exponential.js'
import { constant } from '../../../ops/leaves.js'
import * as rounding from '../../../ops/rounding.js'
import { narrow } from '../../../ops/slice.js'
import * as trigonometric from '../../../ops/trigonometric.js'
import { Where, where } from '../../../ops/where.js'
import type { Tensor } from '../../../tensor.js'
import type { ImportedNode } from '../importedNode.js'
import { direct, type ImportRule, type RuleTable, rule } from '../importRule.js'
import { castTarget } from './castTarget.js'

const unary = (op: OpDefinition, since: number): ImportRule => direct(op, since, 1)
const binary = (op: OpDefinition, since: number): ImportRule => direct(op, since, 2)
const variadic = (op: OpDefinition): ImportRule =>
  rule(1, [1, Number.POSITIVE_INFINITY], (node) => apply1(op, node.everyInput()))

// A bound of Clip that limits nothing is left out.
function attributeBound(node: ImportedNode, name: 'min' | 'max'): Tensor | null {
  const value = node.float(name)
  return value === undefined || Math.abs(value) >= 3.4028234e38 ? null : constant(value, node.input(0).dtype)
}

/** Comparison of sizes: exporters ask whether a size is -1, or which of two it is. */
function equalSizes(a: Tensor, b: Tensor): Tensor | undefined {
  const pairs = pairsOf(a, b)
  const answers = pairs?.pairs.map(([x, y]) => equalDims(x, y))
  if (!pairs || !answers?.every((answer) => answer !== undefined)) return undefined
  return constant(tensorData(answers.map(Number), 'bool', pairs.shape), 'bool')
}

function equalDims(a: Dim, b: Dim): boolean | undefined {
  if (a === b) return true
  if (typeof a === 'number' && typeof b === 'number') return false
  const number = typeof a === 'number' ? a : b
  // Sizes are never negative; whether a symbol is 1 or 5 shows only at run time.
  return typeof number === 'number' && number < 0 && isSymbol(a === number ? b : a) ? false : undefined
}

const isSymbol = (dim: Dim): boolean => typeof dim === 'string' && /^\w+$/.test(dim)

function pairsOf(a: Tensor, b: Tensor): { pairs: [Dim, Dim][]; shape: readonly number[] } | undefined {
  if (!a.known || !b.known || a.rank > 1 || b.rank > 1) return undefined
  const shape = broadcastShapes([a.shape, b.shape], 'Equal')
  if (!isStatic(shape)) return undefined
  const length = shape[0] ?? 1
  const at = (known: readonly Dim[], i: number): Dim => known[known.length === 1 ? 0 : i]!
  return { pairs: Array.from({ length }, (_, i) => [at(a.known!, i), at(b.known!, i)]), shape }
}

/** A choice between sizes by a constant: keeps them known. */
function chosenSizes(condition: TensorData | undefined, a: Tensor, b: Tensor): Tensor | undefined {
  if (!condition || !a.known || !b.known || condition.shape.length > 1) return undefined
  const shape = broadcastShapes([condition.shape, a.shape, b.shape], 'Where')
  if (shape.length !== 1 || !isStatic(shape)) return undefined
  const length = shape[0]!
  const choices = Array.from({ length }, (_, i) => condition.data[condition.data.length === 1 ? 0 : i] !== 0)
  for (const [branch, taken] of [
    [a, true],
    [b, false],
  ] as const) {
    if (branch.rank === 1 && branch.shape[0] === length && choices.every((choice) => choice === taken)) return branch
  }
  const element = (t: Tensor, i: number): Tensor => {
    const known = t.known![t.known!.length === 1 ? 0 : i]!
    if (typeof known === 'number') return constant([known], 'int64')
    return narrow(t, 0, t.known!.length === 1 ? 0 : i, (t.known!.length === 1 ? 0 : i) + 1)
  }
  if ([a, b].some((branch) => branch.rank !== 1)) return undefined
  return concat(
    choices.map((choice, i) => element(choice ? a : b, i)),
    0,
  )
}

function swish(node: ImportedNode): Tensor {
  const x = node.input(0)
  const alpha = node.float('alpha', 1)
  return arithmetic.mul(x, activation.sigmoid(alpha === 1 ? x : arithmetic.mul(x, alpha)))
}

/** Ops that work element by element. */
export const elementwiseRules: RuleTable = {
  Abs: unary(arithmetic.Abs, 1),
  Acos: unary(trigonometric.Acos, 7),
  Acosh: unary(trigonometric.Acosh, 9),
  Add: binary(arithmetic.Add, 1),
  And: binary(comparison.And, 1),
  Asin: unary(trigonometric.Asin, 7),
  Asinh: unary(trigonometric.Asinh, 9),
  Atan: unary(trigonometric.Atan, 7),
  Atanh: unary(trigonometric.Atanh, 9),
  BitShift: rule(11, 2, (node) => {
    const [x, bits] = [node.input(0), node.input(1)]
    if (!x.dtype.startsWith('uint')) return node.unsupported(`shifts of ${x.dtype} are not supported.`)
    return apply1(bitwise.BitShift, [x, bits], { direction: node.choice('direction', ['LEFT', 'RIGHT'], 'RIGHT') })
  }),
  BitwiseAnd: binary(bitwise.BitwiseAnd, 18),
  BitwiseNot: rule(18, 1, (node) => {
    const x = node.input(0)
    const bits = { uint8: 8, uint16: 16, uint32: 32, uint64: 64 }[x.dtype as string]
    if (isFloat(x.dtype) || x.dtype === 'bool') return node.fail(`expected integers, found ${x}.`)
    const ones = bits === undefined ? -1n : 2n ** BigInt(bits) - 1n
    const mask =
      x.dtype === 'int64' || x.dtype === 'uint64' ? tensorData(ones, x.dtype) : tensorData(Number(ones), x.dtype)
    return apply1(bitwise.BitwiseXor, [x, constant(mask, x.dtype)])
  }),
  BitwiseOr: binary(bitwise.BitwiseOr, 18),
  BitwiseXor: binary(bitwise.BitwiseXor, 18),
  Cast: rule(1, 1, (node) => {
    const to = node.int('to') ?? node.fail('attribute to is missing.')
    // These change casts to 8-bit floats only.
    node.ignore('saturate', 'round_mode')
    return cast(node.input(0), castTarget(node, to))
  }),
  CastLike: rule(15, 2, (node) => {
    node.ignore('saturate', 'round_mode')
    return cast(node.input(0), node.input(1).dtype)
  }),
  Ceil: unary(rounding.Ceil, 1),
  Celu: unary(activation.Celu, 12),
  Clip: rule(1, [1, 3], (node) => {
    const bounds =
      node.version < 11
        ? [attributeBound(node, 'min'), attributeBound(node, 'max')]
        : [node.optional(1), node.optional(2)]
    return apply1(Clip, [node.input(0), ...bounds])
  }),
  Cos: unary(trigonometric.Cos, 7),
  Cosh: unary(trigonometric.Cosh, 9),
  Div: binary(arithmetic.Div, 1),
  Elu: unary(activation.Elu, 1),
  Equal: rule(1, 2, (node) => {
    const [a, b] = [node.input(0), node.input(1)]
    return equalSizes(a, b) ?? apply1(comparison.Equal, [a, b])
  }),
  Erf: unary(exponential.Erf, 9),
  Exp: unary(exponential.Exp, 1),
  Floor: unary(rounding.Floor, 1),
  Gelu: unary(activation.Gelu, 20),
  Greater: binary(comparison.Greater, 1),
  GreaterOrEqual: binary(comparison.GreaterOrEqual, 12),
  HardSigmoid: unary(activation.HardSigmoid, 1),
  HardSwish: unary(activation.HardSwish, 14),
  Identity: rule(1, 1, (node) => node.input(0)),
  IsInf: unary(comparison.IsInf, 10),
  IsNaN: unary(comparison.IsNaN, 9),
  LeakyRelu: unary(activation.LeakyRelu, 1),
  Less: binary(comparison.Less, 1),
  LessOrEqual: binary(comparison.LessOrEqual, 12),
  Log: unary(exponential.Log, 1),
  Max: variadic(arithmetic.Max),
  Mean: variadic(arithmetic.Mean),
  Min: variadic(arithmetic.Min),
  Mish: unary(activation.Mish, 18),
  Mod: rule(10, 2, (node) => {
    const [a, b] = [node.input(0), node.input(1)]
    const fmod = node.int('fmod', 0)
    if (fmod || !isFloat(a.dtype)) return apply1(arithmetic.Mod, [a, b], { fmod })
    // ONNX Runtime has C's remainder of floats only; where its sign is not the divisor's, one more divisor is due.
    const remainder = apply1(arithmetic.Mod, [a, b], { fmod: 1 })
    const wrong = comparison.less(arithmetic.mul(rounding.sign(remainder), rounding.sign(b)), 0)
    return where(wrong, arithmetic.add(remainder, b), remainder)
  }),
  Mul: binary(arithmetic.Mul, 1),
  Neg: unary(arithmetic.Neg, 1),
  Not: unary(comparison.Not, 1),
  Or: binary(comparison.Or, 1),
  PRelu: binary(activation.PRelu, 1),
  Pow: binary(arithmetic.Pow, 1),
  Reciprocal: unary(arithmetic.Reciprocal, 1),
  Relu: unary(activation.Relu, 1),
  Round: unary(rounding.Round, 11),
  Selu: unary(activation.Selu, 1),
  Shrink: rule(9, 1, (node) => {
    const x = node.input(0)
    const [bias, lambd] = [node.float('bias', 0), node.float('lambd', 0.5)]
    const shrunk = where(comparison.greater(x, lambd), arithmetic.sub(x, bias), constant(0, x.dtype))
    return where(comparison.less(x, -lambd), arithmetic.add(x, bias), shrunk)
  }),
  Sigmoid: unary(activation.Sigmoid, 1),
  Sign: unary(rounding.Sign, 9),
  Sin: unary(trigonometric.Sin, 7),
  Sinh: unary(trigonometric.Sinh, 9),
  Softplus: unary(activation.Softplus, 1),
  Softsign: unary(activation.Softsign, 1),
  Sqrt: unary(exponential.Sqrt, 1),
  Sub: binary(arithmetic.Sub, 1),
  Sum: variadic(arithmetic.Sum),
  SwiGLU: rule(28, 2, (node) => arithmetic.mul(swish(node), node.input(1))),
  Swish: rule(24, 1, swish),
  Tan: unary(trigonometric.Tan, 7),
  Tanh: unary(activation.Tanh, 1),
  ThresholdedRelu: unary(activation.ThresholdedRelu, 10),
  Where: rule(9, 3, (node) => {
    const [condition, a, b] = [node.input(0), node.input(1), node.input(2)]
    const sizes = a.known && b.known ? chosenSizes(node.data(0), a, b) : undefined
    return sizes ?? apply1(Where, [condition, a, b])
  }),
  Xor: binary(comparison.Xor, 1),
}
