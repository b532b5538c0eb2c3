import type { Dim, Shape } from '../dim.js'
import type { TensorDimension, TensorShapeProto } from './proto/model.js'

/**
 * Writes shapes into a model. A symbol that an input has as an axis keeps its name wherever it occurs; any other size of
 * an output (one that is computed, or found at run time) is named after the output and axis that has it first.
 */
export class DimParams {
  readonly #names = new Map<string, string>()
  readonly #taken: Set<string>

  constructor(inputs: readonly Shape[]) {
    for (const dim of inputs.flat()) if (typeof dim === 'string') this.#names.set(dim, dim)
    this.#taken = new Set(this.#names.keys())
  }

  /** The shape of an input or output; `name` is its name. */
  named(shape: Shape, name: string): TensorShapeProto {
    return {
      dim: shape.map((dim, axis): TensorDimension => {
        if (typeof dim === 'number') return { dimValue: dim }
        let known = this.#names.get(dim)
        if (known === undefined) {
          known = this.#fresh(`${name}_dim_${axis}`)
          this.#names.set(dim, known)
        }
        return { dimParam: known }
      }),
    }
  }

  /** The shape of a value inside: sizes without a name so far stay open. */
  open(shape: Shape): TensorShapeProto {
    return {
      dim: shape.map((dim: Dim): TensorDimension => {
        if (typeof dim === 'number') return { dimValue: dim }
        const known = this.#names.get(dim)
        return known === undefined ? {} : { dimParam: known }
      }),
    }
  }

  #fresh(text: string): string {
    let name = text
    for (let i = 2; this.#taken.has(name); i++) name = `${text}_${i}`
    this.#taken.add(name)
    return name
  }
}
