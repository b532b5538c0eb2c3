import { addDims, broadcastShapes, type Dim, floorDivideDims, multiplyDims, subtractDims } from '../dim.js'
import { allocate, isFloat, type TensorData } from '../dtype.js'
import { apply1, defineOp, type GradientContext, type InferContext, type OpDefinition, sameDType } from '../op.js'
import type { OutputSpec, Tensor } from '../tensor.js'
import { cast } from './cast.js'
import { equal, greater, less } from './comparison.js'
import { log } from './exponential.js'
import { constant, isConstant, lift } from './leaves.js'
import { sign } from './rounding.js'
import { unbroadcast } from './unbroadcast.js'
import { where } from './where.js'

/** A tensor, or a number that becomes a scalar of the other operand's dtype. */
export type Operand = Tensor | number

type KnownRule = (a: Dim, b: Dim) => Dim | undefined

function inferBroadcast(known?: KnownRule) {
  return (context: InferContext): readonly OutputSpec[] => {
    const a = context.input(0)
    const b = context.input(1)
    const dtype = sameDType(context, [0, 1])
    const shape = broadcastShapes([a.shape, b.shape], context.op.type)
    return [{ dtype, shape, known: known && broadcastKnown(a, b, known) }]
  }
}

function broadcastKnown(a: Tensor, b: Tensor, rule: KnownRule): readonly Dim[] | undefined {
  if (!a.known || !b.known || a.rank > 1 || b.rank > 1) return undefined
  const length = a.known.length === 1 ? b.known.length : a.known.length
  const result: Dim[] = []
  for (let i = 0; i < length; i++) {
    const dim = rule(a.known[a.known.length === 1 ? 0 : i]!, b.known[b.known.length === 1 ? 0 : i]!)
    if (dim === undefined) return undefined
    result.push(dim)
  }
  return result
}

/** Element-wise host evaluation of small tensors with broadcasting, in double precision or bigint. */
function evaluateBinary(onNumbers: (a: number, b: number) => number, onBigInts: (a: bigint, b: bigint) => bigint) {
  return (inputs: readonly (TensorData | null)[]): readonly TensorData[] => {
    const [a, b] = inputs as readonly [TensorData, TensorData]
    const shape = broadcastShapes([a.shape, b.shape], 'constant folding') as readonly number[]
    const size = shape.reduce((n, d) => n * d, 1)
    const data = allocate(a.dtype, size)
    const big = a.dtype === 'int64' || a.dtype === 'uint64'
    for (let i = 0; i < size; i++) {
      const x = a.data[broadcastIndex(i, shape, a.shape)]!
      const y = b.data[broadcastIndex(i, shape, b.shape)]!
      ;(data as unknown as (number | bigint)[])[i] = big
        ? onBigInts(x as bigint, y as bigint)
        : onNumbers(x as number, y as number)
    }
    return [{ dtype: a.dtype, shape, data }]
  }
}

/** Place in a tensor of shape `source` that broadcasting puts at place `flat` of `shape`. */
export function broadcastIndex(flat: number, shape: readonly number[], source: readonly number[]): number {
  let index = 0
  let stride = 1
  for (let axis = shape.length - 1, s = source.length - 1; s >= 0; axis--, s--) {
    const position = flat % shape[axis]!
    flat = Math.floor(flat / shape[axis]!)
    if (source[s] !== 1) index += position * stride
    stride *= source[s]!
  }
  return index
}

function binary(
  type: string,
  grad: (context: GradientContext & { a: Tensor; b: Tensor }) => readonly [Tensor | null, Tensor | null],
  options: { known?: KnownRule; numbers: (a: number, b: number) => number; bigints: (a: bigint, b: bigint) => bigint },
): OpDefinition {
  return defineOp({
    type,
    since: 14,
    infer: inferBroadcast(options.known),
    evaluate: evaluateBinary(options.numbers, options.bigints),
    grad: (context) => {
      const [a, b] = context.inputs as readonly [Tensor, Tensor]
      const [da, db] = grad({ ...context, a, b, dy: context.dy })
      return [da && context.needs(0) ? unbroadcast(da, a) : null, db && context.needs(1) ? unbroadcast(db, b) : null]
    },
  })
}

/** a + b with broadcasting. ONNX Add-14. */
export const Add = binary('Add', ({ dy }) => [dy, dy], {
  known: addDims,
  numbers: (a, b) => a + b,
  bigints: (a, b) => a + b,
})

/** a - b with broadcasting. ONNX Sub-14. */
export const Sub = binary('Sub', ({ dy, needs }) => [dy, needs(1) ? neg(dy) : null], {
  known: subtractDims,
  numbers: (a, b) => a - b,
  bigints: (a, b) => a - b,
})

/** a * b with broadcasting. ONNX Mul-14. */
export const Mul = binary(
  'Mul',
  ({ dy, a, b, needs }) => [needs(0) ? mul(dy, b) : null, needs(1) ? mul(dy, a) : null],
  {
    known: multiplyDims,
    numbers: (a, b) => a * b,
    bigints: (a, b) => a * b,
  },
)

