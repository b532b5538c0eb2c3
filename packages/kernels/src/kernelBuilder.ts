import { ELEMENT_BYTES, type ElementType } from './elementType.js'
import { UnsupportedGraphError } from './errors.js'
import { denseStrides, type Expression, isDense, type Load } from './expression.js'
import { halfReads } from './halfStorage.js'
import { elementBytes, type Storage } from './storage.js'
import { functionsUsedIn } from './wgslFunctions.js'

/** A kernel with everything it works on, ready to be recorded. Equal `code` means an equal pipeline. */
export interface Dispatch {
  /** Name of the kernel, for profiles and messages. */
  readonly label: string
  readonly code: string
  /** Numbers that the kernel depends on, 32 bits each: one struct of uniforms, or a table with one for each segment. */
  readonly uniforms: Uint32Array<ArrayBuffer>
  /** How the numbers are bound. */
  readonly numbers: 'uniform' | 'table'
  /** Binding i + 1. */
  readonly buffers: readonly GPUBuffer[]
  /** One letter per buffer: `w` if the kernel writes it, else `r`. */
  readonly access: string
  readonly reads: readonly Storage[]
  readonly writes: readonly Storage[]
  readonly workgroups: readonly [number, number, number]
  /** What it moves and computes, whatever the device's caches do. */
  readonly cost: DispatchCost
  /** How to run several of its kind as one; only kernels that number their workgroups in one dimension have it. */
  readonly batch?: BatchParts
}

/** The text of a kernel whose numbers may come from a table. */
export interface BatchParts {
  readonly fields: readonly string[]
  readonly bindings: string
  readonly shared: string
  readonly body: string
  readonly threads: number
}

/** Work of one kernel, known from its shapes alone. */
export interface DispatchCost {
  /** Bytes of all elements that it reads, each counted once. */
  readonly bytesRead: number
  /** Bytes of all elements that it writes. */
  readonly bytesWritten: number
  /** Additions, multiplications and other float operations; 0 for kernels that only move data. */
  readonly flops: number
}

/** Most workgroups that every device takes in one dimension. */
const WORKGROUPS_PER_DIMENSION = 65535

/** Most storage buffers that every device binds in one kernel. */
const MOST_BINDINGS = 8

/** Threads in a workgroup of kernels without a better number of their own. */
export const THREADS = 64

/** Spreads workgroups over two dimensions; kernels count them as y * columns + x. */
export function spread(count: number): readonly [number, number, number] {
  if (count <= WORKGROUPS_PER_DIMENSION) return [count, 1, 1]
  const rows = Math.ceil(count / WORKGROUPS_PER_DIMENSION)
  return [Math.ceil(count / rows), rows, 1]
}

