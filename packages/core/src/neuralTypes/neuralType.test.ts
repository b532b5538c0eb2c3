import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AudioSignal, type AudioSignalOptions } from './audioSignal.js'
import { AxisKind, AxisKindAbstract, AxisType } from './axes.js'
import { NeuralTypeComparisonResult } from './comparison.js'
import { ElementType } from './elementType.js'
import * as elementTypes from './elementTypes.js'
import { NeuralPortNmTensorMismatchError, NeuralTypeDefinitionError } from './errors.js'
import { formatAxes, parseAxes } from './layout.js'
import { NeuralType, port } from './neuralType.js'

const { ChannelType, LabelsType, LogprobsType, MelSpectrogramType, SpectrogramType, VoidType } = elementTypes

interface RecordedElement {
  type: string
  params: AudioSignalOptions
  custom?: { base: string; fields: string[] | null; type_parameters: Record<string, unknown> }
}

interface RecordedType {
  axes: [kind: string, size: number | null, isList: boolean][] | null
  short?: string[]
  element: RecordedElement
  optional?: boolean
}

interface Recorded {
  results: Record<string, number>
  pairs: { a: RecordedType; b: RecordedType; result: keyof typeof NeuralTypeComparisonResult; accepted: boolean }[]
  element_hierarchy: Record<string, string>
  axis_kinds: Record<string, number>
  axis_from_string: Record<string, string>
  axis_from_string_raises_ValueError: string[]
}

// What NeMo v1.0.0 itself answered, from the reference case neural-types.
const recorded = JSON.parse(
  readFileSync(new URL('../../test/fixtures/neuralTypes.json', import.meta.url), 'utf8'),
) as Recorded

const ELEMENTS: Record<string, new () => ElementType> = { ElementType, AudioSignal, ...elementTypes }
const KINDS = AxisKind as unknown as Record<string, AxisKind>
const customClasses = new Map<string, new () => ElementType>()

function elementOf({ type, params, custom }: RecordedElement): ElementType {
  if (custom === undefined) return type === 'AudioSignal' ? AudioSignal(params) : new ELEMENTS[type]!()
  const Known = customClasses.get(type)
  const Base = customClasses.get(custom.base) ?? ELEMENTS[custom.base]!
  const Custom = Known ?? { [type]: class extends Base {} }[type]!
  customClasses.set(type, Custom)
  return Object.assign(new Custom(), { typeParameters: custom.type_parameters, fields: custom.fields })
}

function neuralTypeOf({ axes, element, optional = false }: RecordedType): NeuralType {
  const types = axes?.map(([kind, size, isList]) => new AxisType(KINDS[kind]!, { size, isList })) ?? null
  return new NeuralType(types, elementOf(element), { optional })
}

describe('compare', () => {
  test.each(
    recorded.pairs.map((pair, index) => ({
      ...pair,
      title: `${neuralTypeOf(pair.a)} ? ${neuralTypeOf(pair.b)}`,
      index,
    })),
  )('$index: $title is $result', ({ a, b, result, accepted }) => {
    const [first, second] = [neuralTypeOf(a), neuralTypeOf(b)]
    expect(NeuralTypeComparisonResult[first.compare(second)]).toBe(result)
    expect(first.accepts(second)).toBe(accepted)
    if (accepted) first.compareAndRaiseError('Module', 'port', second)
    else expect(() => first.compareAndRaiseError('Module', 'port', second)).toThrow(NeuralPortNmTensorMismatchError)
  })

  test.each(recorded.pairs.flatMap(({ a, b }) => [a, b]).filter(({ short }) => short !== undefined))(
    'the short form $short gives the recorded axes',
    (type) => {
      const axes = neuralTypeOf(type).axes!
      expect(parseAxes(type.short!)).toEqual(axes)
      expect(parseAxes(type.short!.join(' '))).toEqual(axes)
      expect(parseAxes(formatAxes(axes))).toEqual(axes)
    },
  )

  test('the results have the numbers of NeMo', () => {
    for (const [name, value] of Object.entries(recorded.results)) {
      expect(NeuralTypeComparisonResult[name as keyof typeof NeuralTypeComparisonResult]).toBe(value)
    }
  })
})

