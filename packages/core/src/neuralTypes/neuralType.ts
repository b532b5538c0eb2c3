import { type AnyAxisType, AxisKind } from './axes.js'
import { isAccepted, NeuralTypeComparisonResult } from './comparison.js'
import { type ElementClass, ElementType } from './elementType.js'
import { VoidType } from './elementTypes.js'
import { NeuralPortNmTensorMismatchError, NeuralTypeDefinitionError } from './errors.js'
import { type AxesNotation, type CheckedAxes, formatAxes, type Layout, type LayoutOf, parseAxes } from './layout.js'

/** Any neural type, whatever the compiler knows of it. */
export type AnyNeuralType = NeuralType<Layout, ElementType>

/** Options of a port. */
export interface PortOptions<Optional extends boolean = boolean> {
  /** Whether the port may be left open. Default false. */
  readonly optional?: Optional
  /** Name of the port in NeMo and in ONNX files, where it is not the snake_case of its key. */
  readonly name?: string
}

/**
 * What a tensor is: its axes and the meaning of its elements. Ports are declared with {@link port}, which tells the
 * compiler the axes as well; the constructor leaves them to the run-time check.
 *
 * @typeParam L - The axes as the compiler knows them.
 * @typeParam Element - The element type.
 *
 * Source: NeMo v1.0.0 `nemo.core.neural_types.neural_type.NeuralType`.
 */
export class NeuralType<out L extends Layout = Layout, out Element extends ElementType = ElementType> {
  /** The axes for the compiler; it does not exist at run time. */
  declare protected readonly layout: L
  /** The axes from the first to the last, or null when none were given. */
  readonly axes: readonly AnyAxisType[] | null
  readonly elementsType: Element
  /** Whether a port of this type may be left open. */
  readonly optional: boolean
  /** Name of the port in NeMo and in ONNX files, where it was given. */
  readonly portName: string | null

  /**
   * @param axes - Axes in any notation. Default null: no axes.
   * @param elementsType - The element type or its class. Default VoidType.
   * @throws NeuralTypeDefinitionError for unknown axis names, mixed notations, and lists after tensor axes.
   */
  constructor(axes: AxesNotation = null, elementsType?: Element | ElementClass<Element>, options: PortOptions = {}) {
    this.axes = parseAxes(axes)
    this.elementsType = instanceOf(elementsType ?? VoidType) as Element
    this.optional = options.optional ?? false
    this.portName = options.name ?? null
  }

  /** The axes in short: `[B, D:64, T]`, or `none`. */
  get axesText(): string {
    return this.axes === null ? 'none' : `[${formatAxes(this.axes).split(' ').join(', ')}]`
  }

  /**
   * Compares this wanted type with an offered one, exactly as NeMo does: an `Any` axis forgives mismatches of the axes
   * before it, and `DIM_INCOMPATIBLE` and `TRANSPOSE_SAME` are given only for equal element types.
   */
  compare(second: AnyNeuralType): NeuralTypeComparisonResult {
    if (this.axes === null) {
      if (this.elementsType instanceof VoidType) return NeuralTypeComparisonResult.SAME
      return second.axes === null
        ? this.elementsType.compare(second.elementsType)
        : NeuralTypeComparisonResult.INCOMPATIBLE
    }
    const elements = this.elementsType.compare(second.elementsType)
    const axes = compareAxes(this.axes, second.axes)
    if (axes === NeuralTypeComparisonResult.SAME) return elements
    return elements === NeuralTypeComparisonResult.SAME ? axes : NeuralTypeComparisonResult.INCOMPATIBLE
  }

  /** Whether a port of this type takes a tensor of the other: `compare` gives `SAME` or `GREATER`. */
  accepts(second: AnyNeuralType): boolean {
    return isAccepted(this.compare(second))
  }

