import { sizeOf } from '@nemo/graph'
import { buffersOf, elementsRead, type Load, loadsOf, weightOf } from '../expression.js'
import { type Emitted, KernelBuilder } from '../kernelBuilder.js'
import type { OpKernel } from '../opKernel.js'
import type { Place, Planner } from '../planner.js'
import type { ProductTile } from '../tuning.js'
import { broadcast, type DenseValue, map, numberOf, permute, reshaped, type Value } from '../value.js'

/** C[batch, m, n] = sum over run and k of A[batch, run, m, k] B[batch, run, n, k]. */
export interface Product {
  readonly label: string
  readonly batch: readonly number[]
  readonly rows: number
  readonly columns: number
  readonly inner: number
  /** Size of an axis that is summed over beside the inner one. Default: there is none. */
  readonly runs?: number
  /** `[...batch, runs?, rows, inner]`. Both operands together read no more buffers than `together` allows. */
  readonly a: Operand
  /** `[...batch, runs?, columns, inner]`. */
  readonly b: Operand
  /** Dense `[...batch, rows, columns]`. */
  readonly target: DenseValue
}

/** One side of a product: its elements, computed where the kernel brings them to workgroup memory. */
export interface Operand {
  readonly buffers: ReadonlySet<GPUBuffer>
  /** Operations for each element. */
  readonly weight: number
  /** Whether neighbours along the inner axis are neighbours in memory. */
  readonly inner: boolean
  /** Code for an element; `before` names the coordinates of batch and run, `row` and `depth` those of the matrix. */
  emit(kernel: KernelBuilder, before: readonly string[], row: string, depth: string): Emitted
}

/** A value `[...batch, runs?, outer, inner]` as operand; an expression is evaluated on the way. */
export const valueOperand = (value: Value): Operand => ({
  buffers: buffersOf(value.expression),
  weight: weightOf(value.expression),
  inner: walksInner(value),
  emit: (kernel, before, row, depth) => kernel.emit(value.expression, value.shape, [...before, row, depth]),
})

// Each thread computes a square of SIDE x SIDE results.
const SIDE = 4
const each = (text: (row: number) => string): string => Array.from({ length: SIDE }, (_, row) => text(row)).join('')
// Products with fewer rows or columns are small.
const LARGE = 64
// So are those that would leave most of a GPU idle: gradients of weights, which are long but not wide.
const FEW_WORKGROUPS = 128

function tileOf(planner: Planner, rows: number, columns: number, batches: number): ProductTile {
  const { large, small } = planner.tiles
  const side = large.edge * SIDE
  const workgroups = Math.ceil(rows / side) * Math.ceil(columns / side) * batches
  return rows >= LARGE && columns >= LARGE && workgroups >= FEW_WORKGROUPS ? large : small
}

// Most workgroups that every device takes in one dimension.
const MOST_WORKGROUPS = 65535

/**
 * Tiled product of matrices. A workgroup of edge² threads computes a tile of (4 edge)² results, each thread 4 x 4 of them in
 * registers; tiles of both operands pass through workgroup memory (at most 16 KiB; see tuning.ts). Operands have any
 * strides, so transposed ones cost nothing; a tile is read along its contiguous axis. Edges are filled with zeros; an inner
 * axis of no elements gives zeros.
 */
