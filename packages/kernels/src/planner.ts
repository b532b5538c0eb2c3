/// <reference types="@webgpu/types" />
import {
  type DType,
  formatShape,
  isStatic,
  type Node,
  ops,
  Parameter,
  sizeOf,
  type Tensor,
  type TensorData,
  topologicalOrder,
} from '@nemo/graph'
import type { BufferPool } from './bufferPool.js'
import { ELEMENT_BYTES, requireElementType, toDevice } from './elementType.js'
import { UnsupportedGraphError } from './errors.js'
import {
  type Apply,
  collapse,
  type Expression,
  elementsRead,
  isDense,
  type Load,
  storagesOf,
  substitute,
  visit,
  weightOf,
} from './expression.js'
import { type Dispatch, KernelBuilder, spread, THREADS } from './kernelBuilder.js'
import type { Storage } from './storage.js'
import { type DenseValue, type LoadValue, loadValue, type Value } from './value.js'

/** A copy between buffers, in bytes. */
export interface Copy {
  readonly from: Storage
  readonly fromOffset: number
  readonly to: Storage
  readonly toOffset: number
  readonly bytes: number
}

/** What a plan does, in order. */
export type Command = { readonly dispatch: Dispatch } | { readonly copy: Copy }

/** Plans one node: records what must be computed now and returns the values of its outputs. */
export type OpKernel = (op: OpContext) => readonly Value[]

/** Says aloud that the executor does not run an op, and why. */
export interface Refusal {
  readonly refused: string
}

/** Where plans get kernels and buffers from. */
export interface PlanResources {
  readonly kernels: Readonly<Record<string, OpKernel | Refusal>>
  readonly pool: BufferPool
  /** Buffer of a parameter; stays for the life of the runtime. */
  parameter(parameter: Parameter): Storage
  /** Buffer of a constant; uploaded once. */
  constant(value: TensorData, what: string): Storage
}

// An expression over more buffers than this is computed first: every device binds 8 in a kernel, one is the result.
const MOST_BUFFERS = 6
// Longer expressions are computed first, to keep kernels readable and register use bounded.
const MOST_OPERATIONS = 32
// Without loads this many operations are cheaper to repeat than to store.
const FREE_OPERATIONS = 8

/** Turns a graph of static shapes into commands: fuses, assigns buffers by lifetime, records kernels. */
export class Planner {
  readonly commands: Command[] = []
  readonly #resources: PlanResources
  readonly #values = new Map<Tensor, Value>()
  readonly #owners = new Map<Value, Tensor>()
  readonly #consumers = new Map<Tensor, number>()
  readonly #bound = new Set<Tensor>()
  readonly #roots = new Set<Tensor>()
  readonly #idle = new Set<Storage>()

  constructor(resources: PlanResources) {
    this.#resources = resources
  }

  /** Gives a placeholder its value; the caller keeps its buffers alive. */
  bind(tensor: Tensor, value: Value): void {
    this.#values.set(tensor, value)
    this.#owners.set(value, tensor)
    this.#bound.add(tensor)
  }

  /** Inputs that `roots` depend on. */
  reach(roots: readonly Tensor[]): Set<Tensor> {
    return new Set(topologicalOrder(roots).flatMap((node) => (node.op === ops.Input ? [node.outputs[0]!] : [])))
  }

  /** Gives an input a buffer, which is written before the plan runs. Call before `run`. */
  feed(tensor: Tensor, what: string): DenseValue {
    const value = this.allocate(tensor.dtype, tensor.shape as readonly number[], what)
    this.#assign(tensor, value)
    return value
  }

  /** A copy in a buffer of its own. */
  duplicate(value: DenseValue): DenseValue {
    const result = this.allocate(value.dtype, value.shape, 'A copy')
    const bytes = bytesOf(value)
    this.copy({ from: value.expression.storage, fromOffset: 0, to: result.expression.storage, toOffset: 0, bytes })
    return result
  }

  /** Records everything that `roots` need; the results lie in C order, from offset 0 on. Call once. */
  run(roots: readonly Tensor[]): DenseValue[] {
    const order = topologicalOrder(roots)
    for (const node of order) {
      for (const input of new Set(node.inputs)) if (input) this.#count(input)
    }
    for (const root of roots) {
      this.#count(root)
      this.#roots.add(root)
    }
    for (const node of order) this.#step(node)
    return roots.map((root) => this.dense(this.value(root)))
  }

  /** Gives back what the roots occupied; the plan is complete. */
  finish(roots: readonly Tensor[]): void {
    for (const root of roots) this.#consumed(root)
    this.#sweep()
  }