/** a / b with broadcasting; integers truncate towards zero. ONNX Div-14. */
export const Div = binary(
  'Div',
  // d(a/b) = dy/b, -dy * (a/b) / b
  ({ dy, b, y, needs }) => [needs(0) ? div(dy, b) : null, needs(1) ? neg(div(mul(dy, y), b)) : null],
  {
    known: (a, b) =>
      typeof a === 'number' && typeof b === 'number' ? Math.trunc(a / b) : b === 0 ? undefined : floorDivideDims(a, b),
    numbers: (a, b) => a / b,
    bigints: (a, b) => a / b,
  },
)

function inferUnary(context: InferContext): readonly OutputSpec[] {
  const x = context.input(0)
  return [{ dtype: x.dtype, shape: x.shape }]
}

/** -x. ONNX Neg-13. */
export const Neg = defineOp({
  type: 'Neg',
  since: 13,
  infer: (context) => {
    const x = context.input(0)
    return [{ dtype: x.dtype, shape: x.shape, known: x.known?.map((d) => multiplyDims(-1, d)) }]
  },
  evaluate: ([x]) => [{ ...x!, data: (x!.data as Float32Array).map((v) => -v) }],
  grad: ({ dy }) => [neg(dy)],
})

/** 1 / x. ONNX Reciprocal-13. */
export const Reciprocal = defineOp({
  type: 'Reciprocal',
  since: 13,
  infer: inferUnary,
  // d(1/x) = -y²
  grad: ({ dy, y }) => [neg(mul(dy, mul(y, y)))],
})

/** |x|; its subgradient at 0 is 0, as PyTorch's. ONNX Abs-13. */
export const Abs = defineOp({
  type: 'Abs',
  since: 13,
  infer: inferUnary,
  grad: ({ dy, x }) => [mul(dy, sign(x))],
})

/** a to the power b, with broadcasting; the result has a's dtype. ONNX Pow-15. */
export const Pow = defineOp({
  type: 'Pow',
  since: 15,
  infer: (context) => {
    const [a, b] = [context.input(0), context.input(1)]
    return [{ dtype: a.dtype, shape: broadcastShapes([a.shape, b.shape], 'Pow') }]
  },
  grad: ({ dy, y, inputs, needs }) => {
    const [a, b] = inputs as readonly [Tensor, Tensor]
    const exponent = b.dtype === a.dtype ? b : cast(b, a.dtype)
    const da = () => {
      if (isConstant(b, 2)) return mul(dy, mul(a, 2))
      if (isConstant(b, 1)) return dy
      // b = 0 gives 0 even where a = 0, so that 0 * inf never appears.
      const slope = mul(exponent, pow(a, sub(exponent, 1)))
      const safe = b.constant ? slope : where(equal(exponent, 0), 0, slope)
      return mul(dy, safe)
    }
    // d/db = y ln a; 0 where a = 0, as PyTorch's.
    const db = () => mul(dy, where(equal(a, 0), 0, mul(y, log(where(equal(a, 0), 1, a)))))
    return [needs(0) ? unbroadcast(da(), a) : null, needs(1) && isFloat(b.dtype) ? unbroadcast(db(), b) : null]
  },
})

const evaluateRemainder = evaluateBinary(
  (a, b) => a % b,
  (a, b) => a % b,
)
const evaluateModulo = evaluateBinary(
  (a, b) => a - Math.floor(a / b) * b,
  (a, b) => ((a % b) + b) % b,
)

/** Remainder; `fmod` 1 takes the sign of the dividend (C fmod), 0 that of the divisor (integers only). ONNX Mod-13. */
export const Mod = defineOp({
  type: 'Mod',
  since: 13,
  attributes: { fmod: { kind: 'int', default: 0 } },
  infer: inferBroadcast(),
  evaluate: (inputs, node) => (node.attributes.fmod ? evaluateRemainder : evaluateModulo)(inputs),
  grad: ({ dy, inputs, needs }) => {
    const [a, b] = inputs as readonly [Tensor, Tensor]
    const quotient = () => cast(cast(div(a, b), 'int64'), a.dtype)
    return [needs(0) ? unbroadcast(dy, a) : null, needs(1) ? unbroadcast(neg(mul(dy, quotient())), b) : null]
  },
})

function inferVariadic(context: InferContext): readonly OutputSpec[] {
  const indices = context.inputs.map((_, i) => i)
  if (indices.length === 0) context.fail('expected at least one input.')
  const dtype = sameDType(context, indices)
  return [
    {
      dtype,
      shape: broadcastShapes(
        context.inputs.map((t) => t!.shape),
        context.op.type,
      ),
    },
  ]
}

