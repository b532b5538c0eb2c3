import { sizeOf } from '@nemo/graph'
import { KernelBuilder, spread } from '../kernelBuilder.js'
import type { OpKernel } from '../opKernel.js'
import type { OpContext, Planner } from '../planner.js'
import type { Fold } from '../reductionKernel.js'
import { broadcast, map, numberOf, permute, reshaped, type Value } from '../value.js'

const INFINITY = 0x7f800000
const NEGATIVE_INFINITY = 0xff800000
const ONE = 0x3f800000

const isFloatValue = (value: Value): boolean => value.dtype === 'float32'

/** Sum. */
export const sumFold: Fold = { start: 0, combine: (a, b) => `${a} + ${b}` }
const prodFold = (value: Value): Fold => ({
  start: isFloatValue(value) ? ONE : 1,
  combine: (a, b) => `${a} * ${b}`,
})
/** Largest element; NaN wins. */
export const maxFold = (value: Value): Fold =>
  isFloatValue(value)
    ? { start: NEGATIVE_INFINITY, combine: (a, b) => `max_nan(${a}, ${b})` }
    : {
        start: value.dtype === 'uint32' || value.dtype === 'bool' ? 0 : 0x80000000,
        combine: (a, b) => `max(${a}, ${b})`,
      }
const minFold = (value: Value): Fold =>
  isFloatValue(value)
    ? { start: INFINITY, combine: (a, b) => `min_nan(${a}, ${b})` }
    : {
        start: value.dtype === 'uint32' || value.dtype === 'bool' ? 0xffffffff : 0x7fffffff,
        combine: (a, b) => `min(${a}, ${b})`,
      }

// A fold longer than this is cut into parts when there are few results to keep the device busy.
const PART = 8192
const FEW_RESULTS = 64

/**
 * Folds axes of a value; they stay as size 1. The value may be an expression, which is evaluated on the way. Few and very
 * long folds are done in two passes.
 */
export function reduce(planner: Planner, source: Value, axes: readonly number[], fold: Fold): Value {
  const value = planner.fit(source)
  const kept = value.shape.flatMap((_, axis) => (axes.includes(axis) ? [] : [axis]))
  const resultShape = value.shape.map((size, axis) => (axes.includes(axis) ? 1 : size))
  const results = sizeOf(resultShape)
  const length = sizeOf(axes.map((axis) => value.shape[axis]!))
  if (length === 1) return { ...value, shape: resultShape }
  const ordered = permute(value, [...kept, ...axes])
  if (length > PART && results <= FEW_RESULTS) {
    const parts = partsOf(length)
    const flat = parts > 1 ? reshaped(ordered, [results, parts, length / parts]) : undefined
    if (flat) return reshaped(reduce(planner, reduce(planner, flat, [2], fold), [1], fold), resultShape)!
  }
  return planner.reduce(ordered, kept.length, resultShape, fold)
}

// The largest number of equal parts up to the square root's neighbourhood that divides the length.
function partsOf(length: number): number {
  for (let parts = Math.min(1024, Math.ceil(length / PART) * 4); parts > 1; parts--)
    if (length % parts === 0) return parts
  return 1
}

/** Mean over axes, kept as size 1. */
export function mean(planner: Planner, value: Value, axes: readonly number[]): Value {
  return scaled(reduce(planner, value, axes, sumFold), 1 / sizeOf(axes.map((axis) => value.shape[axis]!)))
}

/** x times a number, which is passed as a uniform. */
export function scaled(value: Value, factor: number): Value {
  return map(value.dtype, value.shape, [value, numberOf(factor)], ([x, f]) => `${x} * ${f}`)
}

function axesOf(op: OpContext): number[] {
  const rank = op.shape(0).length
  const given = op.numbers(1)
  if (given && given.length > 0) return given.map((axis) => op.axis(axis)).sort((a, b) => a - b)
  return op.attribute<number>('noop_with_empty_axes') ? [] : Array.from({ length: rank }, (_, i) => i)
}

