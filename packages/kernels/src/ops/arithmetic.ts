import { type ElementType, requireElementType } from '../elementType.js'
import { weightOf } from '../expression.js'
import { type EmitContext, elementwise, type OpKernel } from '../opKernel.js'
import { broadcast, map, numberOf, type Value } from '../value.js'

const binary = (operator: string): OpKernel => elementwise(([a, b]) => `${a} ${operator} ${b}`)
const unary = (emit: (x: string, context: EmitContext) => string): OpKernel =>
  elementwise(([x], context) => emit(x!, context))

/** a + b */
export const Add = binary('+')
/** a - b */
export const Sub = binary('-')
/** a * b */
export const Mul = binary('*')
/** a / b; integers truncate towards zero, and x / 0 is x there. */
export const Div = binary('/')
/** -x */
export const Neg = unary((x) => `-${x}`)
/** 1 / x */
export const Reciprocal = unary((x) => `1.0 / ${x}`)
/** |x| */
export const Abs = unary((x) => `abs(${x})`)
/** a to the power b; b may be of another type. */
export const Pow = elementwise(([a, b], { element }) =>
  element === 'f32' ? `power(${a}, f32(${b}))` : `${element}(power_integer(i32(${a}), i32(${b})))`,
)
/** Remainder: C's fmod with `fmod` 1, else the divisor's sign. */
export const Mod = elementwise(([a, b], context) => {
  if (context.element === 'f32') return `fmod(${a}, ${b})`
  return context.element === 'u32' || context.attribute<number>('fmod') ? `${a} % ${b}` : `modulo(${a}, ${b})`
})

// Operations of one kernel.
const LONGEST = 128

// Two at a time, so that long lists can be split over kernels.
const variadic =
  (join: (a: string, b: string, element: ElementType) => string): OpKernel =>
  (op) => {
    const { dtype } = op.node.outputs[0]!
    const element = requireElementType(dtype)
    const values = op.node.inputs.map((_, i) => broadcast(op.value(i), op.outputShape()))
    // The sum of the squares of all gradients has hundreds of operands.
    const part = (value: Value) => (weightOf(value.expression) < LONGEST ? value : op.planner.materialize(value))
    return [values.reduce((a, b) => part(map(dtype, a.shape, [a, b], ([x, y]) => join(x!, y!, element))))]
  }
const extremum = (name: 'max' | 'min'): OpKernel =>
  variadic((a, b, element) => `${element === 'f32' ? `${name}_nan` : name}(${a}, ${b})`)

/** Largest of any number of tensors; NaN wins. */
export const Max = extremum('max')
/** Smallest of any number of tensors; NaN wins. */
export const Min = extremum('min')
/** Sum of any number of tensors. */
export const Sum = variadic((a, b) => `${a} + ${b}`)
/** Mean of any number of tensors. */
export const Mean: OpKernel = (op) => {
  const [sum] = Sum(op)
  const count = numberOf(op.node.inputs.length)
  return [map(sum!.dtype, sum!.shape, [sum!, count], ([x, n]) => `${x} / ${n}`)]
}