describe('element types', () => {
  test.each(Object.entries(recorded.element_hierarchy))('%s extends %s', (name, base) => {
    const Element = ELEMENTS[name]!
    expect(Object.getPrototypeOf(Element.prototype)).toBe(ELEMENTS[base]!.prototype)
    expect(new Element().name).toBe(name)
    expect(new ELEMENTS[base]!().compare(new Element())).toBe(NeuralTypeComparisonResult.GREATER)
  })

  test('there are no others than those of NeMo', () => {
    expect(Object.keys(ELEMENTS).sort()).toEqual([...Object.keys(recorded.element_hierarchy), 'ElementType'].sort())
  })

  test('AudioSignal is made with and without new, and can be extended', () => {
    expect(AudioSignal({ freq: 8000 })).toBeInstanceOf(AudioSignal)
    expect(new AudioSignal({ freq: 8000 }).compare(AudioSignal({ freq: 8000 }))).toBe(NeuralTypeComparisonResult.SAME)
    class Speech extends AudioSignal<number> {}
    expect(AudioSignal().compare(new Speech({ freq: 8000 }))).toBe(NeuralTypeComparisonResult.GREATER)
    expect(new Speech({ freq: 8000 }).compare(AudioSignal())).toBe(NeuralTypeComparisonResult.LESS)
    expect(String(new Speech({ freq: 8000 }))).toBe('Speech(freq=8000)')
    expect(new AudioSignal<number>({ freq: 16000 }).acceptsFreq(8000)).toBe(false)
    expect(AudioSignal().acceptsFreq(8000)).toBe(true)
  })
})

describe('axes', () => {
  test.each(Object.entries(recorded.axis_from_string))('%s stands for %s', (label, kind) => {
    expect(AxisKind.fromString(label)).toBe(KINDS[kind])
  })

  test.each([...recorded.axis_from_string_raises_ValueError, 'constructor'])("'%s' stands for nothing", (label) => {
    expect(() => AxisKind.fromString(label)).toThrow(NeuralTypeDefinitionError)
  })

  test('the kinds have the numbers of NeMo', () => {
    for (const [name, value] of Object.entries(recorded.axis_kinds)) expect(KINDS[name]!.value).toBe(value)
    expect(AxisKind.Channel).toBe(AxisKind.Dimension)
  })

  test('kinds of a package of its own are compared by identity', () => {
    class SpeechAxis<Name extends string> extends AxisKindAbstract<Name> {
      static readonly Phoneme = new SpeechAxis('Phoneme', 0)
    }
    const phonemes = port([new AxisType(AxisKind.Batch), new AxisType(SpeechAxis.Phoneme)], ChannelType)
    expect(phonemes.compare(phonemes)).toBe(NeuralTypeComparisonResult.SAME)
    expect(phonemes.accepts(port('B B', ChannelType))).toBe(false)
    expect(phonemes.axesText).toBe('[B, Phoneme]')
  })

  test('strings carry sizes and lists', () => {
    const { axes } = port('B[] D:64 T', ChannelType)
    expect(axes?.map(String)).toEqual(['batch_listdim', 'dimension:64', 'time'])
    expect(formatAxes(axes!)).toBe('B[] D:64 T')
  })

  test.each([
    ['a list with a size', () => new AxisType(AxisKind.Batch, { size: 3, isList: true }), /Remove one of the two/],
    ['a negative size', () => new AxisType(AxisKind.Batch, { size: -1 }), /size -1: expected a whole number/],
    ['a list after a tensor axis', () => new NeuralType('T B[]', ChannelType), /all list axes must come first/],
    ['names among AxisTypes', () => parseAxes(['B', new AxisType(AxisKind.Time)] as never), /mix names and AxisTypes/],
    ['things that are no axes', () => parseAxes([3] as never), /found 3/],
    ['a size in words', () => new NeuralType('B D:many', ChannelType), /size 'many'/],
    [
      'an element type that is none',
      () => new NeuralType('B', 'labels' as never),
      /element type of a neural type is labels/,
    ],
  ])('%s is refused', (_title, make, message) => {
    expect(make).toThrow(NeuralTypeDefinitionError)
    expect(make).toThrow(message)
  })
})

