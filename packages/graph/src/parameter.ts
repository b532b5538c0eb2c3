import { type DType, type TensorData, type TensorLike, tensorData } from './dtype.js'
import { FeedError } from './errors.js'
import { defineOp, stopsGradient } from './op.js'
import { Node, Tensor } from './tensor.js'

/** What a parameter is for: trained weight, buffer (running statistics) or state of an optimiser. */
export type ParameterRole = 'parameter' | 'buffer' | 'state'

/** Where a runtime keeps parameters between runs. */
export interface ParameterStore {
  read(parameter: Parameter): Promise<TensorData>
  release(parameter: Parameter): void
}

/** A named value that lives between runs and that programs may update. */
export const ParameterLeaf = defineOp({
  type: 'Parameter',
  domain: 'nemo',
  since: 1,
  attributes: { name: { kind: 'string' } },
  infer: () => [],
  grad: stopsGradient('a leaf'),
})

/**
 * A tensor with a value that lives between runs: a weight, a running statistic, an optimiser's moment. Programs read
 * it without copying and replace it through `updates`. The runtime that last wrote it owns the newest value.
 */
export class Parameter extends Tensor {
  /** Name in a state dict. Modules fill it in when they are named. */
  name: string
  readonly role: ParameterRole
  /** False while frozen: gradients are not computed for it. */
  requiresGrad: boolean
  #host: TensorData | undefined
  #owner: ParameterStore | undefined
  #version = 0

  constructor(name: string, value: TensorData, role: ParameterRole = 'parameter') {
    super(new Node(ParameterLeaf, [], { name }, []), 0, { dtype: value.dtype, shape: value.shape })
    // A leaf is its node's only output.
    ;(this.node.outputs as Tensor[]).push(this)
    this.name = name
    this.role = role
    this.requiresGrad = role === 'parameter'
    this.#host = value
  }

  declare readonly shape: readonly number[]

  /** Grows by one whenever the value changes, by `set` or by a program's update. */
  get version(): number {
    return this.#version
  }

  /** The newest value; copies it from the device if need be. The array must not be written to. */
  async value(): Promise<TensorData> {
    if (this.#owner) return this.#owner.read(this)
    return this.#host!
  }

  /** The value if it lies on the host. Runtimes use this; others want `value()`. */
  get hostValue(): TensorData | undefined {
    return this.#owner ? undefined : this.#host
  }

  /**
   * Replaces the value.
   *
   * @throws FeedError if dtype or shape differ.
   */
  set(value: TensorLike): void {
    const data = tensorData(value, this.dtype, typeof value === 'object' && 'dtype' in value ? undefined : this.shape)
    if (data.shape.length !== this.shape.length || data.shape.some((dim, i) => dim !== this.shape[i])) {
      throw new FeedError(
        `Parameter ${this.name}: expected shape [${this.shape.join(', ')}], found [${data.shape.join(', ')}].`,
      )
    }
    this.#owner?.release(this)
    this.#owner = undefined
    this.#host = data
    this.#version++
  }

  /** Called by a runtime that takes the value over; the host copy is dropped. */
  moveTo(owner: ParameterStore): void {
    if (this.#owner && this.#owner !== owner) this.#owner.release(this)
    this.#owner = owner
    this.#host = undefined
  }

  /** Called by a runtime that ends and gives the value back; the value stays the same. */
  comeHome(value: TensorData): void {
    this.#owner = undefined
    this.#host = value
  }

  get owner(): ParameterStore | undefined {
    return this.#owner
  }

  /** Called by a runtime whose program has updated the value. */
  touch(): void {
    this.#version++
  }
}

/**
 * Makes a parameter.
 *
 * @param value - Initial value, e.g. from an initialiser.
 */
export function parameter(
  name: string,
  value: TensorLike,
  options: { dtype?: DType; role?: ParameterRole } = {},
): Parameter {
  const dtype = options.dtype ?? (typeof value === 'object' && 'dtype' in value ? value.dtype : 'float32')
  return new Parameter(name, tensorData(value, dtype), options.role)
}
