/// <reference types="@webgpu/types" />
import { sizeOf } from '@nemo/graph'
import type { ElementType } from './elementType.js'
import { elementBytes, type Storage } from './storage.js'

/** An element of a buffer: position `offset` + the sum of coordinate times stride over the axes. */
export interface Load {
  readonly kind: 'load'
  readonly element: ElementType
  readonly storage: Storage
  readonly offset: number
  /** One per axis; 0 where the value is broadcast. */
  readonly strides: readonly number[]
}

/** One number, passed in a uniform so that other values use the same pipeline. */
export interface Scalar {
  readonly kind: 'scalar'
  readonly element: ElementType
  /** The number's 32 bits. */
  readonly bits: number
}

/** coordinate * scale + offset along an axis, an i32. */
export interface Coordinate {
  readonly kind: 'coordinate'
  readonly element: 'i32'
  readonly axis: number
  readonly scale: number
  readonly offset: number
}

/** A WGSL expression of other expressions of the same shape. */
export interface Apply {
  readonly kind: 'apply'
  readonly element: ElementType
  readonly args: readonly Expression[]
  readonly emit: (args: readonly string[]) => string
}

/** What one element of a tensor is, as a function of its coordinates; nothing is computed before a kernel needs it. */
export type Expression = Load | Scalar | Coordinate | Apply

/** Strides of a tensor that lies in C order. */
export function denseStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length)
  let stride = 1
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride
    stride *= shape[axis]!
  }
  return strides
}

/** Whether a load walks its buffer in C order; strides of axes of size 1 do not matter. */
export function isDense(load: Load, shape: readonly number[]): boolean {
  const dense = denseStrides(shape)
  return sizeOf(shape) <= 1 || load.strides.every((stride, axis) => shape[axis] === 1 || stride === dense[axis])
}

const floatBits = new Float32Array(1)
const bitsOfFloat = new Uint32Array(floatBits.buffer)

/** A scalar of an element type. */
export function scalar(value: number, element: ElementType): Scalar {
  floatBits[0] = value
  return { kind: 'scalar', element, bits: element === 'f32' ? bitsOfFloat[0]! : value >>> 0 }
}

/** An expression of others. */
export const apply = (
  element: ElementType,
  args: readonly Expression[],
  emit: (args: readonly string[]) => string,
): Apply => ({ kind: 'apply', element, args, emit })

/** Visits every node of an expression once. */
export function visit(expression: Expression, visitor: (node: Expression) => void): void {
  const seen = new Set<Expression>()
  const walk = (node: Expression) => {
    if (seen.has(node)) return
    seen.add(node)
    visitor(node)
    if (node.kind === 'apply') node.args.forEach(walk)
  }
  walk(expression)
}

/** Loads of an expression. */
export function loadsOf(expression: Expression): Load[] {
  const loads: Load[] = []
  visit(expression, (node) => {
    if (node.kind === 'load') loads.push(node)
  })
  return loads
}

/** Buffers that an expression reads. */
export const storagesOf = (expression: Expression): Set<Storage> =>
  new Set(loadsOf(expression).map(({ storage }) => storage))

/** Buffers that an expression binds; storages of an arena share one. */
export const buffersOf = (expression: Expression): Set<GPUBuffer> =>
  new Set(loadsOf(expression).map(({ storage }) => storage.buffer))

/** How many elements an expression over a shape reads, each counted once. */
export function elementsRead(expression: Expression, shape: readonly number[]): number {
  const regions = new Map<Storage, Map<string, number>>()
  for (const { storage, offset, strides } of loadsOf(expression)) {
    const region = regions.get(storage) ?? new Map<string, number>()
    const touched = strides.reduce((count, stride, axis) => (stride === 0 ? count : count * shape[axis]!), 1)
    regions.set(storage, region.set(`${offset}:${strides.join(',')}`, touched))
  }
  let elements = 0
  for (const [storage, region] of regions) {
    const all = [...region.values()].reduce((sum, touched) => sum + touched, 0)
    elements += Math.min(storage.bytes / elementBytes(storage), all)
  }
  return elements
}