/** WGSL for a finite float32. */
export function floatLiteral(value: number): string {
  const text = String(Math.fround(value))
  return `${value < 0 ? `(${text}` : text}f${value < 0 ? ')' : ''}`
}

/** Statements, and the expression that they prepare. */
export interface Emitted {
  readonly statements: string
  readonly value: string
}

/**
 * Collects what a kernel reads and writes and the numbers it depends on. Numbers that change with lengths become
 * uniforms, so that the code (and with it the pipeline) stays the same.
 */
export class KernelBuilder {
  readonly #label: string
  readonly #fields: string[] = []
  readonly #uniforms: number[] = []
  readonly #slots: Slot[] = []
  #variables = 0

  constructor(label: string) {
    this.#label = label
  }

  /** A uniform i32. */
  integer(value: number): string {
    return this.bits(value >>> 0, 'i32')
  }

  /** A uniform u32. */
  natural(value: number): string {
    return this.bits(value, 'u32')
  }

  /** A uniform of given bits. */
  bits(bits: number, element: ElementType): string {
    const name = `u${this.#fields.length}`
    this.#fields.push(`${name}: ${element}`)
    this.#uniforms.push(bits >>> 0)
    return `p.${name}`
  }

  /** A variable name that nothing else in the kernel has. */
  variable(): string {
    return `v${this.#variables++}`
  }

  /**
   * Binds a storage to read; its elements are `name[position]`.
   *
   * @param region - Names the elements that are read, if they are not all, and how many bytes they are.
   */
  read(storage: Storage, element: ElementType, region?: { readonly name: string; readonly bytes: number }): string {
    const at = this.#slot(storage, element)
    this.#slots[at]!.regions.set(region?.name ?? '', region?.bytes ?? storage.bytes)
    return `b${at}`
  }

  /** Binds a storage to write. A kernel that reads it too must read an element before any thread writes it. */
  write(storage: Storage, element: ElementType): string {
    const at = this.#slot(storage, element)
    this.#slots[at]!.writable = true
    return `b${at}`
  }

  #slot(storage: Storage, element: ElementType): number {
    const at = this.#slots.findIndex((slot) => slot.storage === storage)
    return at >= 0 ? at : this.#slots.push({ storage, element, writable: false, regions: new Map() }) - 1
  }

  /** Sizes as uniforms. */
  sizes(shape: readonly number[]): string[] {
    return shape.map((size) => this.integer(size))
  }

  /** Statements that split a flat i32 index into coordinates, and their names. */
  coordinates(flat: string, sizes: readonly string[]): { statements: string; names: string[] } {
    if (sizes.length === 0) return { statements: '', names: [] }
    if (sizes.length === 1) return { statements: '', names: [flat] }
    const names = sizes.map(() => this.variable())
    const rest = this.variable()
    let statements = `var ${rest} = ${flat};\n`
    for (let axis = sizes.length - 1; axis > 0; axis--) {
      statements += `let ${names[axis]} = ${rest} % ${sizes[axis]};\n${rest} = ${rest} / ${sizes[axis]};\n`
    }
    return { statements: `${statements}let ${names[0]} = ${rest};\n`, names }
  }

  /**
   * Code for one element of an expression.
   *
   * @param coordinates - i32 expressions, one per axis.
   * @param flat - The flat index, if it is at hand: dense loads use it.
   */
  emit(expression: Expression, shape: readonly number[], coordinates: readonly string[], flat?: string): Emitted {
    const { statements, values } = this.emitAll([expression], shape, coordinates, flat)
    return { statements, value: values[0]! }
  }

  /** The same for several expressions, which share what they have in common. */
  emitAll(
    expressions: readonly Expression[],
    shape: readonly number[],
    coordinates: readonly string[],
    flat?: string,
  ): { readonly statements: string; readonly values: readonly string[] } {
    const values = new Map<Expression, string>()
    // Equal leaves and equal operations on them have one variable, even where they are several objects.
    const leaves = new Map<string, string>()
    const variables = new Map<string, string>()
    let statements = ''
    const named = (text: string): string => {
      let name = variables.get(text)
      if (name === undefined) {
        name = this.variable()
        variables.set(text, name)
        statements += `let ${name} = ${text};\n`
      }
      return name
    }
    const leaf = (key: string, make: () => string): string => {
      const known = leaves.get(key) ?? make()
      leaves.set(key, known)
      return known
    }
    const walk = (node: Expression): string => {
      const known = values.get(node)
      if (known !== undefined) return known
      let text: string
      if (node.kind === 'scalar') text = leaf(`${node.element} ${node.bits}`, () => this.bits(node.bits, node.element))
      else if (node.kind === 'coordinate') {
        const { axis, scale, offset } = node
        text = leaf(`${axis} ${scale} ${offset}`, () => this.#coordinate(scale, offset, coordinates[axis]!))
      } else if (node.kind === 'load') {
        const key = `${this.#slot(node.storage, node.element)} ${node.offset}:${node.strides.join(',')}`
        text = leaf(key, () => named(this.#load(node, shape, coordinates, flat)))
      } else text = named(node.emit(node.args.map(walk)))
      values.set(node, text)
      return text
    }
    const results = expressions.map(walk)
    return { statements, values: results }
  }

  #coordinate(scale: number, offset: number, name: string): string {
    const scaled = scale === 1 ? name : `${name} * ${this.integer(scale)}`
    return offset === 0 ? `(${scaled})` : `(${scaled} + ${this.integer(offset)})`
  }

  #load(load: Load, shape: readonly number[], coordinates: readonly string[], flat: string | undefined): string {
    const touched = load.strides.reduce((count, stride, axis) => (stride === 0 ? count : count * shape[axis]!), 1)
    const buffer = this.read(load.storage, load.element, {
      name: `${load.offset}:${load.strides.join(',')}`,
      bytes: touched * elementBytes(load.storage),
    })
    if (flat !== undefined && load.offset === 0 && isDense(load, shape)) return `${buffer}[${flat}]`
    return `${buffer}[${this.position(load, shape, coordinates)}]`
  }

  /** Position of an element in its buffer, an i32 expression. */
  position(load: Load, shape: readonly number[], coordinates: readonly string[]): string {
    const terms = load.strides.flatMap((stride, axis) => {
      if (stride === 0 || shape[axis] === 1) return []
      return stride === 1 ? [coordinates[axis]!] : [`${coordinates[axis]} * ${this.integer(stride)}`]
    })
    if (load.offset !== 0) terms.push(this.integer(load.offset))
    return terms.length === 0 ? '0' : terms.join(' + ')
  }

  /** Strides of a dense tensor as i32 expressions; the last is 1. */
  strides(shape: readonly number[]): string[] {
    return denseStrides(shape).map((stride) => (stride === 1 ? '1' : this.integer(stride)))
  }

  /**
   * Puts the kernel together. In the body `group` is the workgroup's flat number, `local` the thread's number in it and
   * `index` the thread's flat number, all i32; `group3` is the workgroup's place in three dimensions.
   *
   * @param options.shared - Declarations of workgroup memory, and functions.
   * @param options.flops - See DispatchCost. Default 0.
   * @param options.batchable - Whether several such kernels may run as one: it uses `group` and `index` alone, and its
   * workgroups past the end return. Default false.
   */
  finish(options: {
    readonly body: string
    readonly workgroups: readonly [number, number, number]
    readonly threads?: number
    readonly shared?: string
    readonly flops?: number
    readonly batchable?: boolean
  }): Dispatch {
    const { workgroups, threads = THREADS, shared = '', flops = 0, batchable = false } = options
    // Storages of one shared buffer are one binding.
    const bindings: { readonly buffer: GPUBuffer; readonly element: string; writable: boolean }[] = []
    const byBuffer = new Map<GPUBuffer, number>()
    const places = this.#slots.map(({ storage, element, writable }, slot) => {
      const { buffer } = storage
      let at = byBuffer.get(buffer)
      if (at === undefined) {
        at = bindings.push({ buffer, element: bufferElement(storage, element), writable: false }) - 1
        byBuffer.set(buffer, at)
      }
      if (writable) bindings[at]!.writable = true
      if (!storage.shared) return `buffer${at}[`
      this.#fields.push(`o${slot}: i32`)
      this.#uniforms.push(storage.offset / ELEMENT_BYTES)
      return `buffer${at}[p.o${slot} + `
    })
    if (bindings.length + (batchable ? 1 : 0) > MOST_BINDINGS) {
      throw new UnsupportedGraphError(
        `Kernel ${this.#label} would bind ${bindings.length} buffers; devices promise ${MOST_BINDINGS}. Please report the program.`,
      )
    }
    const formats = this.#slots.map(({ storage }) => storage.half)
    const body = halfReads(options.body, formats).replace(/\bb(\d+)\[/g, (_, slot) => places[Number(slot)]!)
    const buffers = bindings
      .map(
        ({ element, writable }, i) =>
          `@group(0) @binding(${i + 1}) var<storage, ${writable ? 'read_write' : 'read'}> buffer${i}: array<${element}>;\n`,
      )
      .join('')
    const uniforms =
      this.#fields.length === 0
        ? ''
        : `struct Uniforms { ${this.#fields.join(', ')} }\n@group(0) @binding(0) var<uniform> p: Uniforms;\n`
    const parts: BatchParts = { fields: this.#fields, bindings: buffers, shared, body, threads }
    return {
      label: this.#label,
      code: kernelCode(
        parts,
        uniforms,
        `let group = i32(group3.y * groups3.x + group3.x);
let index = group * THREADS + local;
`,
      ),
      uniforms: Uint32Array.from(this.#uniforms),
      numbers: 'uniform',
      buffers: bindings.map(({ buffer }) => buffer),
      access: bindings.map(({ writable }) => (writable ? 'w' : 'r')).join(''),
      reads: this.#slots.filter(({ regions }) => regions.size > 0).map(({ storage }) => storage),
      writes: this.#slots.filter(({ writable }) => writable).map(({ storage }) => storage),
      workgroups,
      cost: {
        bytesRead: sum(this.#slots.map(bytesReadOf)),
        bytesWritten: sum(this.#slots.filter(({ writable }) => writable).map(({ storage }) => storage.bytes)),
        flops,
      },
      ...(batchable && { batch: parts }),
    }
  }
}

const HALF_BUFFER = 'array<f16>'

const bufferElement = ({ half }: Storage, element: ElementType): string =>
  half === undefined ? element : half === 'f16' ? 'f16' : 'u32'

/** A kernel's text; `head` says what `group`, `index` and `p` are. */
export const kernelCode = ({ bindings, shared, body, threads }: BatchParts, numbers: string, head: string): string =>
  `${bindings.includes(HALF_BUFFER) ? 'enable f16;\n' : ''}${numbers}${bindings}${shared}${functionsUsedIn(`${shared}${body}`)}
const THREADS = ${threads}i;
@compute @workgroup_size(${threads})
fn main(
  @builtin(workgroup_id) group3: vec3<u32>,
  @builtin(num_workgroups) groups3: vec3<u32>,
  @builtin(local_invocation_index) local_index: u32,
) {
let local = i32(local_index);
${head}${body}}
`

interface Slot {
  readonly storage: Storage
  readonly element: ElementType
  writable: boolean
  /** Bytes of each part that is read. */
  readonly regions: Map<string, number>
}

// Parts may overlap, but a storage holds no more than its bytes.
const bytesReadOf = ({ storage, regions }: Slot): number => Math.min(storage.bytes, sum([...regions.values()]))

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)
