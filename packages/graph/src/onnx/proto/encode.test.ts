import fc from 'fast-check'
import * as ort from 'onnxruntime-node'
import { describe, expect, test } from 'vitest'
import { arbitraryMessage } from '../../../test/onnx/arbitraryMessage.js'
import { makeAttribute } from './attribute.js'
import { decodeModel, decodeTensor } from './decode.js'
import { encodeModel, encodeTensor } from './encode.js'
import { OnnxFormatError } from './errors.js'
import type { GraphProto, ModelProto, TypeProto, ValueInfoProto } from './model.js'
import { arrayToTensor } from './tensor.js'

const emptyGraph: GraphProto = { node: [], initializer: [], input: [], output: [] }
const smallModel: ModelProto = { irVersion: 10, opsetImport: [{ version: 21 }], graph: emptyGraph }

describe('round trip', () => {
  test('every model reads back equal, and is written to the same bytes again', () => {
    fc.assert(
      fc.property(arbitraryMessage('ModelProto', 4), (model) => {
        const bytes = encodeModel(model)
        const read = decodeModel(bytes)
        expect(read).toEqual(model)
        expect(Buffer.compare(encodeModel(read), bytes)).toBe(0)
      }),
      { seed: 1, numRuns: 100 },
    )
  })

  test('every tensor reads back equal', () => {
    fc.assert(
      fc.property(arbitraryMessage('TensorProto', 2), (tensor) => {
        expect(decodeTensor(encodeTensor(tensor))).toEqual(tensor)
      }),
      { seed: 2, numRuns: 200 },
    )
  })

  test('bits of NaN survive in tensor data', () => {
    const bits = Uint32Array.of(0x7fc01234, 0xffc00001)
    const tensor = decodeTensor(encodeTensor({ dims: [2], dataType: 1, floatData: new Float32Array(bits.buffer) }))
    expect(new Uint32Array(tensor.floatData!.buffer)).toEqual(bits)
  })

  test('large tensors inside nested graphs read back equal', () => {
    const rawData = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7) & 255)
    const initializer = [{ name: 'w', dims: [300_000], dataType: 2, rawData }]
    const inner: GraphProto = { ...emptyGraph, name: 'inner', initializer }
    const attribute = [{ name: 'body', type: 5 as const, g: inner }]
    const node = [{ opType: 'Loop', input: [], output: ['y'], attribute }]
    const model: ModelProto = { ...smallModel, graph: { ...emptyGraph, node, initializer } }
    const { graph } = decodeModel(encodeModel(model))
    const tensors = [graph.initializer[0]!, graph.node[0]!.attribute[0]!.g!.initializer[0]!]
    for (const tensor of tensors) expect(Buffer.compare(tensor.rawData!, rawData)).toBe(0)
  })

  test('empty lists are not written', () => {
    const model: ModelProto = {
      ...smallModel,
      metadataProps: [],
      graph: { ...emptyGraph, initializer: [{ dims: [], dataType: 1, floatData: new Float32Array(0) }] },
    }
    const read = decodeModel(encodeModel(model))
    expect(read).toEqual({ ...smallModel, graph: { ...emptyGraph, initializer: [{ dims: [], dataType: 1 }] } })
  })
})

