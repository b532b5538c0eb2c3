import { type AnyAxisType, type AXIS_NAMES, AxisKind, type AxisKindAbstract, AxisType } from './axes.js'
import { NeuralTypeDefinitionError } from './errors.js'

/**
 * How axes are written: `'B D T'` (separated by blanks), `['B', 'D', 'T']`, `[new AxisType(AxisKind.Batch), ...]`, or
 * null for "no axes given". In strings an axis may carry a size, `'B D:64 T'`, or be a list, `'B[] T'`.
 */
export type AxesNotation = string | readonly string[] | readonly Axis[] | null

/**
 * An `AxisType`, as far as the notation goes. Naming its size here would make the compiler widen the type of
 * `new AxisType(kind)` when that is written inside a call of `port`.
 */
export interface Axis {
  readonly kind: AxisKindAbstract
}

/**
 * Axes as the compiler sees them: a tuple with one code for each axis (`['B', 'D', 'T']`), null when there are none.
 * A code is a subtype of another exactly when its axis fits where the other is wanted: `'D' & FixedSize<'D', 64>` fits `'D'`,
 * and everything fits `string`, the code of `Any`. Lists are `'B[]'`. `Any` stands for its own
 * position only, where the run-time comparison, like NeMo's, lets it forgive mismatches before it.
 */
export type Layout = string[] | null

/** Marks an axis code with a fixed size. For the compiler only. */
export interface FixedSize<Code extends string, Size extends number> {
  readonly code: Code
  readonly size: Size
}

/** Codes of the axis kinds; a kind that is not listed is its own code. */
interface KindCodes {
  Batch: 'B'
  Time: 'T'
  Dimension: 'D'
  Width: 'W'
  Height: 'H'
  Singleton: 'S'
  Any: string
}

type KindCode<Name extends string> = Name extends keyof KindCodes ? KindCodes[Name] : Name

type SizedCode<Code extends string, Size extends number> = Code & FixedSize<Code, Size>

type AxisNames = typeof AXIS_NAMES

type NamedCode<Label extends string> =
  Lowercase<Label> extends keyof AxisNames ? KindCode<AxisNames[Lowercase<Label>]> : Label

type StringCode<Label extends string> = Label extends `${infer Name}[]`
  ? `${NamedCode<Name>}[]`
  : Label extends `${infer Name}:${infer N extends number}`
    ? SizedCode<NamedCode<Name>, N>
    : NamedCode<Label>

type AxisCode<Axis> =
  Axis extends AxisType<infer Name, infer Size, infer IsList>
    ? IsList extends true
      ? `${KindCode<Name>}[]`
      : Size extends number
        ? SizedCode<KindCode<Name>, Size>
        : KindCode<Name>
    : never

type Words<Text extends string> = Text extends `${infer First} ${infer Rest}`
  ? First extends ''
    ? Words<Rest>
    : [First, ...Words<Rest>]
  : Text extends ''
    ? []
    : [Text]

type StringCodes<Labels extends readonly string[]> = number extends Labels['length']
  ? string[]
  : { -readonly [I in keyof Labels]: StringCode<Labels[I]> }

type AxisCodes<Axes extends readonly Axis[]> = number extends Axes['length']
  ? string[]
  : { -readonly [I in keyof Axes]: AxisCode<Axes[I]> }

/** The layout that a notation stands for: `'B C T'` gives `['B', 'D', 'T']`. */
export type LayoutOf<Axes extends AxesNotation> = Axes extends null
  ? null
  : Axes extends string
    ? string extends Axes
      ? string[]
      : StringCodes<Words<Axes>>
    : Axes extends readonly string[]
      ? StringCodes<Axes>
      : Axes extends readonly Axis[]
        ? AxisCodes<Axes>
        : never

type CodeText<Code extends string> =
  Code extends FixedSize<infer Plain, infer Size> ? `${CodeText<Plain>}:${Size}` : string extends Code ? 'Any' : Code

/** The layout as text, for messages: `['B', 'D', 'T']` gives `'B D T'`. */
export type LayoutText<L extends Layout> = L extends null
  ? null
  : L extends [infer First extends string, ...infer Rest extends string[]]
    ? Rest extends []
      ? CodeText<First>
      : `${CodeText<First>} ${LayoutText<Rest>}`
    : L extends []
      ? ''
      : string

