import { sizeOf } from '@nemo/graph'
import type { Load } from '../expression.js'
import { KernelBuilder } from '../kernelBuilder.js'
import type { OpKernel } from '../opKernel.js'
import type { Planner } from '../planner.js'
import { broadcast, type DenseValue, type LoadValue, map, numberOf, permute, reshaped, type Value } from '../value.js'

/** A product's operand: element (batch, row, column) of a buffer, by strides. `inner` may be walked in two levels. */
interface Operand {
  readonly load: Load
  /** Strides over the batch axes. */
  readonly batch: readonly number[]
  readonly outer: number
  readonly inner: number
  /** Stride from one run of `inner` to the next. */
  readonly run: number
}

/** C[batch, m, n] = sum over run and k of A[batch, m, run, k] B[batch, run, k, n]. */
export interface Product {
  readonly label: string
  readonly batch: readonly number[]
  readonly rows: number
  readonly columns: number
  readonly inner: number
  readonly runs: number
  readonly a: Operand
  readonly b: Operand
  /** Dense `[...batch, rows, columns]`. */
  readonly target: DenseValue
}

// Each thread computes a square of SIDE x SIDE results.
const SIDE = 4
// Elements of the inner axis that are brought to workgroup memory at a time.
const DEPTH = 16
// Threads per edge of a workgroup's tile, for large and small matrices.
const LARGE_EDGE = 16
const SMALL_EDGE = 8
const MOST_Z = 65535

/**
 * Tiled product of matrices. A workgroup of edge² threads computes a tile of (4 edge)² results, each thread 4 x 4 of them in
 * registers; tiles of both operands pass through workgroup memory, 16 deep (8 KiB for the large edge). Operands have any
 * strides, so transposed ones cost nothing; a tile is read along its contiguous axis. Edges are filled with zeros; an inner
 * axis of no elements gives zeros.
 */
export function multiply(planner: Planner, product: Product): void {
  const { rows, columns, a, b, target } = product
  const edge = rows >= 64 && columns >= 64 ? LARGE_EDGE : SMALL_EDGE
  const tile = edge * SIDE
  const threads = edge * edge
  const batches = sizeOf(product.batch)
  const kernel = new KernelBuilder(product.label)
  const result = kernel.write(target.expression.storage, 'f32')
  const left = kernel.read(a.load.storage, 'f32')
  const right = kernel.read(b.load.storage, 'f32')
  const [m, n, k, runs, z] = kernel.sizes([rows, columns, product.inner, product.runs, batches]) as [
    string,
    string,
    string,
    string,
    string,
  ]
  const batch = kernel.coordinates('z', kernel.sizes(product.batch))
  const offset = (operand: Operand) => {
    const terms = operand.batch.flatMap((stride, axis) =>
      stride === 0 ? [] : [`${batch.names[axis]} * ${kernel.integer(stride)}`],
    )
    if (operand.load.offset !== 0) terms.push(kernel.integer(operand.load.offset))
    if (operand.run !== 0) terms.push(`run * ${kernel.integer(operand.run)}`)
    return terms.length === 0 ? '0' : terms.join(' + ')
  }
  const stride = (size: number) => (size === 1 ? '1' : kernel.integer(size))
  // Loads of a tile `[outer, DEPTH]`: neighbouring threads take neighbours of the contiguous axis.
  const bring = (name: string, buffer: string, operand: Operand, first: string, limit: string) => {
    const along = operand.inner === 1 || operand.outer !== 1
    const outer = along ? `e / ${DEPTH}` : `e % ${tile}`
    const inner = along ? `e % ${DEPTH}` : `e / ${tile}`
    return `for (var e = local; e < ${tile * DEPTH}; e += THREADS) {
  let o = ${outer};
  let i = ${inner};
  var element = 0.0;
  if (${first} + o < ${limit} && k0 + i < ${k}) {
    element = ${buffer}[${name}_base + (${first} + o) * ${stride(operand.outer)} + (k0 + i) * ${stride(operand.inner)}];
  }
  ${name}[i * ${tile} + o] = element;
}
`
  }
  const aOffset = offset(a)
  const bOffset = offset(b)
  const body = `let row0 = i32(group3.y) * ${tile};
let column0 = i32(group3.x) * ${tile};
let r0 = (local / ${edge}) * ${SIDE};
let c0 = (local % ${edge}) * ${SIDE};
for (var z = i32(group3.z); z < ${z}; z += i32(groups3.z)) {
${batch.statements}var sums: array<vec4<f32>, ${SIDE}>;
for (var run = 0; run < ${runs}; run++) {
let left_base = ${aOffset};
let right_base = ${bOffset};
for (var k0 = 0; k0 < ${k}; k0 += ${DEPTH}) {
${bring('left', left, a, 'row0', m)}${bring('right', right, b, 'column0', n)}workgroupBarrier();
for (var i = 0; i < ${DEPTH}; i++) {
  let at = i * ${tile};
  let bs = vec4<f32>(right[at + c0], right[at + c0 + 1], right[at + c0 + 2], right[at + c0 + 3]);
  for (var r = 0; r < ${SIDE}; r++) { sums[r] += left[at + r0 + r] * bs; }
}
workgroupBarrier();
}
}
for (var r = 0; r < ${SIDE}; r++) {
  let row = row0 + r0 + r;
  for (var c = 0; c < ${SIDE}; c++) {
    let column = column0 + c0 + c;
    if (row < ${m} && column < ${n}) { ${result}[(z * ${m} + row) * ${n} + column] = sums[r][c]; }
  }
}
}
`
  planner.record(
    kernel.finish({
      threads,
      shared: `var<workgroup> left: array<f32, ${tile * DEPTH}>;\nvar<workgroup> right: array<f32, ${tile * DEPTH}>;\n`,
      body,
      workgroups: [Math.ceil(columns / tile), Math.ceil(rows / tile), Math.min(batches, MOST_Z)],
    }),
  )
}

