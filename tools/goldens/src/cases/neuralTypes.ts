import * as core from '@nemo/core'
import type { CaseHandler } from '../caseHandler.js'

interface StoredElement {
  readonly type: string
  readonly params: Readonly<Record<string, unknown>>
  /** A class of the case's own. */
  readonly custom?: {
    readonly base: string
    readonly fields: readonly string[] | null
    readonly type_parameters: Readonly<Record<string, unknown>>
  }
}

interface StoredType {
  readonly axes: readonly { readonly kind: string; readonly size: number | null; readonly is_list: boolean }[] | null
  readonly short: readonly string[] | null
  readonly element: StoredElement
  readonly optional: boolean
}

interface Pair {
  readonly a: StoredType
  readonly b: StoredType
  readonly result: string
  readonly value: number
  readonly accepted_as_input: boolean
}

type ElementClass = new () => core.ElementType

const exported = core as unknown as Readonly<Record<string, unknown>>
const kinds = core.AxisKind as unknown as Readonly<Record<string, core.AxisKind | undefined>>

function elementClass(name: string): ElementClass {
  const found = exported[name] as ElementClass | undefined
  if (typeof found !== 'function' || !(new found() instanceof core.ElementType))
    throw new Error(`@nemo/core has no element type ${name}.`)
  return found
}

function axisKind(name: string): core.AxisKind {
  const kind = kinds[name]
  if (!kind) throw new Error(`@nemo/core has no kind of axis ${name}.`)
  return kind
}

// Makes types; classes of the case's own are made once, whatever their parameters.
function typeMaker(): (stored: StoredType) => core.NeuralType {
  const custom = new Map<string, ElementClass>()
  const elementOf = ({ type, params, custom: own }: StoredElement): core.ElementType => {
    if (!own) return type === 'AudioSignal' ? core.AudioSignal(params) : new (elementClass(type))()
    const Base = custom.get(own.base) ?? elementClass(own.base)
    const Custom = custom.get(type) ?? { [type]: class extends Base {} }[type]!
    custom.set(type, Custom)
    return Object.assign(new Custom(), { typeParameters: own.type_parameters, fields: own.fields })
  }
  return ({ axes, element, optional }) => {
    const types = axes?.map(({ kind, size, is_list }) => new core.AxisType(axisKind(kind), { size, isList: is_list }))
    return new core.NeuralType(types ?? null, elementOf(element), { optional })
  }
}

/** `pairs` of neural types with the result of their comparison, the element hierarchy and the kinds of axes. */
export const neuralTypes: CaseHandler = {
  kind: 'neural types',
  matches: (golden) => golden.list<Partial<Pair>>('pairs').some(({ a }) => typeof a === 'object' && 'element' in a!),
  async run(golden, comparison) {
    const make = typeMaker()
    for (const [i, { a, b, result, value, accepted_as_input }] of golden.list<Pair>('pairs').entries()) {
      const [first, second] = [make(a), make(b)]
      const got = first.compare(second)
      comparison.equal(`pairs[${i}]`, [core.NeuralTypeComparisonResult[got], got], [result, value])
      comparison.equal(`pairs[${i}] accepted`, first.accepts(second), accepted_as_input)
      for (const { short, axes } of [a, b]) {
        if (short && axes)
          comparison.equal(`pairs[${i}] axes`, axisNames(core.parseAxes(short)), axisNames(make({ ...a, axes }).axes!))
      }
    }
    for (const [name, base] of Object.entries((golden.json.element_hierarchy ?? {}) as Record<string, string>)) {
      const found = Object.getPrototypeOf(elementClass(name).prototype) as object
      comparison.equal(`base of ${name}`, found === elementClass(base).prototype, true)
    }
    for (const [name, value] of Object.entries((golden.json.axis_kinds ?? {}) as Record<string, number>))
      comparison.equal(`axis kind ${name}`, axisKind(name).value, value)
    for (const [text, name] of Object.entries((golden.json.axis_from_string ?? {}) as Record<string, string>))
      comparison.equal(`axis '${text}'`, core.AxisKind.fromString(text) === axisKind(name), true)
    for (const text of golden.list<string>('axis_from_string_raises_ValueError'))
      comparison.equal(`axis '${text}' raises`, raises(text), true)
    for (const [name, value] of Object.entries((golden.json.results ?? {}) as Record<string, number>))
      comparison.equal(
        `result ${name}`,
        core.NeuralTypeComparisonResult[name as keyof typeof core.NeuralTypeComparisonResult],
        value,
      )
  },
}

const axisNames = (axes: readonly core.AnyAxisType[] | null): string[] => (axes ?? []).map(String)

function raises(text: string): boolean {
  try {
    core.AxisKind.fromString(text)
    return false
  } catch {
    return true
  }
}
