import { NeuralTypeComparisonResult } from './comparison.js'

/** Key under which an element type tells the compiler which plain JavaScript values stand for it. No run-time value. */
export declare const hostValue: unique symbol

/** A class of element types that needs no arguments, such as `SpectrogramType`. */
export type ElementClass<Element extends ElementType> = new () => Element

/**
 * What the numbers of a tensor mean. Subclasses are the vocabulary: where a port wants an element type, it takes every
 * subclass of it too. Extend it, or any of its subclasses, for meanings of your own:
 *
 * ```ts
 * export class BoundingBoxType extends ElementType {
 *   protected declare readonly boundingBoxType: true
 *   override readonly fields = ['x', 'y', 'width', 'height']
 * }
 * ```
 *
 * The `protected declare` line costs nothing at run time. It tells the compiler that the class is not
 * interchangeable with its base; without it only the run-time check tells the two apart.
 *
 * Source: NeMo v1.0.0 `nemo.core.neural_types.elements.ElementType`.
 */
export class ElementType {
  /** Plain JavaScript values that a port of this type takes besides tensors. */
  declare readonly [hostValue]?: unknown

  /** Parameters such as a sampling rate. Types match when all parameters do; null matches any value. */
  readonly typeParameters: Readonly<Record<string, unknown>> = {}

  /** Names of the entries of the last axis, when it holds a structure such as a bounding box. */
  readonly fields: readonly string[] | null = null

  /** The class name, for messages and tables. */
  get name(): string {
    return this.constructor.name
  }

  /** Compares this wanted type with an offered one. */
  compare(second: ElementType): NeuralTypeComparisonResult {
    if (this.constructor !== second.constructor) {
      if (this instanceof second.constructor) return NeuralTypeComparisonResult.LESS
      if (second instanceof this.constructor) return NeuralTypeComparisonResult.GREATER
      return NeuralTypeComparisonResult.INCOMPATIBLE
    }
    if (!sameParameters(this.typeParameters, second.typeParameters)) {
      return NeuralTypeComparisonResult.SAME_TYPE_INCOMPATIBLE_PARAMS
    }
    return sameValue(this.fields, second.fields)
      ? NeuralTypeComparisonResult.SAME
      : NeuralTypeComparisonResult.INCOMPATIBLE
  }

  /** The class name with the parameters that are set: `AudioSignal(freq=16000)`. */
  toString(): string {
    const parameters = Object.entries(this.typeParameters)
      .filter(([, value]) => value !== null && value !== undefined)
      .map(([key, value]) => `${key}=${String(value)}`)
    return parameters.length === 0 ? this.name : `${this.name}(${parameters.join(', ')})`
  }
}

function sameParameters(a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): boolean {
  const keys = Object.keys(a)
  if (keys.length !== Object.keys(b).length) return false
  return keys.every((key) => {
    if (!Object.hasOwn(b, key)) return false
    const [first, second] = [a[key] ?? null, b[key] ?? null]
    return first === null || second === null || sameValue(first, second)
  })
}

function sameValue(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => sameValue(item, b[index]))
  }
  return Object.is(a, b)
}
