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
import { Arena } from './arena.js'
import type { BufferPool } from './bufferPool.js'
import { ELEMENT_BYTES, requireElementType, toDevice } from './elementType.js'
import { UnsupportedGraphError } from './errors.js'
import {
  type Apply,
  buffersOf,
  collapse,
  type Expression,
  elementsRead,
  isDense,
  type Load,
  loadsOf,
  remap,
  storagesOf,
  substitute,
  visit,
  weightOf,
} from './expression.js'
import { type Dispatch, KernelBuilder, spread, THREADS } from './kernelBuilder.js'
import { halfPrecisionTensors } from './mixedPrecision.js'
import { canFollow, type Fold, type Reduction, reductionKernel } from './reductionKernel.js'
import { elementBytes, type HalfFormat, type Storage } from './storage.js'
import type { Tiles } from './tuning.js'
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
  /** Most bytes of a buffer. */
  readonly largestBuffer: number
  /** How products are cut. */
  readonly tiles: Tiles
  /** How tensors are stored that mixed precision keeps in half precision; undefined for none of them. */
  readonly half?: HalfFormat | undefined
  /** Buffer of a parameter; stays for the life of the runtime. */
  parameter(parameter: Parameter): Storage
  /** Buffer of a constant; uploaded once. */
  constant(value: TensorData, what: string): Storage
}

// An expression over more buffers than this is computed first: every device binds 8 in a kernel, one is the result.
const MOST_BUFFERS = 6
// Longer expressions are computed first, to keep kernels readable and register use bounded.
const MOST_OPERATIONS = 32
// What only the optimiser uses may be longer: it is computed once, where the parameter is written.
const MOST_LATE_OPERATIONS = 96
// Without loads this many operations are cheaper to repeat than to store.
const FREE_OPERATIONS = 8
// Values of up to this many elements lie in the arena of results.
const SMALL = 65536
// Folds of one kernel; each takes half a kilobyte of workgroup memory.
const MOST_FOLDS = 8
// What has few elements, like a mask, does not count beside what has many.
const SLACK = 1 + 1 / 32
// Bytes of a buffer of that arena.
const RESULT_CHUNK = 1 << 20
// A part of an expression is worth computing beforehand if it has this much fewer elements than the whole.
const MUCH_SMALLER = 16

/**
 * Which memory a value takes: the pool's, there perhaps in half precision, or an arena where it stays until the run ends.
 */
export type Place = 'pool' | 'half' | 'results' | 'gradients'

/** Ops that are computed element by element or by folds, so that what only they read can wait until parameters change. */
const WAITING: ReadonlySet<string> = new Set([
  ...['Abs', 'Add', 'Cast', 'Clip', 'Div', 'Equal', 'Exp', 'Expand', 'Greater', 'GreaterOrEqual', 'Identity', 'IsInf'],
  ...['IsNaN', 'Less', 'LessOrEqual', 'Log', 'Max', 'Mean', 'Min', 'Mul', 'Neg', 'Not', 'And', 'Or', 'Pow'],
  ...['Reciprocal', 'ReduceL1', 'ReduceL2', 'ReduceMax', 'ReduceMean', 'ReduceMin', 'ReduceSum', 'ReduceSumSquare'],
  ...['Reshape', 'Sign', 'Sqrt', 'Squeeze', 'Sub', 'Sum', 'Transpose', 'Unsqueeze', 'Where'],
])

/** Turns a graph of static shapes into commands: fuses, assigns buffers by lifetime, records kernels. */
export class Planner {
  readonly #commands: Command[] = []
  readonly #resources: PlanResources
  readonly #arenas: Readonly<Record<'results' | 'gradients', Arena>> | undefined
  readonly #values = new Map<Tensor, Value>()
  readonly #owners = new Map<Value, Tensor>()
  readonly #consumers = new Map<Tensor, number>()
  readonly #bound = new Set<Tensor>()
  readonly #roots = new Set<Tensor>()
  readonly #idle = new Set<Storage>()
  // Tensors that only the new values of parameters depend on.
  readonly #late = new Set<Tensor>()
  // Tensors that are stored in half precision, if they are stored.
  #half: ReadonlySet<Tensor> = new Set()
  #gradientBytes = 0
  // Folds that wait for others over the same elements, and what they refer to.
  #reduction: Reduction | undefined
  readonly #held: Storage[] = []