  #count(tensor: Tensor): void {
    this.#consumers.set(tensor, (this.#consumers.get(tensor) ?? 0) + 1)
  }

  #step(node: Node): void {
    if (node.op === ops.Input || node.op === ops.Constant || node.op === ops.Parameter) return
    const kernel = this.#resources.kernels[node.op.type]!
    if (typeof kernel !== 'function') throw new UnsupportedGraphError(`${node.describe()}: ${kernel.refused}`)
    for (const output of node.outputs) {
      if (!isStatic(output.shape)) {
        throw new UnsupportedGraphError(
          `${node.describe()}: the shape ${formatShape(output.shape)} depends on data, and WebGPU plans need all sizes before they run.`,
        )
      }
    }
    const outputs = kernel(new OpContext(this, node))
    node.outputs.forEach((tensor, i) => {
      const value = outputs[i]
      if (value && this.#consumers.has(tensor)) this.#settle(tensor, value)
    })
    for (const input of new Set(node.inputs)) if (input) this.#consumed(input)
    this.#sweep()
  }

  // Decides whether a result is computed now or as part of the kernel that reads it.
  #settle(tensor: Tensor, found: Value): void {
    const value = this.fit(found)
    const { expression } = value
    let settled = value
    if (expression.kind === 'apply') {
      const weight = weightOf(expression)
      const buffers = storagesOf(expression).size
      const free = buffers === 0 && weight <= FREE_OPERATIONS
      // Storing it costs one pass over its parts, one to write and one per reader; not storing, its parts per reader.
      const readers = this.#consumers.get(tensor)!
      const [parts, whole] = [elementsRead(expression, value.shape), sizeOf(value.shape)]
      const cheap = readers * parts <= parts + whole + readers * whole
      const lazy = cheap && !this.#roots.has(tensor) && weight <= MOST_OPERATIONS
      if (!free && !lazy) settled = this.materialize(value)
    }
    // A value of its own, as an op may return its input's.
    this.#assign(tensor, settled === found ? { ...found } : settled)
  }

  #assign(tensor: Tensor, value: Value): Value {
    this.#values.set(tensor, value)
    this.#owners.set(value, tensor)
    for (const storage of storagesOf(value.expression)) storage.references++
    return value
  }

  #consumed(tensor: Tensor): void {
    const left = this.#consumers.get(tensor)! - 1
    this.#consumers.set(tensor, left)
    const value = this.#values.get(tensor)
    if (left > 0 || !value || this.#bound.has(tensor)) return
    this.#drop(value)
    this.#values.delete(tensor)
  }

  #drop(value: Value): void {
    this.#owners.delete(value)
    for (const storage of storagesOf(value.expression)) {
      storage.references--
      if (storage.references === 0) this.#idle.add(storage)
    }
  }

  // Buffers become free only between ops, so that an op may use several values that it made on the way.
  #sweep(): void {
    for (const storage of this.#idle) {
      if (storage.references === 0 && storage.pooled) this.#resources.pool.release(storage.buffer)
    }
    this.#idle.clear()
  }

  /** The present value of a tensor. */
  value(tensor: Tensor): Value {
    const known = this.#values.get(tensor)
    if (known) return known
    if (tensor instanceof Parameter) {
      return this.#assign(tensor, loadValue(tensor.dtype, tensor.shape, this.#resources.parameter(tensor)))
    }
    const data = tensor.constant
    if (!data) throw new Error(`${tensor.node.describe()} was not planned before it was used.`)
    const what = `Constant at ${tensor.node.scope || 'the top'}`
    const element = requireElementType(data.dtype)
    const made: Value =
      data.data.length === 1
        ? {
            dtype: data.dtype,
            shape: data.shape,
            expression: { kind: 'scalar', element, bits: new Uint32Array(toDevice(data, what).buffer)[0]! },
          }
        : loadValue(data.dtype, data.shape, this.#resources.constant(data, what))
    return this.#assign(tensor, made)
  }

  /** New memory in C order. */
  allocate(dtype: DType, shape: readonly number[], what: string): DenseValue {
    const bytes = sizeOf(shape) * ELEMENT_BYTES
    const storage: Storage = {
      buffer: this.#resources.pool.acquire(bytes, what),
      bytes,
      references: 0,
      pooled: true,
    }
    this.#idle.add(storage)
    return loadValue(dtype, shape, storage)
  }

  record(dispatch: Dispatch): void {
    if (dispatch.workgroups.every((count) => count > 0)) this.commands.push({ dispatch })
  }

  copy(copy: Copy): void {
    if (copy.bytes > 0) this.commands.push({ copy })
  }

  /** The value as elements of a buffer; computed now if it is an expression. */
  load(value: Value): LoadValue {
    return value.expression.kind === 'load' ? (value as LoadValue) : this.materialize(value)
  }

  /** The value in C order, from offset 0 on. */
  dense(value: Value): DenseValue {
    const { expression, shape } = value
    const ready = expression.kind === 'load' && expression.offset === 0 && isDense(expression, shape)
    return ready ? (value as DenseValue) : this.materialize(value)
  }

  /** The same value with parts computed beforehand, so that one kernel can bind all its buffers. */
  fit(value: Value): Value {
    let { expression } = value
    while (storagesOf(expression).size > MOST_BUFFERS) {
      const part = largestPart(expression)
      const computed = this.materialize({ dtype: partTypes[part.element], shape: value.shape, expression: part })
      expression = substitute(expression, part, computed.expression)
    }
    return expression === value.expression ? value : { ...value, expression }
  }

  /** Computes an expression into new memory. */
  materialize(value: Value): DenseValue {
    const result = this.allocate(value.dtype, value.shape, 'A result')
    this.record(elementwise(this.fit(value), result.expression))
    const owner = this.#owners.get(value)
    if (owner && !this.#bound.has(owner)) {
      this.#drop(value)
      this.#assign(owner, result)
    }
    return result
  }

  /** A planner of a loop's body, working with the same buffers. */
  inner(): Planner {
    return new Planner(this.#resources)
  }
}

const partTypes = { f32: 'float32', i32: 'int32', u32: 'uint32' } as const satisfies Record<string, DType>

// The part that reads most buffers, but not too many. Ops have few operands, so there always is one.
function largestPart(expression: Expression): Apply {
  let largest: Apply | undefined
  let most = 1
  visit(expression, (node) => {
    if (node.kind !== 'apply' || node === expression) return
    const buffers = storagesOf(node).size
    if (buffers > most && buffers <= MOST_BUFFERS) {
      largest = node
      most = buffers
    }
  })
  if (!largest) throw new Error('An op with too many operands was not split.')
  return largest
}

/**
 * One thread per element of the result, which is written in C order. Needs no workgroup memory; threads past the end do
 * nothing; an empty result records nothing.
 */
function elementwise(value: Value, target: Load): Dispatch {
  const kernel = new KernelBuilder('Elementwise')
  const result = kernel.write(target.storage, target.element)
  const { shape, expressions } = collapse(value.shape, [value.expression])
  const count = sizeOf(value.shape)
  const total = kernel.integer(count)
  const expression = expressions[0]!
  const needsCoordinates = shape.length > 1
  const { statements, names } = needsCoordinates
    ? kernel.coordinates('index', kernel.sizes(shape))
    : { statements: '', names: shape.map(() => 'index') }
  const emitted = kernel.emit(expression, shape, names, 'index')
  return kernel.finish({
    body: `if (index >= ${total}) { return; }\n${statements}${emitted.statements}${result}[index] = ${emitted.value};\n`,
    workgroups: spread(Math.ceil(count / THREADS)),
    flops: count * weightOf(expression),
  })
}

/** What a kernel of an op sees: the node, the values of its inputs and the means to record work. */
export class OpContext {
  readonly node: Node
  readonly planner: Planner

  constructor(planner: Planner, node: Node) {
    this.planner = planner
    this.node = node
  }

  /** Whether input `i` is there. */
  has(i: number): boolean {
    return this.node.inputs[i] != null
  }

  /** Value of input `i`. */
  value(i: number): Value {
    return this.planner.value(this.node.inputs[i]!)
  }

  /** Value of input `i` in a buffer. */
  load(i: number): LoadValue {
    return this.planner.load(this.value(i))
  }

  /** Value of input `i` in C order, from offset 0 on. */
  dense(i: number): DenseValue {
    return this.planner.dense(this.value(i))
  }

  /** Shape of input `i`. */
  shape(i: number): readonly number[] {
    return this.node.inputs[i]!.shape as readonly number[]
  }

  /** Shape of output `i`. */
  outputShape(i = 0): readonly number[] {
    return this.node.outputs[i]!.shape as readonly number[]
  }

  /** New memory for output `i`. */
  allocateOutput(i = 0): DenseValue {
    return this.planner.allocate(this.node.outputs[i]!.dtype, this.outputShape(i), this.node.describe())
  }

  /** New memory for something in between. */
  scratch(dtype: DType, shape: readonly number[]): DenseValue {
    return this.planner.allocate(dtype, shape, `Scratch memory of ${this.node.describe()}`)
  }

  /** Numbers of an input that shapes depend on. */
  numbers(i: number): readonly number[] | undefined {
    const tensor = this.node.inputs[i]
    if (!tensor) return undefined
    const data = tensor.constant
    if (!data) {
      throw new UnsupportedGraphError(
        `${this.node.describe()}: input ${i} depends on data, and WebGPU plans need it before they run.`,
      )
    }
    return Array.from(data.data as ArrayLike<number | bigint>, Number)
  }

  attribute<T extends string | number | readonly number[] | undefined>(name: string): T {
    return this.node.attribute<T>(name)
  }

  /** An axis counted from the front. */
  axis(axis: number, rank = this.shape(0).length): number {
    return axis < 0 ? axis + rank : axis
  }

  record(dispatch: Dispatch): void {
    this.planner.record(dispatch)
  }

  /** Stops planning: this form of the op is not there. */
  refuse(problem: string): never {
    throw new UnsupportedGraphError(`${this.node.describe()}: ${problem}`)
  }
}

/** Bytes of a value on the device. */
export const bytesOf = (value: Value): number => sizeOf(value.shape) * ELEMENT_BYTES