type UnknownLabel<Labels extends readonly string[]> = Labels extends readonly [
  infer First extends string,
  ...infer Rest extends readonly string[],
]
  ? KnownLabel<First> extends true
    ? UnknownLabel<Rest>
    : First
  : never

type KnownLabel<Label extends string> = Label extends `${infer Name}[]`
  ? KnownLabel<Name>
  : Label extends `${infer Name}:${number}`
    ? KnownLabel<Name>
    : Lowercase<Label> extends keyof AxisNames
      ? true
      : false

/** Shown by the compiler where an axis name is unknown. */
export interface UnknownAxis<Message extends string> {
  readonly unknownAxis: Message
}

/** Anything if all axis names are known; otherwise a message that the compiler shows. */
export type CheckedAxes<Axes extends AxesNotation> = Axes extends string
  ? string extends Axes
    ? unknown
    : CheckedLabels<Words<Axes>>
  : Axes extends readonly string[]
    ? CheckedLabels<Axes>
    : unknown

type CheckedLabels<Labels extends readonly string[]> = [UnknownLabel<Labels>] extends [never]
  ? unknown
  : UnknownAxis<`${UnknownLabel<Labels>}: use B, T, D, C, W, H, S, FlowGroup or Any, or an AxisType of your own kind`>

/**
 * The axes that a notation stands for.
 *
 * @throws NeuralTypeDefinitionError for unknown names, strings mixed with AxisTypes, and lists after tensor axes.
 */
export function parseAxes(notation: AxesNotation): readonly AnyAxisType[] | null {
  if (notation === null) return null
  const items = typeof notation === 'string' ? notation.split(/\s+/).filter((label) => label !== '') : notation
  const labels = items.filter((item) => typeof item === 'string')
  if (labels.length > 0 && labels.length < items.length) {
    throw new NeuralTypeDefinitionError(
      `axes (${items.join(', ')}) mix names and AxisTypes: expected names only, or AxisTypes only.`,
    )
  }
  const axes = items.map((item) => {
    if (typeof item === 'string') return parseAxis(item)
    if (item instanceof AxisType) return item
    throw new NeuralTypeDefinitionError(`expected an axis name or an AxisType, found ${String(item)}.`)
  })
  const firstTensorAxis = axes.findIndex((axis) => !axis.isList)
  if (firstTensorAxis !== -1 && axes.slice(firstTensorAxis).some((axis) => axis.isList)) {
    throw new NeuralTypeDefinitionError(
      `axes (${axes.join(', ')}) have a list after a tensor axis: all list axes must come first.`,
    )
  }
  return Object.freeze(axes)
}

function parseAxis(label: string): AnyAxisType {
  if (label.endsWith('[]')) return new AxisType(AxisKind.fromString(label.slice(0, -2)), { isList: true })
  const colon = label.indexOf(':')
  if (colon === -1) return new AxisType(AxisKind.fromString(label))
  const size = label.slice(colon + 1)
  if (!/^\d+$/.test(size)) {
    throw new NeuralTypeDefinitionError(`axis '${label}' has size '${size}': expected digits, as in 'D:64'.`)
  }
  return new AxisType(AxisKind.fromString(label.slice(0, colon)), { size: Number(size) })
}

/** The short form of axes: `B D:64 T`, `Phoneme[] D`. */
export function formatAxes(axes: readonly AnyAxisType[]): string {
  return axes
    .map(({ kind, size, isList }) => {
      const code = SHORT_NAMES.get(kind) ?? kind.name
      return `${code}${size === null ? '' : `:${size}`}${isList ? '[]' : ''}`
    })
    .join(' ')
}

const SHORT_NAMES: ReadonlyMap<unknown, string> = /* @__PURE__ */ new Map<unknown, string>([
  [AxisKind.Batch, 'B'],
  [AxisKind.Time, 'T'],
  [AxisKind.Dimension, 'D'],
  [AxisKind.Width, 'W'],
  [AxisKind.Height, 'H'],
  [AxisKind.Singleton, 'S'],
])