  /**
   * Throws unless a port of this type takes the second type, or the type of the second tensor.
   *
   * @param parentTypeName - Name of the module that the port belongs to.
   * @param portName - Name of the port.
   * @throws NeuralPortNmTensorMismatchError with both types, the result and a remedy.
   */
  compareAndRaiseError(
    parentTypeName: string,
    portName: string,
    second: AnyNeuralType | { readonly neuralType?: AnyNeuralType },
  ): void {
    const found = second instanceof NeuralType ? second : second.neuralType
    if (found === undefined) return
    const result = this.compare(found)
    if (!isAccepted(result)) {
      throw new NeuralPortNmTensorMismatchError(`In ${parentTypeName}, port ${portName}`, this, found, result)
    }
  }

  /** NeMo's spelling: `axes: (batch, dimension, time); elements_type: SpectrogramType`. */
  toString(): string {
    return `axes: ${this.axes === null ? 'None' : `(${this.axes.join(', ')})`}; elements_type: ${this.elementsType}`
  }
}

/** What `port` returns: a neural type of which the compiler knows whether the port may be left open. */
export type Port<L extends Layout, Element extends ElementType, Optional extends boolean> = NeuralType<L, Element> & {
  readonly optional: Optional
}

/**
 * Declares a port: `port('B D T', SpectrogramType)`, `port('B T', AudioSignal({ freq: 16000 }))`,
 * `port('B', LengthsType, { optional: true })`, `port('B D:64 T', ChannelType)`, `port(null, LossType)`.
 * A list of tensors is `[port(...)]`, a list of lists `[[port(...)]]`.
 *
 * @param axes - Axes in any notation; null for none.
 * @param elementsType - The element type or its class. Default VoidType.
 * @throws NeuralTypeDefinitionError for unknown axis names, mixed notations, and lists after tensor axes.
 */
export function port<
  const Axes extends AxesNotation,
  Element extends ElementType = VoidType,
  const Optional extends boolean = false,
>(
  axes: Axes & CheckedAxes<Axes>,
  elementsType?: Element | ElementClass<Element>,
  options?: PortOptions<Optional>,
): Port<LayoutOf<Axes>, Element, Optional> {
  return new NeuralType<LayoutOf<Axes>, Element>(axes, elementsType, options) as Port<LayoutOf<Axes>, Element, Optional>
}

function instanceOf(element: ElementType | ElementClass<ElementType>): ElementType {
  const instance = typeof element === 'function' ? new element() : element
  if (instance instanceof ElementType) return instance
  throw new NeuralTypeDefinitionError(
    `the element type of a neural type is ${String(element)}: expected ElementType, a subclass of it, or an instance of one.`,
  )
}

function compareAxes(
  wanted: readonly AnyAxisType[],
  offered: readonly AnyAxisType[] | null,
): NeuralTypeComparisonResult {
  if (offered === null || wanted.length !== offered.length) return NeuralTypeComparisonResult.INCOMPATIBLE
  let same = true
  // A kind that occurs twice keeps the size of its last axis: NeMo collects kinds in a dictionary.
  const wantedSizes = new Map<unknown, number | null>()
  const offeredSizes = new Map<unknown, number | null>()
  wanted.forEach((axis, index) => {
    const other = offered[index]!
    wantedSizes.set(axis.kind, axis.size)
    offeredSizes.set(other.kind, other.size)
    if (axis.kind === AxisKind.Any) same = true
    else if (
      axis.kind !== other.kind ||
      axis.isList !== other.isList ||
      (axis.size !== null && axis.size !== other.size)
    ) {
      same = false
    }
  })
  if (same) return NeuralTypeComparisonResult.SAME
  if (wantedSizes.size !== offeredSizes.size || ![...wantedSizes.keys()].every((kind) => offeredSizes.has(kind))) {
    return NeuralTypeComparisonResult.INCOMPATIBLE
  }
  return [...wantedSizes].every(([kind, size]) => offeredSizes.get(kind) === size)
    ? NeuralTypeComparisonResult.TRANSPOSE_SAME
    : NeuralTypeComparisonResult.DIM_INCOMPATIBLE
}