/** Product of the last two axes; leading axes broadcast. Operands have rank 2 or more. */
export function matrixProduct(planner: Planner, left: Value, right: Value): DenseValue {
  const [rows, inner] = left.shape.slice(-2) as [number, number]
  const columns = right.shape.at(-1)!
  const rank = Math.max(left.shape.length, right.shape.length) - 2
  const size = (value: Value, axis: number) => value.shape[axis + value.shape.length - 2 - rank] ?? 1
  const batch = Array.from({ length: rank }, (_, axis) =>
    size(left, axis) === 1 ? size(right, axis) : size(left, axis),
  )
  const a = broadcast(planner.load(left), [...batch, rows, inner]) as LoadValue
  const b = broadcast(planner.load(right), [...batch, inner, columns]) as LoadValue
  const target = planner.allocate('float32', [...batch, rows, columns], 'A matrix product')
  // One product over all rows where only the left operand has a batch that lies in C order.
  const flat = rank > 0 && b.expression.strides.slice(0, rank).every((stride) => stride === 0)
  const merged = flat ? reshaped(a, [sizeOf(batch) * rows, inner]) : undefined
  if (merged && merged.expression.kind === 'load') {
    multiply(planner, {
      label: 'MatMul',
      batch: [],
      rows: sizeOf(batch) * rows,
      columns,
      inner,
      runs: 1,
      a: operandOf(merged.expression, 0, 'rows'),
      b: operandOf({ ...b.expression, strides: b.expression.strides.slice(rank) }, 0, 'columns'),
      target: reshaped(target, [sizeOf(batch) * rows, columns]) as DenseValue,
    })
    return target
  }
  multiply(planner, {
    label: 'MatMul',
    batch,
    rows,
    columns,
    inner,
    runs: 1,
    a: operandOf(a.expression, rank, 'rows'),
    b: operandOf(b.expression, rank, 'columns'),
    target,
  })
  return target
}

/** An operand whose last two axes are [outer, inner] (`rows`) or [inner, outer] (`columns`). */
export function operandOf(load: Load, rank: number, kind: 'rows' | 'columns', run = 0): Operand {
  const [p, q] = load.strides.slice(-2) as [number, number]
  return {
    load,
    batch: load.strides.slice(0, rank),
    outer: kind === 'rows' ? p : q,
    inner: kind === 'rows' ? q : p,
    run,
  }
}

/** Matrix product of the last two axes, leading axes broadcast; vectors as in NumPy. float32 only. */
export const MatMul: OpKernel = (op) => {
  const [a, b] = [op.value(0), op.value(1)]
  if (a.dtype !== 'float32') op.refuse(`products of ${a.dtype} are not there; cast to float32.`)
  const left = a.shape.length === 1 ? reshaped(a, [1, ...a.shape])! : a
  const right = b.shape.length === 1 ? reshaped(b, [...b.shape, 1])! : b
  return [reshaped(matrixProduct(op.planner, left, right), op.outputShape())!]
}

/** alpha A' B' + beta C. */
export const Gemm: OpKernel = (op) => {
  const side = (i: number, name: string) => (op.attribute<number>(name) ? permute(op.value(i), [1, 0]) : op.value(i))
  const a = side(0, 'transA')
  if (a.dtype !== 'float32') op.refuse(`products of ${a.dtype} are not there; cast to float32.`)
  let y: Value = matrixProduct(op.planner, a, side(1, 'transB'))
  const [alpha, beta] = [op.attribute<number>('alpha'), op.attribute<number>('beta')]
  if (alpha !== 1) y = map(y.dtype, y.shape, [y, numberOf(alpha)], ([p, f]) => `${p} * ${f}`)
  if (!op.has(2)) return [y]
  return [map(y.dtype, y.shape, [y, op.value(2), numberOf(beta)], ([p, c, f]) => `${p} + ${f} * ${c}`)]
}
