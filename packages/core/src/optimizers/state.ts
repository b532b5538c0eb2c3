import { type Parameter, Parameter as ParameterClass, sizeOf, type TensorData } from '@nemo/graph'

/** States of an optimiser, made when first asked for, one per weight and kind. */
export class OptimizerState {
  readonly #states = new Map<string, Parameter>()

  /** The state `kind` of a weight, of the weight's own shape and zero at the start. */
  like(kind: string, weight: Parameter, fill = 0): Parameter {
    return this.get(kind, weight, weight.shape, fill)
  }

  /** The state `kind` of a weight with a shape of its own. */
  get(kind: string, weight: Parameter, shape: readonly number[], fill = 0): Parameter {
    const name = `${kind}.${weight.name}`
    let state = this.#states.get(name)
    if (!state) {
      const value: TensorData<'float32'> = { dtype: 'float32', shape, data: new Float32Array(sizeOf(shape)).fill(fill) }
      state = new ParameterClass(name, value, 'state')
      this.#states.set(name, state)
    }
    return state
  }

  /** All states by name. */
  all(): ReadonlyMap<string, Parameter> {
    return this.#states
  }
}
