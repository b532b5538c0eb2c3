import { NeuralTypeDefinitionError } from './errors.js'

/**
 * Base of axis kinds. `AxisKind` has the usual ones; extend this class when none of them fits:
 *
 * ```ts
 * export class SpeechAxis<Name extends string> extends AxisKindAbstract<Name> {
 *   static readonly Phoneme = new SpeechAxis('Phoneme', 0)
 * }
 * ```
 *
 * Kinds are compared by identity.
 */
export class AxisKindAbstract<Name extends string = string> {
  constructor(
    readonly name: Name,
    /** NeMo's number of this kind. */
    readonly value: number,
  ) {}

  toString(): string {
    return this.name.toLowerCase()
  }
}

/**
 * What moving along an axis means. `Channel` is another name of `Dimension`; `Any` takes every kind.
 *
 * Source: NeMo v1.0.0 `nemo.core.neural_types.axes.AxisKind`.
 */
export class AxisKind<Name extends string = string> extends AxisKindAbstract<Name> {
  static readonly Batch = new AxisKind('Batch', 0)
  static readonly Time = new AxisKind('Time', 1)
  static readonly Dimension = new AxisKind('Dimension', 2)
  static readonly Channel = AxisKind.Dimension
  static readonly Width = new AxisKind('Width', 3)
  static readonly Height = new AxisKind('Height', 4)
  static readonly Any = new AxisKind('Any', 5)
  static readonly Sequence = new AxisKind('Sequence', 6)
  static readonly FlowGroup = new AxisKind('FlowGroup', 7)
  /** An axis of size 1. */
  static readonly Singleton = new AxisKind('Singleton', 8)

  /**
   * The kind that a short name stands for, in any case: `B`, `N`, `batch`; `T`, `time`; `D`, `C`, `channel`; `W`,
   * `width`; `H`, `height`; `S`, `singleton`; `flowgroup`; `any`.
   *
   * @throws NeuralTypeDefinitionError for any other name.
   */
  static fromString(label: string): AxisKind {
    const name = label.toLowerCase().trim()
    if (!Object.hasOwn(AXIS_NAMES, name)) {
      throw new NeuralTypeDefinitionError(
        `axis '${label}' is unknown: expected one of ${Object.keys(AXIS_NAMES).join(', ')}. ` +
          'For other kinds use new AxisType(AxisKind.Sequence) or a kind of your own.',
      )
    }
    return AxisKind[AXIS_NAMES[name as keyof typeof AXIS_NAMES]]
  }
}

/** Short names of axis kinds, in lower case. `s` is Singleton, not Sequence, as in NeMo. */
export const AXIS_NAMES = {
  b: 'Batch',
  n: 'Batch',
  batch: 'Batch',
  t: 'Time',
  time: 'Time',
  d: 'Dimension',
  c: 'Dimension',
  channel: 'Dimension',
  w: 'Width',
  width: 'Width',
  h: 'Height',
  height: 'Height',
  s: 'Singleton',
  singleton: 'Singleton',
  flowgroup: 'FlowGroup',
  any: 'Any',
} as const

/** Options of an axis. */
export interface AxisOptions<Size extends number | null, IsList extends boolean> {
  /** Fixed size. Default null: any. */
  readonly size?: Size
  /** Whether the axis is a list of tensors instead of an axis of one tensor. Default false. */
  readonly isList?: IsList
}

/** Any axis, whatever the compiler knows of it. */
export type AnyAxisType = AxisType<string, number | null, boolean>

/**
 * One axis: its kind, its size if that is fixed, and whether it is a list.
 *
 * @throws NeuralTypeDefinitionError if a list axis has a size, or if the size is not a whole number of at least 0.
 *
 * Source: NeMo v1.0.0 `nemo.core.neural_types.axes.AxisType`.
 */
export class AxisType<Name extends string = string, Size extends number | null = null, IsList extends boolean = false> {
  readonly kind: AxisKindAbstract<Name>
  readonly size: Size
  readonly isList: IsList

  constructor(kind: AxisKindAbstract<Name>, options: AxisOptions<Size, IsList> = {}) {
    const { size = null, isList = false } = options
    if (size !== null && isList) {
      throw new NeuralTypeDefinitionError(
        `axis ${kind} is a list and has the fixed size ${size}: lists vary in length. Remove one of the two.`,
      )
    }
    if (size !== null && (!Number.isInteger(size) || size < 0)) {
      throw new NeuralTypeDefinitionError(`axis ${kind} has size ${size}: expected a whole number of at least 0.`)
    }
    this.kind = kind
    this.size = size as Size
    this.isList = isList as IsList
  }

  /** `dimension`, `dimension:64`, `batch_listdim`: NeMo's spelling. */
  toString(): string {
    return `${this.kind}${this.size === null ? '' : `:${this.size}`}${this.isList ? '_listdim' : ''}`
  }
}