export function multiply(planner: Planner, product: Product): void {
  const { rows, columns, runs, target, a, b } = product
  const { edge, depth } = tileOf(planner, rows, columns, sizeOf(product.batch))
  const tile = edge * SIDE
  const threads = edge * edge
  const batches = sizeOf(product.batch)
  const kernel = new KernelBuilder(product.label)
  const result = kernel.write(target.expression.storage, 'f32')
  const [m, n, k, z] = kernel.sizes([rows, columns, product.inner, batches]) as [string, string, string, string]
  const batch = kernel.coordinates('z', kernel.sizes(product.batch))
  const before = runs === undefined ? batch.names : [...batch.names, 'run']
  // Loads of a tile `[outer, depth]`: neighbouring threads take neighbours of the contiguous axis.
  const bring = (name: string, side: Operand, first: string, limit: string) => {
    const along = side.inner
    const emitted = side.emit(kernel, before, 'row', 'depth')
    return `for (var e = local; e < ${tile * depth}; e += THREADS) {
  let o = ${along ? `e / ${depth}` : `e % ${tile}`};
  let i = ${along ? `e % ${depth}` : `e / ${tile}`};
  let row = ${first} + o;
  let depth = k0 + i;
  var element = 0.0;
  if (row < ${limit} && depth < ${k}) {
    ${emitted.statements}element = ${emitted.value};
  }
  ${name}[i * ${tile} + o] = element;
}
`
  }
  const [across, down] = [Math.ceil(columns / tile), Math.ceil(rows / tile)]
  // Workgroups take several tiles where a device has no room for one each.
  const walk = (name: string, axis: 'x' | 'y', count: number, limit: string): [string, string] =>
    count <= MOST_WORKGROUPS
      ? [`let ${name} = i32(group3.${axis}) * ${tile};\n`, '']
      : [
          `for (var ${name} = i32(group3.${axis}) * ${tile}; ${name} < ${limit}; ${name} += i32(groups3.${axis}) * ${tile}) {\n`,
          '}\n',
        ]
  const [beginRows, endRows] = walk('row0', 'y', down, m)
  const [beginColumns, endColumns] = walk('column0', 'x', across, n)
  const body = `${beginRows}${beginColumns}let r0 = (local / ${edge}) * ${SIDE};
let c0 = (local % ${edge}) * ${SIDE};
for (var z = i32(group3.z); z < ${z}; z += i32(groups3.z)) {
${batch.statements}${each((r) => `var sum${r} = vec4<f32>();\n`)}for (var run = 0; run < ${kernel.integer(runs ?? 1)}; run++) {
for (var k0 = 0; k0 < ${k}; k0 += ${depth}) {
${bring('left', a, 'row0', m)}${bring('right', b, 'column0', n)}workgroupBarrier();
for (var i = 0; i < ${depth}; i++) {
  let at = i * ${tile};
  let bs = vec4<f32>(right[at + c0], right[at + c0 + 1], right[at + c0 + 2], right[at + c0 + 3]);
${each((r) => `  sum${r} += left[at + r0 + ${r}] * bs;\n`)}}
workgroupBarrier();
}
}
let column = column0 + c0;
${each((r) => {
  const row = `row0 + r0 + ${r}`
  const store = (c: number) =>
    `if (column + ${c} < ${n}) { ${result}[(z * ${m} + ${row}) * ${n} + column + ${c}] = sum${r}[${c}]; }`
  return `if (${row} < ${m}) {\n${[0, 1, 2, 3].map(store).join('\n')}\n}\n`
})}}
${endColumns}${endRows}`
  planner.record(
    kernel.finish({
      threads,
      shared: `var<workgroup> left: array<f32, ${tile * depth}>;\nvar<workgroup> right: array<f32, ${tile * depth}>;\n`,
      body,
      flops: 2 * batches * rows * columns * product.inner * (runs ?? 1),
      workgroups: [
        Math.min(across, MOST_WORKGROUPS),
        Math.min(down, MOST_WORKGROUPS),
        Math.min(batches, MOST_WORKGROUPS),
      ],
    }),
  )
}

// A tile is evaluated again for every tile of the other side, so longer operands are computed first.
const LONGEST_OPERAND = 32
// And an operand that reads more than this many times its own size; masks and the like are small beside it.
const WIDEST_OPERAND = 2 + 1 / 16
// What a kernel reads; with the result it binds 8 buffers, as every device can.
const MOST_READ = 7

