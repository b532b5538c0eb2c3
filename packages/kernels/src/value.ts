import { type DType, sizeOf } from '@nemo/graph'
import { requireElementType } from './elementType.js'
import {
  apply,
  denseStrides,
  type Expression,
  isDense,
  type Load,
  loadsOf,
  mapLeaves,
  remap,
  scalar,
  visit,
} from './expression.js'
import type { Storage } from './storage.js'

/** A tensor while a plan is made: what its elements are, computed or not. */
export interface Value {
  readonly dtype: DType
  readonly shape: readonly number[]
  readonly expression: Expression
}

/** A value that lies in a buffer, in any order. */
export interface LoadValue extends Value {
  readonly expression: Load
}

/** A value that lies in a buffer of its own in C order, from offset 0 on. */
export type DenseValue = LoadValue

/** The contents of a buffer in C order. */
export function loadValue(dtype: DType, shape: readonly number[], storage: Storage): DenseValue {
  const element = requireElementType(dtype)
  return { dtype, shape, expression: { kind: 'load', element, storage, offset: 0, strides: denseStrides(shape) } }
}

/** Element-wise function of values, which broadcast to `shape`. */
export function map(
  dtype: DType,
  shape: readonly number[],
  args: readonly Value[],
  emit: (args: readonly string[]) => string,
): Value {
  const expressions = args.map((arg) => broadcast(arg, shape).expression)
  return { dtype, shape, expression: apply(requireElementType(dtype), expressions, emit) }
}

/** A value over a larger shape, by ONNX's rules. */
export function broadcast(value: Value, shape: readonly number[]): Value {
  if (value.shape.length === shape.length && value.shape.every((size, axis) => size === shape[axis])) return value
  const lead = shape.length - value.shape.length
  const axes = shape.map((size, axis) =>
    axis < lead || (value.shape[axis - lead] === 1 && size !== 1) ? undefined : axis - lead,
  )
  return { ...value, shape, expression: remap(value.expression, axes) }
}

/** Axis i of the result is axis `perm[i]`. */
export const permute = (value: Value, perm: readonly number[]): Value => ({
  ...value,
  shape: perm.map((axis) => value.shape[axis]!),
  expression: remap(value.expression, perm),
})

/** Every `steps[a]`-th of `sizes[a]` elements from `starts[a]` on, along each axis. */
export const box = (
  value: Value,
  starts: readonly number[],
  sizes: readonly number[],
  steps: readonly number[],
): Value => ({
  ...value,
  shape: sizes,
  expression: remap(
    value.expression,
    sizes.map((_, axis) => axis),
    starts,
    steps,
  ),
})

/**
 * The same elements under another shape, if that needs no copy: axes of size 1 come and go, and what lies in C order can be
 * cut anywhere.
 */
export function reshaped(value: Value, shape: readonly number[]): Value | undefined {
  const from = value.shape.flatMap((size, axis) => (size === 1 ? [] : [axis]))
  const to = shape.flatMap((size, axis) => (size === 1 ? [] : [axis]))
  if (from.length === to.length && from.every((axis, i) => value.shape[axis] === shape[to[i]!])) {
    const axes = shape.map((_, axis): number | undefined => from[to.indexOf(axis)])
    return { ...value, shape, expression: remap(value.expression, axes) }
  }
  let usesCoordinates = false
  visit(value.expression, (node) => {
    if (node.kind === 'coordinate') usesCoordinates = true
  })
  if (usesCoordinates || !loadsOf(value.expression).every((load) => isDense(load, value.shape))) return undefined
  const strides = denseStrides(shape)
  const expression = mapLeaves(value.expression, {
    load: (load) => ({ ...load, strides }),
    coordinate: (coordinate) => coordinate,
  })
  return { ...value, shape, expression }
}

/** Number of elements. */
export const countOf = (value: Value): number => sizeOf(value.shape)

/** A scalar, passed as a uniform. */
export function numberOf(number: number, dtype: DType = 'float32'): Value {
  return { dtype, shape: [], expression: scalar(number, requireElementType(dtype)) }
}
