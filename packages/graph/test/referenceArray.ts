/**
 * Dense float64 arrays in C order: the plain arithmetic that ops are compared with. Integers and booleans are stored as
 * numbers.
 */
export interface ReferenceArray {
  readonly shape: readonly number[]
  readonly data: Float64Array
}

/** Number of elements of a shape. */
export const sizeOfShape = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1)

/** All index tuples of a shape, in C order. */
export function indicesOf(shape: readonly number[]): number[][] {
  let tuples: number[][] = [[]]
  for (const size of shape) tuples = tuples.flatMap((head) => Array.from({ length: size }, (_, i) => [...head, i]))
  return tuples
}

/** An array whose elements are computed from their indices. */
export function array(shape: readonly number[], element: (index: readonly number[]) => number): ReferenceArray {
  return { shape, data: Float64Array.from(indicesOf(shape), element) }
}

/** An array of given elements. */
export function arrayOf(shape: readonly number[], data: Iterable<number>): ReferenceArray {
  return { shape, data: Float64Array.from(data) }
}

/** A scalar. */
export const scalar = (value: number): ReferenceArray => ({ shape: [], data: Float64Array.of(value) })

/** Element at an index tuple of the array's rank. */
export function at(x: ReferenceArray, index: readonly number[]): number {
  let flat = 0
  for (let axis = 0; axis < x.shape.length; axis++) {
    const i = index[axis]!
    if (!(i >= 0 && i < x.shape[axis]!))
      throw new RangeError(`index [${index.join(', ')}] is outside [${x.shape.join(', ')}]`)
    flat = flat * x.shape[axis]! + i
  }
  return x.data[flat]!
}

/** Element that broadcasting puts at an index tuple of a larger shape. */
export function broadcastAt(x: ReferenceArray, index: readonly number[]): number {
  const lead = index.length - x.shape.length
  return at(
    x,
    x.shape.map((size, axis) => (size === 1 ? 0 : index[axis + lead]!)),
  )
}

/** NumPy's broadcast shape. */
export function broadcastShape(...shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length))
  return Array.from({ length: rank }, (_, axis) => {
    const sizes = shapes.map((shape) => shape[axis - rank + shape.length] ?? 1)
    return sizes.find((size) => size !== 1) ?? 1
  })
}

/** Applies a function element by element, with broadcasting. */
export function elementwise(fn: (...values: number[]) => number, ...xs: readonly ReferenceArray[]): ReferenceArray {
  return array(broadcastShape(...xs.map((x) => x.shape)), (index) => fn(...xs.map((x) => broadcastAt(x, index))))
}

/** Reduces axes (all by default) with a function of the elements that fall together. */
export function reduceWith(
  x: ReferenceArray,
  axes: readonly number[] | undefined,
  keepDims: boolean,
  fn: (values: number[]) => number,
): ReferenceArray {
  const rank = x.shape.length
  const reduced = new Set((axes ?? x.shape.map((_, i) => i)).map((axis) => (axis < 0 ? axis + rank : axis)))
  const kept = x.shape.map((size, axis) => (reduced.has(axis) ? 1 : size))
  const groups = new Map<string, number[]>(indicesOf(kept).map((index) => [index.join(), []]))
  for (const index of indicesOf(x.shape))
    groups.get(index.map((i, axis) => (reduced.has(axis) ? 0 : i)).join())!.push(at(x, index))
  const data = [...groups.values()].map(fn)
  return arrayOf(keepDims ? kept : kept.filter((_, axis) => !reduced.has(axis)), data)
}

/** The array with its axes permuted: axis i of the result is axis `perm[i]`. */
export function permute(x: ReferenceArray, perm: readonly number[]): ReferenceArray {
  return array(
    perm.map((axis) => x.shape[axis]!),
    (index) =>
      at(
        x,
        x.shape.map((_, axis) => index[perm.indexOf(axis)]!),
      ),
  )
}

/** The same elements under another shape. */
export const reshaped = (x: ReferenceArray, shape: readonly number[]): ReferenceArray => ({ shape, data: x.data })

/** Matrix product of the last two axes; leading axes broadcast. */
export function matrixProduct(a: ReferenceArray, b: ReferenceArray): ReferenceArray {
  const inner = a.shape.at(-1)!
  const batch = broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2))
  return array([...batch, a.shape.at(-2)!, b.shape.at(-1)!], (index) => {
    const [row, column] = index.slice(-2) as [number, number]
    const lead = index.slice(0, -2)
    let total = 0
    for (let k = 0; k < inner; k++) total += broadcastAt(a, [...lead, row, k]) * broadcastAt(b, [...lead, k, column])
    return total
  })
}

/** Sum of numbers. */
export const total = (values: Iterable<number>): number => {
  let sum = 0
  for (const value of values) sum += value
  return sum
}