/** A value as a product reads it: an expression if that is cheap to evaluate on the way. */
export function operand(planner: Planner, value: Value): Value {
  const { expression, shape } = value
  const short = weightOf(expression) <= LONGEST_OPERAND
  const narrow = elementsRead(expression, shape) <= WIDEST_OPERAND * sizeOf(shape)
  return short && narrow ? planner.fit(value) : planner.load(value)
}

/** Both operands with no more buffers than one kernel binds. */
export function together(planner: Planner, a: Value, b: Value): [Value, Value] {
  const count = (value: Value) => buffersOf(value.expression).size
  if (new Set([...buffersOf(a.expression), ...buffersOf(b.expression)]).size <= MOST_READ) return [a, b]
  return count(a) >= count(b) ? [planner.load(a), b] : [a, planner.load(b)]
}

// Whether the widest of an operand's loads goes along the last axis.
function walksInner({ expression, shape }: Value): boolean {
  const reach = (load: Load) => load.strides.filter((stride, axis) => stride !== 0 && shape[axis] !== 1).length
  const [widest] = loadsOf(expression).sort((p, q) => reach(q) - reach(p))
  const [outer, inner] = widest?.strides.slice(-2) ?? [1, 1]
  return inner === 1 || outer !== 1
}

/** Product of the last two axes; leading axes broadcast. Operands have rank 2 or more. */
export function matrixProduct(planner: Planner, first: Value, second: Value, place: Place = 'pool'): DenseValue {
  const [left, right] = together(planner, operand(planner, first), operand(planner, second))
  const [rows, inner] = left.shape.slice(-2) as [number, number]
  const columns = right.shape.at(-1)!
  const rank = Math.max(left.shape.length, right.shape.length) - 2
  const size = (value: Value, axis: number) => value.shape[axis + value.shape.length - 2 - rank] ?? 1
  const batch = Array.from({ length: rank }, (_, axis) =>
    size(left, axis) === 1 ? size(right, axis) : size(left, axis),
  )
  const a = broadcast(left, [...batch, rows, inner])
  const b = transposed(broadcast(right, [...batch, inner, columns]))
  const target = planner.allocate('float32', [...batch, rows, columns], 'A matrix product', place)
  // One product over all rows where only the left operand has a batch that lies in C order.
  const flat = right.shape.slice(0, -2).every((size) => size === 1)
  const merged = flat && rank > 0 ? reshaped(a, [sizeOf(batch) * rows, inner]) : undefined
  const label = 'MatMul'
  if (merged) {
    const b = transposed(reshaped(right, [inner, columns]) ?? reshaped(planner.dense(right), [inner, columns])!)
    const whole = reshaped(target, [sizeOf(batch) * rows, columns]) as DenseValue
    multiply(planner, {
      label,
      batch: [],
      rows: sizeOf(batch) * rows,
      columns,
      inner,
      a: valueOperand(merged),
      b: valueOperand(b),
      target: whole,
    })
  } else multiply(planner, { label, batch, rows, columns, inner, a: valueOperand(a), b: valueOperand(b), target })
  return target
}

/** The last two axes exchanged. */
export function transposed(value: Value): Value {
  const rank = value.shape.length
  return permute(value, [...Array.from({ length: rank - 2 }, (_, axis) => axis), rank - 1, rank - 2])
}

/** Matrix product of the last two axes, leading axes broadcast; vectors as in NumPy. float32 only. */
export const MatMul: OpKernel = (op) => {
  const [a, b] = [op.value(0), op.value(1)]
  if (a.dtype !== 'float32') op.refuse(`products of ${a.dtype} are not there; cast to float32.`)
  const left = a.shape.length === 1 ? reshaped(a, [1, ...a.shape])! : a
  const right = b.shape.length === 1 ? reshaped(b, [...b.shape, 1])! : b
  return [reshaped(matrixProduct(op.planner, left, right, op.place()), op.outputShape())!]
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