  /** @param options.loop - Plans a body that runs many times: its values take no room for themselves. */
  constructor(resources: PlanResources, options: { readonly loop?: boolean } = {}) {
    this.#resources = resources
    const { pool, largestBuffer } = resources
    const create = (bytes: number, what: string) => pool.acquire(bytes, what)
    if (!options.loop) {
      this.#arenas = {
        results: new Arena(create, Math.min(RESULT_CHUNK, largestBuffer)),
        gradients: new Arena(
          (bytes, what) => create(Math.max(bytes, Math.min(this.#gradientBytes, largestBuffer)), what),
          0,
        ),
      }
    }
  }

  /** How products are cut. */
  get tiles(): Tiles {
    return this.#resources.tiles
  }

  /** What was recorded so far, in order. */
  get commands(): readonly Command[] {
    this.#flush()
    return this.#commands
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
    const shape = tensor.shape as readonly number[]
    const value = this.allocate(tensor.dtype, shape, what, sizeOf(shape) <= FEW_ELEMENTS ? 'results' : 'pool')
    this.#assign(tensor, value)
    return value
  }

  /**
   * Records everything that outputs need; the results lie in C order, from their storages' begin on. Updates may stay
   * expressions. Call once.
   */
  run(outputs: readonly Tensor[], updates: readonly Tensor[] = []): DenseValue[] {
    const order = topologicalOrder([...outputs, ...updates])
    for (const node of order) {
      for (const input of new Set(node.inputs)) if (input) this.#count(input)
    }
    for (const root of [...outputs, ...updates]) this.#count(root)
    for (const root of outputs) this.#roots.add(root)
    this.#findLate(order, new Set([...outputs, ...updates]))
    // Loops copy states and slices as bytes.
    if (this.#resources.half && this.#arenas) this.#half = halfPrecisionTensors(order)
    for (const node of order) this.#step(node)
    return outputs.map((root) => this.full(this.value(root)))
  }

  /** Gives back what the roots occupied; the plan is complete. */
  finish(roots: readonly Tensor[]): void {
    this.#flush()
    for (const root of roots) this.#consumed(root)
    this.#sweep()
    for (const arena of Object.values(this.#arenas ?? {})) {
      for (const buffer of arena.buffers) this.#resources.pool.release(buffer)
    }
  }

  // Everything that leads to roots through waiting ops alone.
  #findLate(order: readonly Node[], roots: ReadonlySet<Tensor>): void {
    const users = new Map<Tensor, Node[]>()
    for (const node of order) {
      for (const input of new Set(node.inputs)) if (input) users.set(input, [...(users.get(input) ?? []), node])
    }
    for (const node of [...order].reverse()) {
      for (const output of node.outputs) {
        const readers = users.get(output) ?? []
        if (readers.length === 0 && !roots.has(output)) continue
        const waits = readers.every((reader) => WAITING.has(reader.op.type) && this.#late.has(reader.outputs[0]!))
        if (!waits) continue
        this.#late.add(output)
        if (!WAITING.has(node.op.type) && node.op !== ops.Parameter) {
          this.#gradientBytes += sizeOf(output.shape as readonly number[]) * ELEMENT_BYTES + GRADIENT_ALIGNMENT
        }
      }
    }
  }

  /** Whether a tensor is read by nothing but the new values of parameters. */
  late(tensor: Tensor): boolean {
    return this.#late.has(tensor)
  }

  /** Whether a tensor is stored in half precision. */
  half(tensor: Tensor): boolean {
    return this.#half.has(tensor) && !this.#late.has(tensor) && !this.#roots.has(tensor)
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
    const half = this.half(tensor)
    const value = this.#prepared(this.fit(found, { half }))
    const { expression } = value
    let settled = value
    if (expression.kind === 'apply') {
      const weight = weightOf(expression)
      const free = buffersOf(expression).size === 0 && weight <= FREE_OPERATIONS
      const late = this.#late.has(tensor)
      // Storing it costs one pass over its parts, one to write and one per reader; not storing, its parts per reader.
      const readers = this.#consumers.get(tensor)!
      const [parts, whole] = [elementsRead(expression, value.shape), sizeOf(value.shape)]
      const cheap = readers * parts <= (parts + whole + readers * whole) * SLACK
      const lazy =
        !this.#roots.has(tensor) &&
        (late ? weight <= MOST_LATE_OPERATIONS : (cheap || whole <= FEW_ELEMENTS) && weight <= MOST_OPERATIONS)
      if (!free && !lazy) settled = this.materialize(value, { half })
      else if (!free && readers > 1) settled = this.#follow(value) ?? value
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
  allocate(dtype: DType, shape: readonly number[], what: string, place: Place = 'pool'): DenseValue {
    const pooled = place === 'pool' || place === 'half'
    const half = place === 'half' ? this.#resources.half : undefined
    const bytes = sizeOf(shape) * elementBytes({ half })
    const arena = pooled ? undefined : this.#arenas?.[place]
    if (arena) return loadValue(dtype, shape, arena.place(bytes, requireElementType(dtype), what))
    const buffer = this.#resources.pool.acquire(bytes, what)
    const storage: Storage = { buffer, offset: 0, bytes, references: 0, pooled: true, shared: false, half }
    this.#idle.add(storage)
    return loadValue(dtype, shape, storage)
  }

  record(dispatch: Dispatch): void {
    this.#flush()
    this.#append(dispatch)
  }

  #append(dispatch: Dispatch): void {
    if (dispatch.workgroups.every((count) => count > 0)) this.#commands.push({ dispatch })
  }

  copy(copy: Copy): void {
    this.#flush()
    if (copy.bytes > 0) this.#commands.push({ copy })
  }

  /** Repeats what another planner recorded. */
  append(commands: readonly Command[]): void {
    this.#flush()
    this.#commands.push(...commands)
  }

  /**
   * Folds a value over its last axes, later or now: folds over the same elements are computed together.
   *
   * @param kept - How many axes stay.
   * @param shape - Of the result.
   */
  reduce(value: Value, kept: number, shape: readonly number[], fold: Fold): DenseValue {
    const { expression } = value
    const place = sizeOf(shape) <= SMALL ? 'results' : 'pool'
    if (!this.#joins(value, kept)) this.#flush()
    const target = this.allocate(value.dtype, shape, 'A reduction', place)
    this.#reduction ??= { shape: value.shape, kept, folds: [], after: [] }
    this.#reduction.folds.push({ expression, fold, target })
    this.#hold(target.expression, expression)
    return target
  }

  // Whether a fold goes over elements that the waiting ones read too.
  #joins({ expression, shape }: Value, kept: number): boolean {
    const waiting = this.#reduction
    if (!waiting || waiting.kept !== kept || waiting.shape.length !== shape.length) return false
    if (waiting.folds.length >= MOST_FOLDS) return false
    if (!shape.every((size, axis) => size === waiting.shape[axis])) return false
    const own = storagesOf(expression)
    if (targetsOf(waiting).some((target) => own.has(target))) return false
    const large = (parts: readonly Expression[]) =>
      parts.flatMap((part) => loadsOf(part).filter(({ strides }) => strides.every((s, i) => s !== 0 || shape[i] === 1)))
    const present = new Set(large(waiting.folds.map((fold) => fold.expression)).map(({ storage }) => storage))
    if (!large([expression]).some(({ storage }) => present.has(storage))) return false
    return this.#buffersOfReduction([expression]) <= MOST_BUFFERS
  }

  #buffersOfReduction(more: readonly Expression[]): number {
    const { folds, after } = this.#reduction!
    const read = [...folds.map(({ expression }) => expression), ...after.map(({ value }) => value.expression), ...more]
    return new Set([
      ...read.flatMap((expression) => [...buffersOf(expression)]),
      ...[...folds, ...after].map(({ target }) => target.expression.storage.buffer),
    ]).size
  }

  #hold(...expressions: readonly Expression[]): void {
    for (const expression of expressions) {
      for (const storage of storagesOf(expression)) {
        storage.references++
        this.#held.push(storage)
      }
    }
  }

  #flush(): void {
    const reduction = this.#reduction
    if (!reduction) return
    this.#reduction = undefined
    this.#append(reductionKernel(reduction))
    for (const storage of this.#held) {
      storage.references--
      if (storage.references === 0) this.#idle.add(storage)
    }
    this.#held.length = 0
  }

  // Computes a value in the kernel of the waiting folds, if it has one element for each of their results.
  #follow(value: Value): DenseValue | undefined {
    const reduction = this.#reduction
    if (!reduction || !this.#arenas || sizeOf(value.shape) > SMALL || !canFollow(reduction, value)) return undefined
    if (this.#buffersOfReduction([value.expression]) > MOST_BUFFERS) return undefined
    const target = this.allocate(value.dtype, value.shape, 'A result', 'results')
    reduction.after.push({ value, target })
    this.#hold(target.expression, value.expression)
    return target
  }

  // Takes parts with few elements out of a large expression: the kernel of the waiting folds computes them once.
  #prepared(value: Value): Value {
    if (!this.#reduction || value.expression.kind !== 'apply') return value
    const { shape } = value
    const whole = sizeOf(shape)
    let expression: Expression = value.expression
    if (whole < MUCH_SMALLER) return value
    const search = (part: Expression): void => {
      if (part.kind !== 'apply') return
      const axes = axesOf(part, shape)
      if (sizeOf(axes.map((axis) => shape[axis]!)) * MUCH_SMALLER > whole) {
        part.args.forEach(search)
        return
      }
      if (weightOf(part) < 2 || buffersOf(part).size === 0) return
      const small = axes.map((axis) => shape[axis]!)
      const dtype = partTypes[part.element]
      const computed = this.#follow({ dtype, shape: small, expression: remap(part, axes) })
      if (!computed) return
      const back = shape.map((_, axis) => (axes.includes(axis) ? axes.indexOf(axis) : undefined))
      expression = substitute(expression, part, remap(computed.expression, back))
    }
    search(expression)
    return expression === value.expression ? value : { ...value, expression }
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

  /**
   * The same value with parts computed beforehand, so that one kernel can bind all its buffers.
   *
   * @param options.half - Whether parts are stored in half precision. Default: as `materialize` does.
   */
  fit(value: Value, options: { readonly half?: boolean } = {}): Value {
    let { expression } = value
    while (buffersOf(expression).size > MOST_BUFFERS) {
      const part = largestPart(expression)
      const computed = this.materialize(
        { dtype: partTypes[part.element], shape: value.shape, expression: part },
        options,
      )
      expression = substitute(expression, part, computed.expression)
    }
    return expression === value.expression ? value : { ...value, expression }
  }

  /** The value in C order, from offset 0 on, as the bytes of its dtype: for copies between buffers. */
  full(value: Value): DenseValue {
    const dense = this.dense(value)
    return dense.expression.storage.half === undefined ? dense : this.materialize(dense, { half: false })
  }

  /**
   * Computes an expression into new memory.
   *
   * @param options.half - Whether that is half precision. Default: as the tensor is stored whose value it is.
   */
  materialize(value: Value, options: { readonly half?: boolean } = {}): DenseValue {
    const owner = this.#owners.get(value)
    let result = this.#follow(value)
    if (!result) {
      const half = options.half ?? (owner !== undefined && this.half(owner))
      const fitted = this.fit(value, { half })
      // What the kernel reads may still wait to be computed.
      this.#flush()
      const place = sizeOf(value.shape) <= SMALL ? 'results' : half ? 'half' : 'pool'
      result = this.allocate(value.dtype, value.shape, 'A result', place)
      this.record(elementwise(fitted, result.expression))
    }
    if (owner && !this.#bound.has(owner)) {
      this.#drop(value)
      this.#assign(owner, result)
    }
    return result
  }

  /** A planner of a loop's body, working with the same buffers. */
  inner(): Planner {
    return new Planner(this.#resources, { loop: true })
  }
}

// Values of so few elements are computed again by every reader, rather than by a kernel of their own.
const FEW_ELEMENTS = 4096
// What a place in the arena of gradients may take more than its bytes.
const GRADIENT_ALIGNMENT = 16

const targetsOf = ({ folds, after }: Reduction): Storage[] =>
  [...folds, ...after].map(({ target }) => target.expression.storage)

// Axes of the shape along which an expression changes.
function axesOf(expression: Expression, shape: readonly number[]): number[] {
  const axes = new Set<number>()
  visit(expression, (node) => {
    if (node.kind === 'coordinate') axes.add(node.axis)
    else if (node.kind === 'load') for (const [axis, stride] of node.strides.entries()) if (stride !== 0) axes.add(axis)
  })
  return shape.flatMap((size, axis) => (size > 1 && axes.has(axis) ? [axis] : []))
}

const partTypes = { f32: 'float32', i32: 'int32', u32: 'uint32' } as const satisfies Record<string, DType>

// The part that reads most buffers, but not too many. Ops have few operands, so there always is one.
function largestPart(expression: Expression): Apply {
  let largest: Apply | undefined
  let most = 1
  visit(expression, (node) => {
    if (node.kind !== 'apply' || node === expression) return
    const buffers = buffersOf(node).size
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
    batchable: true,
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
    return this.planner.allocate(this.node.outputs[i]!.dtype, this.outputShape(i), this.node.describe(), this.place(i))
  }

  /** Where output `i` belongs, if a kernel writes it that reads no other gradient. */
  place(i = 0): Place {
    const output = this.node.outputs[i]!
    if (this.planner.late(output)) return 'gradients'
    return this.planner.half(output) ? 'half' : 'pool'
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
