import { broadcastShapes } from '../dim.js'
import { allocate, sizeOf, type TensorData } from '../dtype.js'
import { apply1, defineOp, type OpDefinition, sameDType, stopsGradient } from '../op.js'
import type { Tensor } from '../tensor.js'
import { broadcastIndex } from './arithmetic.js'
import { lift } from './leaves.js'

type Scalar = number | bigint

// Small tensors are compared on the host, for shape arithmetic and constant folding.
function evaluatePairs(test: (a: Scalar, b: Scalar) => boolean) {
  return (inputs: readonly (TensorData | null)[]): readonly TensorData[] => {
    const [a, b] = inputs as readonly [TensorData, TensorData]
    const shape = broadcastShapes([a.shape, b.shape], 'constant folding') as readonly number[]
    const data = allocate('bool', sizeOf(shape))
    for (let i = 0; i < data.length; i++) {
      const [x, y] = [a.data[broadcastIndex(i, shape, a.shape)]!, b.data[broadcastIndex(i, shape, b.shape)]!]
      data[i] = Number(test(x, y))
    }
    return [{ dtype: 'bool', shape, data } satisfies TensorData<'bool'>]
  }
}

function comparison(type: string, since: number, test: (a: Scalar, b: Scalar) => boolean): OpDefinition {
  return defineOp({
    type,
    since,
    evaluate: evaluatePairs(test),
    infer: (context) => {
      sameDType(context, [0, 1])
      return [{ dtype: 'bool', shape: broadcastShapes([context.input(0).shape, context.input(1).shape], type) }]
    },
    grad: stopsGradient('the output is boolean'),
  })
}

/** a == b. ONNX Equal-13. */
export const Equal = comparison('Equal', 13, (a, b) => a === b)
/** a > b. ONNX Greater-13. */
export const Greater = comparison('Greater', 13, (a, b) => a > b)
/** a >= b. ONNX GreaterOrEqual-16. */
export const GreaterOrEqual = comparison('GreaterOrEqual', 16, (a, b) => a >= b)
/** a < b. ONNX Less-13. */
export const Less = comparison('Less', 13, (a, b) => a < b)
/** a <= b. ONNX LessOrEqual-16. */
export const LessOrEqual = comparison('LessOrEqual', 16, (a, b) => a <= b)

function logical(type: string, test: (a: Scalar, b: Scalar) => boolean): OpDefinition {
  return defineOp({
    type,
    since: 7,
    evaluate: evaluatePairs(test),
    infer: (context) => {
      if (sameDType(context, [0, 1]) !== 'bool') context.fail('expected boolean inputs.')
      return [{ dtype: 'bool', shape: broadcastShapes([context.input(0).shape, context.input(1).shape], type) }]
    },
    grad: stopsGradient('the output is boolean'),
  })
}

/** a and b. ONNX And-7. */
export const And = logical('And', (a, b) => a !== 0 && b !== 0)
/** a or b. ONNX Or-7. */
export const Or = logical('Or', (a, b) => a !== 0 || b !== 0)
/** Exactly one of a and b. ONNX Xor-7. */
export const Xor = logical('Xor', (a, b) => (a !== 0) !== (b !== 0))

/** Negation of booleans. ONNX Not-1. */
export const Not = defineOp({
  type: 'Not',
  since: 1,
  infer: (context) => {
    const x = context.input(0)
    if (x.dtype !== 'bool') context.fail('expected a boolean input.')
    return [{ dtype: 'bool', shape: x.shape }]
  },
  evaluate: ([x]) => {
    const data = allocate('bool', x!.data.length)
    for (let i = 0; i < data.length; i++) data[i] = x!.data[i] ? 0 : 1
    return [{ dtype: 'bool', shape: x!.shape, data } satisfies TensorData<'bool'>]
  },
  grad: stopsGradient('the output is boolean'),
})

function floatTest(type: string, since: number, attributes: OpDefinition['attributes'] = {}): OpDefinition {
  return defineOp({
    type,
    since,
    attributes,
    infer: (context) => [{ dtype: 'bool', shape: context.input(0).shape }],
    grad: stopsGradient('the output is boolean'),
  })
}

/** Whether x is not a number. ONNX IsNaN-13. */
export const IsNaN = floatTest('IsNaN', 13)
/** Whether x is infinite. ONNX IsInf-10. */
export const IsInf = floatTest('IsInf', 10, {
  detect_negative: { kind: 'int', default: 1 },
  detect_positive: { kind: 'int', default: 1 },
})

/** a == b; a number takes the tensor's dtype. */
export const equal = (a: Tensor, b: Tensor | number): Tensor => apply1(Equal, [a, lift(b, a.dtype)])
/** a > b */
export const greater = (a: Tensor, b: Tensor | number): Tensor => apply1(Greater, [a, lift(b, a.dtype)])
/** a >= b */
export const greaterOrEqual = (a: Tensor, b: Tensor | number): Tensor => apply1(GreaterOrEqual, [a, lift(b, a.dtype)])
/** a < b */
export const less = (a: Tensor, b: Tensor | number): Tensor => apply1(Less, [a, lift(b, a.dtype)])
/** a <= b */
export const lessOrEqual = (a: Tensor, b: Tensor | number): Tensor => apply1(LessOrEqual, [a, lift(b, a.dtype)])
/** a and b */
export const logicalAnd = (a: Tensor, b: Tensor): Tensor => apply1(And, [a, b])
/** a or b */
export const logicalOr = (a: Tensor, b: Tensor): Tensor => apply1(Or, [a, b])
/** exactly one of a and b */
export const logicalXor = (a: Tensor, b: Tensor): Tensor => apply1(Xor, [a, b])
/** not x */
export const logicalNot = (x: Tensor): Tensor => apply1(Not, [x])
/** x is not a number */
export const isNan = (x: Tensor): Tensor => apply1(IsNaN, [x])
/** x is infinite */
export const isInf = (x: Tensor): Tensor => apply1(IsInf, [x])