// Where both operands are equal the gradient is shared equally, as PyTorch's maximum and minimum do.
function gradExtremum(wins: (a: Tensor, b: Tensor) => Tensor, op: OpDefinition) {
  return ({ dy, inputs }: GradientContext): readonly (Tensor | null)[] => {
    if (inputs.length === 1) return [dy]
    if (inputs.length === 2) {
      const [a, b] = inputs as readonly [Tensor, Tensor]
      const half = mul(cast(equal(a, b), dy.dtype), 0.5)
      return [
        unbroadcast(mul(dy, add(cast(wins(a, b), dy.dtype), half)), a),
        unbroadcast(mul(dy, add(cast(wins(b, a), dy.dtype), half)), b),
      ]
    }
    // Fold from the left so that the two-operand rule applies.
    const partial: Tensor[] = [inputs[0]!]
    for (const operand of inputs.slice(1)) partial.push(apply1(op, [partial.at(-1)!, operand]))
    const gradients: Tensor[] = new Array(inputs.length)
    let flow = dy
    for (let i = inputs.length - 1; i > 0; i--) {
      const [a, b] = [partial[i - 1]!, inputs[i]!]
      const half = mul(cast(equal(a, b), dy.dtype), 0.5)
      gradients[i] = unbroadcast(mul(flow, add(cast(wins(b, a), dy.dtype), half)), b)
      flow = unbroadcast(mul(flow, add(cast(wins(a, b), dy.dtype), half)), a)
    }
    gradients[0] = flow
    return gradients
  }
}

// Two at a time.
function evaluateExtremum(onNumbers: (a: number, b: number) => number, wins: (a: bigint, b: bigint) => boolean) {
  const two = evaluateBinary(onNumbers, (a, b) => (wins(a, b) ? a : b))
  return (inputs: readonly (TensorData | null)[]): readonly TensorData[] => [
    (inputs as readonly TensorData[]).reduce((a, b) => two([a, b])[0]!),
  ]
}

/** Element-wise maximum of any number of tensors, with broadcasting. ONNX Max-13. */
export const Max: OpDefinition = defineOp({
  type: 'Max',
  since: 13,
  infer: inferVariadic,
  evaluate: evaluateExtremum(Math.max, (a, b) => a > b),
  grad: (context) => gradExtremum(greater, Max)(context),
})

/** Element-wise minimum of any number of tensors, with broadcasting. ONNX Min-13. */
export const Min: OpDefinition = defineOp({
  type: 'Min',
  since: 13,
  infer: inferVariadic,
  evaluate: evaluateExtremum(Math.min, (a, b) => a < b),
  grad: (context) => gradExtremum(less, Min)(context),
})

/** Sum of any number of tensors, with broadcasting. ONNX Sum-13. */
export const Sum = defineOp({
  type: 'Sum',
  since: 13,
  infer: inferVariadic,
  grad: ({ dy, inputs }) => inputs.map((x) => unbroadcast(dy, x!)),
})

/** Element-wise mean of any number of tensors, with broadcasting. ONNX Mean-13. */
export const Mean = defineOp({
  type: 'Mean',
  since: 13,
  infer: inferVariadic,
  grad: ({ dy, inputs }) => inputs.map((x) => unbroadcast(div(dy, inputs.length), x!)),
})

// Numbers become scalars of the tensor operand's dtype.
function operands(a: Operand, b: Operand): readonly [Tensor, Tensor] {
  if (typeof a === 'number') return typeof b === 'number' ? [constant(a), constant(b)] : [lift(a, b.dtype), b]
  return [a, lift(b, a.dtype)]
}

/** a + b, with broadcasting. */
export const add = (a: Operand, b: Operand): Tensor => apply1(Add, operands(a, b))
/** a - b, with broadcasting. */
export const sub = (a: Operand, b: Operand): Tensor => apply1(Sub, operands(a, b))
/** a * b, with broadcasting. */
export const mul = (a: Operand, b: Operand): Tensor => apply1(Mul, operands(a, b))
/** a / b, with broadcasting; integers truncate towards zero. */
export const div = (a: Operand, b: Operand): Tensor => apply1(Div, operands(a, b))
/** a to the power b, with broadcasting. */
export const pow = (a: Operand, b: Operand): Tensor => apply1(Pow, operands(a, b))
/** Remainder of a / b: the divisor's sign for integers, C fmod for floats. */
export const mod = (a: Operand, b: Operand): Tensor => {
  const [x, y] = operands(a, b)
  return apply1(Mod, [x, y], { fmod: isFloat(x.dtype) ? 1 : 0 })
}
/** Element-wise maximum. */
export const maximum = (a: Operand, b: Operand): Tensor => apply1(Max, operands(a, b))
/** Element-wise minimum. */
export const minimum = (a: Operand, b: Operand): Tensor => apply1(Min, operands(a, b))
/** Sum of several tensors in one pass. */
export const sum = (tensors: readonly Tensor[]): Tensor => (tensors.length === 1 ? tensors[0]! : apply1(Sum, tensors))
/** Mean of several tensors. */
export const mean = (tensors: readonly Tensor[]): Tensor => (tensors.length === 1 ? tensors[0]! : apply1(Mean, tensors))
/** -x */
export const neg = (x: Tensor): Tensor => apply1(Neg, [x])
/** 1 / x */
export const reciprocal = (x: Tensor): Tensor => apply1(Reciprocal, [x])
/** |x| */
export const abs = (x: Tensor): Tensor => apply1(Abs, [x])
/** x² */
export const square = (x: Tensor): Tensor => mul(x, x)
