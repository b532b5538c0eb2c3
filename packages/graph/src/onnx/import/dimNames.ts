import type { Dim, Shape } from '../../dim.js'
import type { TensorShapeProto } from '../proto/model.js'
import { parseDimExpression } from './dimExpression.js'

/** Turns the axes of an ONNX file into dims: sizes, the file's symbols, and new symbols for axes that have no name. */
export class DimNames {
  readonly #symbols = new Map<string, Dim>()
  readonly #taken = new Set<string>()

  /**
   * @param dims - Sizes or other names to put in the place of the file's symbols.
   */
  constructor(dims: Readonly<Record<string, Dim>> = {}) {
    for (const [symbol, dim] of Object.entries(dims)) {
      this.#symbols.set(symbol, dim)
      if (typeof dim === 'string') this.#taken.add(dim)
    }
  }

  /** Reserves the plain names that a graph uses, so that new symbols differ from them. */
  reserve(shapes: Iterable<TensorShapeProto | undefined>): void {
    for (const shape of shapes) {
      for (const { dimParam } of shape?.dim ?? []) {
        for (const name of dimParam?.match(/[A-Za-z_][\w.]*/g) ?? []) this.#taken.add(name)
      }
    }
  }

  /** The dims of a declared shape; `name` makes symbols for axes without size and name. */
  shape(proto: TensorShapeProto, name: string): Shape {
    return proto.dim.map(({ dimValue, dimParam }, axis): Dim => {
      if (dimValue !== undefined && Number.isSafeInteger(dimValue) && dimValue >= 0) return dimValue
      if (dimParam) return this.#symbol(dimParam)
      return this.#fresh(`${name}_dim_${axis}`)
    })
  }

  #symbol(text: string): Dim {
    const known = this.#symbols.get(text)
    if (known !== undefined) return known
    const parsed = parseDimExpression(text, (name) => this.#symbols.get(name) ?? name)
    const dim = parsed === undefined || (typeof parsed === 'number' && parsed < 0) ? this.#fresh(text) : parsed
    this.#symbols.set(text, dim)
    return dim
  }

  // A plain symbol: no character of it may be read as a formula.
  #fresh(text: string): string {
    const plain = text.replace(/\W+/g, '_').replace(/^(?=\d)|^$/, '_')
    let name = plain
    for (let i = 2; this.#taken.has(name); i++) name = `${plain}_${i}`
    this.#taken.add(name)
    return name
  }
}