describe('models that ONNX cannot hold', () => {
  const withNode = (node: object): ModelProto => ({
    ...smallModel,
    graph: { ...emptyGraph, node: [{ opType: 'A', input: [], output: [], attribute: [], ...node }] },
  })
  const type = (value: TypeProto): ModelProto => ({
    ...smallModel,
    graph: { ...emptyGraph, input: [{ name: 'x', type: value }] },
  })
  const cyclic: GraphProto = { ...emptyGraph }
  cyclic.node = [{ opType: 'If', input: [], output: [], attribute: [{ name: 'then_branch', type: 5, g: cyclic }] }]

  test.each<[string, ModelProto, string, RegExp]>([
    ['a missing required field', withNode({ opType: undefined }), 'ModelProto.graph.node[0]', /NodeProto needs opType/],
    [
      'an unsafe integer',
      withNode({ attribute: [{ name: 'i', type: 2, i: 2 ** 60 }] }),
      'ModelProto.graph.node[0].attribute[0].i',
      /53 bits, found number 1152921504606847000/,
    ],
    [
      'a fraction where an integer belongs',
      withNode({ attribute: [{ name: 'ints', type: 7, ints: [1, 1.5] }] }),
      'ModelProto.graph.node[0].attribute[0].ints[1]',
      /found number 1.5/,
    ],
    [
      'a number beyond 32-bit floats',
      withNode({ attribute: [{ name: 'f', type: 1, f: 1e300 }] }),
      'ModelProto.graph.node[0].attribute[0].f',
      /does not fit a 32-bit float/,
    ],
    [
      'an unknown attribute type',
      withNode({ attribute: [{ name: 'f', type: 77 }] }),
      'ModelProto.graph.node[0].attribute[0].type',
      /found 77/,
    ],
    ['half a surrogate pair', withNode({ name: 'a\ud800' }), 'ModelProto.graph.node[0].name', /surrogate/],
    ['a name that is no string', withNode({ input: [3] }), 'ModelProto.graph.node[0].input[0]', /found number 3/],
    ['a list that is no array', withNode({ input: 'x' }), 'ModelProto.graph.node[0].input', /expected an array/],
    [
      'two kinds of one type',
      type({ tensorType: { elemType: 1 }, sequenceType: {} }),
      'ModelProto.graph.input[0].type.sequenceType',
      /only one of tensorType and sequenceType/,
    ],
    [
      'bytes that are no Uint8Array',
      withNode({ attribute: [{ name: 's', type: 3, s: 'text' }] }),
      'ModelProto.graph.node[0].attribute[0].s',
      /expected a Uint8Array, found string text/,
    ],
    [
      'a typed list of another type',
      {
        ...smallModel,
        graph: { ...emptyGraph, initializer: [{ dims: [1], dataType: 7, int64Data: [1] as unknown as BigInt64Array }] },
      },
      'ModelProto.graph.initializer[0].int64Data',
      /expected a BigInt64Array, found a Array/,
    ],
  ])('%s is refused with its path', (_, model, path, message) => {
    expect(() => encodeModel(model)).toThrow(message)
    try {
      encodeModel(model)
    } catch (error) {
      expect(error).toBeInstanceOf(OnnxFormatError)
      expect((error as OnnxFormatError).path).toBe(path)
      expect((error as OnnxFormatError).offset).toBeUndefined()
    }
  })

  test('a graph inside itself is refused', () => {
    expect(() => encodeModel({ ...smallModel, graph: cyclic })).toThrow(/deeper than 100/)
  })
})

test('ONNX Runtime runs a model with a subgraph that was built and written here', async () => {
  const float = (name: string, ...dims: (number | string)[]): ValueInfoProto => {
    const dim = dims.map((d) => (typeof d === 'number' ? { dimValue: d } : { dimParam: d }))
    return { name, type: { tensorType: { elemType: 1, shape: { dim } } } }
  }
  const body: GraphProto = {
    ...emptyGraph,
    name: 'body',
    node: [
      { opType: 'Add', input: ['sum', 'row'], output: ['next'], attribute: [] },
      { opType: 'Identity', input: ['next'], output: ['copy'], attribute: [] },
    ],
    input: [float('sum', 2), float('row', 2)],
    output: [float('next', 2), float('copy', 2)],
  }
  const attribute = [makeAttribute('body', 'GRAPH', body), makeAttribute('num_scan_inputs', 'INT', 1)]
  const model: ModelProto = {
    ...smallModel,
    graph: {
      ...emptyGraph,
      name: 'cumulative',
      node: [
        { opType: 'MatMul', input: ['x', 'w'], output: ['h'], attribute: [] },
        { opType: 'Scan', input: ['zero', 'h'], output: ['total', 'y'], attribute },
      ],
      initializer: [
        arrayToTensor({ dtype: 'float32', shape: [1, 2], data: Float32Array.of(1, 10) }, 'w'),
        arrayToTensor({ dtype: 'float32', shape: [2], data: new Float32Array(2) }, 'zero'),
      ],
      input: [float('x', 'T', 1)],
      output: [float('y', 'T', 2), float('total', 2)],
    },
  }
  const session = await ort.InferenceSession.create(encodeModel(model))
  const { y, total } = await session.run({ x: new ort.Tensor('float32', Float32Array.of(1, 2, 3), [3, 1]) })
  expect(y!.data).toEqual(Float32Array.of(1, 10, 3, 30, 6, 60))
  expect(total!.data).toEqual(Float32Array.of(6, 60))
  await session.release()
})