function reduction(
  fold: (value: Value) => Fold,
  before: (x: string) => string = (x) => x,
  after?: (y: string, count: string) => string,
): OpKernel {
  return (op) => {
    const x = op.value(0)
    const axes = axesOf(op)
    const prepared = before('x') === 'x' ? x : map(x.dtype, x.shape, [x], ([value]) => before(value!))
    let y = reduce(op.planner, prepared, axes, fold(x))
    if (after) {
      const count = numberOf(sizeOf(axes.map((axis) => x.shape[axis]!)))
      const counted = isFloatValue(x) ? count : map(x.dtype, [], [count], ([n]) => `${y.expression.element}(${n})`)
      y = map(x.dtype, y.shape, [y, counted], ([value, n]) => after(value!, n!))
    }
    return [reshapedOrMoved(op.planner, y, op.outputShape())]
  }
}

/** The same elements under another shape; copied only if there is no other way. */
export function reshapedOrMoved(planner: Planner, value: Value, shape: readonly number[]): Value {
  return reshaped(value, shape) ?? reshaped(planner.dense(value), shape)!
}

const sum = (): Fold => sumFold

/** Sum over axes. */
export const ReduceSum = reduction(sum)
/** Mean over axes; integers truncate. */
export const ReduceMean = reduction(sum, undefined, (y, n) => `${y} / ${n}`)
/** Largest element over axes. */
export const ReduceMax = reduction(maxFold)
/** Smallest element over axes. */
export const ReduceMin = reduction(minFold)
/** Product over axes. */
export const ReduceProd = reduction(prodFold)
/** Sum of squares over axes. */
export const ReduceSumSquare = reduction(sum, (x) => `${x} * ${x}`)
/** Sum of absolute values over axes. */
export const ReduceL1 = reduction(sum, (x) => `abs(${x})`)
/** Euclidean norm over axes. */
export const ReduceL2 = reduction(
  sum,
  (x) => `${x} * ${x}`,
  (y) => `sqrt(${y})`,
)
/** ln of the sum over axes. */
export const ReduceLogSum = reduction(sum, undefined, (y) => `log(${y})`)

/** ln of the sum of exponentials, with the largest taken out first; it stays out where it is infinite. */
export const ReduceLogSumExp: OpKernel = (op) => {
  const x = op.value(0)
  const axes = axesOf(op)
  const planner = op.planner
  const stored = planner.load(x)
  const peak = planner.dense(
    map(
      x.dtype,
      x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size)),
      [reduce(planner, stored, axes, maxFold(x))],
      ([m]) => `select(${m}, 0.0, is_inf(${m}))`,
    ),
  )
  const shifted = map(x.dtype, x.shape, [stored, broadcast(peak, x.shape)], ([v, m]) => `exp(${v} - ${m})`)
  const total = reduce(planner, shifted, axes, sumFold)
  const y = map(x.dtype, peak.shape, [total, peak], ([s, m]) => `log(${s}) + ${m}`)
  return [reshapedOrMoved(planner, y, op.outputShape())]
}

// One thread per result walks the axis; NaN is taken for the extreme, as NumPy does.
function arg(better: '>' | '<'): OpKernel {
  return (op) => {
    const x = op.value(0)
    const axis = op.axis(op.attribute<number>('axis'))
    const last = op.attribute<number>('select_last_index') !== 0
    const kept = x.shape.flatMap((_, i) => (i === axis ? [] : [i]))
    const ordered = permute(x, [...kept, axis])
    const target = op.allocateOutput()
    const kernel = new KernelBuilder(op.node.op.type)
    const result = kernel.write(target.expression.storage, 'i32')
    const results = sizeOf(target.shape)
    const count = kernel.integer(results)
    const outer = kernel.coordinates('index', kernel.sizes(ordered.shape.slice(0, -1)))
    const length = kernel.integer(x.shape[axis]!)
    const loaded = kernel.emit(ordered.expression, ordered.shape, [...outer.names, 'r'])
    const beats = last ? `${loaded.value} ${better}= best` : `${loaded.value} ${better} best`
    const isNan = x.expression.element === 'f32' ? `(is_nan(${loaded.value}) && !is_nan(best))` : 'false'
    op.record(
      kernel.finish({
        body: `if (index >= ${count}) { return; }
${outer.statements}var best = ${x.expression.element}(0);
var at = 0;
for (var r = 0; r < ${length}; r++) {
${loaded.statements}if (r == 0 || ${beats} || ${isNan}) { best = ${loaded.value}; at = r; }
}
${result}[index] = at;
`,
        workgroups: spread(Math.ceil(results / 64)),
      }),
    )
    return [target]
  }
}

/** Position of the largest element along an axis. */
export const ArgMax = arg('>')
/** Position of the smallest element along an axis. */
export const ArgMin = arg('<')