/** How many operations an expression holds. */
export function weightOf(expression: Expression): number {
  let weight = 0
  visit(expression, (node) => {
    if (node.kind === 'apply') weight++
  })
  return weight
}

/** Rewrites the leaves of an expression that depend on coordinates. */
export function mapLeaves(
  expression: Expression,
  leaf: { load: (load: Load) => Expression; coordinate: (coordinate: Coordinate) => Expression },
): Expression {
  const done = new Map<Expression, Expression>()
  const walk = (node: Expression): Expression => {
    let made = done.get(node)
    if (made) return made
    if (node.kind === 'load') made = leaf.load(node)
    else if (node.kind === 'coordinate') made = leaf.coordinate(node)
    else if (node.kind === 'apply') made = { ...node, args: node.args.map(walk) }
    else made = node
    done.set(node, made)
    return made
  }
  return walk(expression)
}

/**
 * The same expression in other coordinates: axis i of the result walks `steps[i]` along axis `axes[i]` of the source (or
 * no axis at all), and the source's axis a starts at `starts[a]`.
 */
export function remap(
  expression: Expression,
  axes: readonly (number | undefined)[],
  starts: readonly number[] = [],
  steps: readonly number[] = [],
): Expression {
  return mapLeaves(expression, {
    load: (load) => ({
      ...load,
      offset: load.strides.reduce((offset, stride, axis) => offset + stride * (starts[axis] ?? 0), load.offset),
      strides: axes.map((axis, i) => (axis === undefined ? 0 : load.strides[axis]! * (steps[i] ?? 1))),
    }),
    coordinate: (coordinate) => {
      const at = axes.indexOf(coordinate.axis)
      const offset = coordinate.offset + coordinate.scale * (starts[coordinate.axis] ?? 0)
      if (at < 0) return scalar(offset, 'i32')
      return { ...coordinate, axis: at, scale: coordinate.scale * (steps[at] ?? 1), offset }
    },
  })
}

/** A shape with fewer axes, and what an expression becomes over it. */
export interface Collapsed {
  readonly shape: readonly number[]
  readonly expressions: readonly Expression[]
  /** How many axes of the new shape come from those before the boundary. */
  readonly boundary: number
}

/**
 * Drops axes of size 1 and merges neighbours that every load walks as one, so that kernels compute as few coordinates as
 * they can.
 *
 * @param boundary - Axes before and after it are not merged with each other.
 */
export function collapse(shape: readonly number[], expressions: readonly Expression[], boundary = 0): Collapsed {
  const loads: Load[] = []
  const used = new Set<number>()
  for (const expression of expressions) {
    visit(expression, (node) => {
      if (node.kind === 'load') loads.push(node)
      else if (node.kind === 'coordinate') used.add(node.axis)
    })
  }
  // Groups of axes that become one; each is written by its last axis.
  const groups: { axis: number; size: number }[] = []
  let kept = 0
  for (const [axis, size] of shape.entries()) {
    if (size === 1) continue
    const before = groups.at(-1)
    const mergeable =
      before &&
      !(axis >= boundary && before.axis < boundary) &&
      !used.has(axis) &&
      !used.has(before.axis) &&
      loads.every((load) => load.strides[before.axis] === load.strides[axis]! * size)
    if (mergeable) {
      before.axis = axis
      before.size *= size
    } else groups.push({ axis, size })
  }
  for (const group of groups) if (group.axis < boundary) kept++
  const axes = groups.map(({ axis }) => axis)
  return {
    shape: groups.map(({ size }) => size),
    expressions: expressions.map((expression) => remap(expression, axes)),
    boundary: kept,
  }
}

/** The expression with one of its parts replaced. */
export function substitute(expression: Expression, part: Expression, by: Expression): Expression {
  const done = new Map<Expression, Expression>([[part, by]])
  const walk = (node: Expression): Expression => {
    let made = done.get(node)
    if (made) return made
    made = node.kind === 'apply' ? { ...node, args: node.args.map(walk) } : node
    done.set(node, made)
    return made
  }
  return walk(expression)
}