describe('compareAndRaiseError', () => {
  const wanted = port('B D T', SpectrogramType)
  const messageOf = (a: NeuralType, b: NeuralType): string => {
    try {
      a.compareAndRaiseError('ConvASREncoder', 'audioSignal', b)
    } catch (error) {
      return (error as Error).message
    }
    return 'accepted'
  }

  test('names the module, the port, both types, the result and the remedy', () => {
    expect(messageOf(wanted, port('B T D', SpectrogramType))).toMatchInlineSnapshot(`
      "In ConvASREncoder, port audioSignal: TRANSPOSE_SAME
      expected axes: (batch, dimension, time); elements_type: SpectrogramType
         found axes: (batch, time, dimension); elements_type: SpectrogramType
      Transpose the tensor with perm [0, 2, 1] to get [B, D, T]. [NEMO_PORT_TYPE]"
    `)
  })

  test.each([
    ['LESS', port('B D T', MelSpectrogramType), wanted, 'wants the narrower MelSpectrogramType'],
    ['TRANSPOSE_SAME', port('B[] T', ChannelType), port('B T', ChannelType), 'Convert between lists and tensors'],
    ['DIM_INCOMPATIBLE', port('B D:64', ChannelType), port('B D:80', ChannelType), 'resize or project'],
    [
      'SAME_TYPE_INCOMPATIBLE_PARAMS',
      port('B T', AudioSignal({ freq: 16000 })),
      port('B T', AudioSignal({ freq: 8000 })),
      '(AudioSignal(freq=16000), AudioSignal(freq=8000))',
    ],
    ['INCOMPATIBLE', wanted, port('B D', SpectrogramType), 'The elements fit and the axes do not'],
    ['INCOMPATIBLE', wanted, port('T D B', MelSpectrogramType), 'perm [2, 1, 0]'],
    ['INCOMPATIBLE', port('B D:64', ChannelType), port('B D:80', SpectrogramType), 'to get [B, D:64]'],
    ['INCOMPATIBLE', port('B B', ChannelType), port(null, ChannelType), 'connect a tensor with axes [B, B]'],
    ['INCOMPATIBLE', wanted, port('B D T', LogprobsType), 'Connect a tensor of SpectrogramType'],
  ])('%s says what to do', (result, a, b, remedy) => {
    expect(messageOf(a, b)).toContain(`: ${result}\n`)
    expect(messageOf(a, b)).toContain(remedy)
  })

  test('takes a tensor, with or without a neural type', () => {
    expect(() => wanted.compareAndRaiseError('M', 'p', { neuralType: port('B T D', SpectrogramType) })).toThrow('perm')
    wanted.compareAndRaiseError('M', 'p', {})
  })
})

test('a port without an element type takes anything with its axes', () => {
  expect(port('B T').elementsType).toBeInstanceOf(VoidType)
  expect(port('B T').accepts(port('B T', LabelsType))).toBe(true)
})

test('a neural type prints as in NeMo', () => {
  expect(String(port('B D:64 T', SpectrogramType))).toBe(
    'axes: (batch, dimension:64, time); elements_type: SpectrogramType',
  )
  expect(String(port(null, LabelsType))).toBe('axes: None; elements_type: LabelsType')
})

describe('for any axes', () => {
  const axis = fc.constantFrom('B', 'T', 'D', 'W', 'H', 'S', 'FlowGroup', 'Any', 'D:64', 'T:3', 'S:1')
  const axes = fc.tuple(fc.array(fc.constantFrom('B[]', 'T[]')), fc.array(axis)).map((parts) => parts.flat().join(' '))

  test('the short form and the axes give each other', () => {
    fc.assert(
      fc.property(axes, (notation) => {
        expect(formatAxes(parseAxes(notation)!)).toBe(notation)
      }),
    )
  })

  test('a type is the same as itself, and as itself without sizes', () => {
    fc.assert(
      fc.property(axes, (notation) => {
        const type = new NeuralType(notation, ChannelType)
        expect(type.compare(type)).toBe(NeuralTypeComparisonResult.SAME)
        const unsized = new NeuralType(notation.replace(/:\d+/g, ''), ChannelType)
        expect(unsized.compare(type)).toBe(NeuralTypeComparisonResult.SAME)
      }),
    )
  })

  test('the permutation in the message makes the types the same', () => {
    const order = fc.shuffledSubarray(['B', 'T', 'D', 'W', 'H'], { minLength: 2 })
    fc.assert(
      fc.property(order, fc.infiniteStream(fc.nat()), (labels, keys) => {
        const shuffled = labels.map((label) => ({ label, key: keys.next().value! })).sort((a, b) => a.key - b.key)
        const [expected, found] = [labels, shuffled.map(({ label }) => label)].map(
          (a) => new NeuralType(a, ChannelType),
        )
        const result = expected!.compare(found!)
        if (result === NeuralTypeComparisonResult.SAME) return
        expect(result).toBe(NeuralTypeComparisonResult.TRANSPOSE_SAME)
        const { message } = new NeuralPortNmTensorMismatchError('Here', expected!, found!, result)
        const perm = JSON.parse(/perm (\[.*?\])/.exec(message)![1]!) as number[]
        expect(perm.map((from) => found!.axes![from])).toEqual(expected!.axes)
      }),
    )
  })
})
