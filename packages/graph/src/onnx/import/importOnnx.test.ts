import { afterAll, describe, expect, test } from 'vitest'
import { attribute, graph, modelBytes, node, tensor, value } from '../../../test/onnx/modelBuilder.js'
import { difference } from '../../../test/onnx/nodeCase.js'
import { runFile } from '../../../test/onnx/runFile.js'
import { runOnce } from '../../../test/runOnce.js'
import { seededRandom } from '../../../test/seededRandom.js'
import { type TensorData, tensorData } from '../../dtype.js'
import { grad } from '../../grad.js'
import { reduceSum } from '../../ops/reduction.js'
import { ort } from '../../runtime/ort/ort.js'
import { OnnxFormatError } from '../proto/errors.js'
import type { AttributeProto, FunctionProto } from '../proto/model.js'
import { TensorDataLocation } from '../proto/model.js'
import { OnnxImportError, OnnxUnsupportedError } from './errors.js'
import { importOnnx } from './importOnnx.js'

const runtime = ort({ threads: 1 })
afterAll(() => runtime.dispose())

const random = seededRandom(3)
const values = (...shape: number[]): TensorData<'float32'> =>
  tensorData(
    Float32Array.from({ length: shape.reduce((n, d) => n * d, 1) }, () => 2 * random() - 1),
    'float32',
    shape,
  )
const elements = (data: TensorData): number[] => Array.from(data.data as ArrayLike<number | bigint>, Number)

// y = op(x) in a model of its own.
const unary = (
  opType: string,
  attributes: readonly AttributeProto[] = [],
  opset = 20,
  dims: readonly (number | string)[] = ['N'],
) =>
  modelBytes(graph([node(opType, 'x', 'y', attributes, { name: 'the node' })], [value('x', dims)], [value('y')]), opset)

describe('importOnnx', () => {
  describe('values', () => {
    const affine = (more = {}) =>
      modelBytes(
        graph(
          [
            node('Mul', 'x scale', 'scaled'),
            node('Add', 'scaled bias', 'shifted'),
            node('Gather', 'shifted places', 'picked'),
            node('Mul', 'picked half', 'y'),
          ],
          [value('x', ['N', 3])],
          [value('y')],
          [
            tensor([1, 2, 3], 'scale'),
            tensor([0, 1, 0], 'bias'),
            tensor([1, 0], 'places', 'int64'),
            tensor(0.5, 'half'),
          ],
        ),
        20,
        more,
      )

    test('float initializers are parameters, integers and scalars are constants', async () => {
      const { inputs, outputs, parameters } = importOnnx(affine())
      expect(Object.keys(inputs)).toEqual(['x'])
      expect(parameters.map(({ name, role, requiresGrad, shape }) => [name, role, requiresGrad, shape])).toEqual([
        ['scale', 'parameter', true, [3]],
        ['bias', 'parameter', true, [3]],
      ])
      const { y } = await runOnce(outputs, {
        x: [
          [1, 1, 1],
          [2, 2, 2],
        ],
      })
      expect(elements(y!)).toEqual([1, 2.5, 3, 0.5, 1.5, 1.5])
      expect(y!.shape).toEqual([2, 3])
    })

    test('role decides what initializers become, and is told a suggestion', () => {
      const asked: string[] = []
      const { parameters } = importOnnx(affine(), {
        role: (name, data, suggested) => {
          asked.push(`${name} ${data.dtype} ${suggested}`)
          return name === 'scale' ? 'constant' : name === 'half' ? 'parameter' : name === 'bias' ? 'buffer' : suggested
        },
      })
      expect(asked).toEqual([
        'scale float32 parameter',
        'bias float32 parameter',
        'places int64 constant',
        'half float32 constant',
      ])
      expect(parameters.map(({ name, requiresGrad }) => [name, requiresGrad])).toEqual([
        ['bias', false],
        ['half', true],
      ])
      expect(() => importOnnx(affine(), { role: () => 'parameter' })).toThrow(/int64 tensors cannot be trained/)
    })

    test('running statistics are buffers', () => {
      const bytes = modelBytes(
        graph(
          [node('BatchNormalization', 'x s b m v', 'y')],
          [value('x', ['B', 2, 'T'])],
          [value('y')],
          ['s', 'b', 'm', 'v'].map((name) => tensor([1, 2], name)),
        ),
      )
      const { parameters } = importOnnx(bytes)
      expect(parameters.map(({ name, role }) => `${name} ${role}`)).toEqual([
        's parameter',
        'b parameter',
        'm buffer',
        'v buffer',
      ])
    })

    test('an initializer that is listed as input too is an initializer', () => {
      const bytes = modelBytes(
        graph([node('Add', 'x w', 'y')], [value('x', [2]), value('w', [2])], [value('y')], [tensor([1, 2], 'w')]),
      )
      const model = importOnnx(bytes)
      expect(Object.keys(model.inputs)).toEqual(['x'])
      expect(model.parameters.map(({ name }) => name)).toEqual(['w'])
    })

    test('weights beside the model are read by the callback', async () => {
      const outside = { ...tensor([0, 0], 'w'), dataLocation: TensorDataLocation.EXTERNAL }
      delete outside.rawData
      outside.externalData = [
        { key: 'location', value: 'weights/w.bin' },
        { key: 'offset', value: '4' },
      ]
      const bytes = modelBytes(graph([node('Mul', 'x w', 'y')], [value('x', [2])], [value('y')], [outside]))
      const file = new Uint8Array(Float32Array.of(9, 2, 3).buffer)
      const { outputs } = importOnnx(bytes, {
        readExternal: (_, offset, length) => file.subarray(offset, offset + length),
      })
      expect(elements((await runOnce(outputs, { x: [1, 10] })).y!)).toEqual([2, 30])
      expect(() => importOnnx(bytes)).toThrow(/weights\/w.bin.*readExternal/)
    })

    test('sparse initializers are written out', async () => {
      const sparse = {
        values: tensor([5, 7], 'w'),
        indices: tensor(
          [
            [0, 1],
            [1, 0],
          ],
          undefined,
          'int64',
        ),
        dims: [2, 2],
      }
      const linear = { values: tensor([3], 'v'), indices: tensor([2], undefined, 'int64'), dims: [2, 2] }
      const content = graph([node('Add', 'w v', 'sum'), node('Add', 'x sum', 'y')], [value('x', [2, 2])], [value('y')])
      const { outputs } = importOnnx(modelBytes({ ...content, sparseInitializer: [sparse, linear] }))
      expect(
        elements(
          (
            await runOnce(outputs, {
              x: [
                [0, 0],
                [0, 0],
              ],
            })
          ).y!,
        ),
      ).toEqual([0, 5, 10, 0])
      const broken = {
        ...sparse,
        indices: tensor(
          [
            [0, 1],
            [0, 1],
          ],
          undefined,
          'int64',
        ),
      }
      expect(() => importOnnx(modelBytes({ ...content, sparseInitializer: [broken, linear] }))).toThrow(OnnxFormatError)
      const huge = { ...linear, dims: [2 ** 40, 2 ** 10] }
      expect(() => importOnnx(modelBytes({ ...content, sparseInitializer: [sparse, huge] }))).toThrow(/more than/)
    })

    test('constants take every form', async () => {
      const forms = [
        attribute('value', 'TENSOR', tensor([1, 2])),
        attribute('value_float', 'FLOAT', 3),
        attribute('value_floats', 'FLOATS', [4, 5]),
        attribute('sparse_value', 'SPARSE_TENSOR', {
          values: tensor([6]),
          indices: tensor([1], undefined, 'int64'),
          dims: [2],
        }),
      ]
      const nodes = forms.map((form, i) => node('Constant', '', `c${i}`, [form]))
      const whole = [attribute('value_int', 'INT', 1), attribute('value_ints', 'INTS', [0, 1])]
      const picks = whole.flatMap((form, i) => [
        node('Constant', '', `i${i}`, [form]),
        node('Gather', `y i${i}`, `p${i}`),
      ])
      const content = graph(
        [...nodes, node('Sum', 'x c0 c1 c2 c3', 'y'), ...picks],
        [value('x', [2])],
        ['y', 'p0', 'p1'].map((name) => value(name)),
      )
      const found = await runOnce(importOnnx(modelBytes(content)).outputs, { x: [0, 0] })
      expect([elements(found.y!), elements(found.p0!), elements(found.p1!)]).toEqual([[8, 16], [16], [8, 16]])
    })

    test('metadata, names and versions are handed over', () => {
      const model = importOnnx(
        modelBytes(graph([node('Relu', 'x', 'y')], [value('x', [1])], [value('y')]), 17, {
          producerName: 'maker',
          producerVersion: '2',
          docString: 'text',
          metadataProps: [
            { key: 'labels', value: 'a b' },
            { key: '__proto__', value: 'harmless' },
          ],
        }),
      )
      expect(model).toMatchObject({ opset: 17, irVersion: 8, producer: 'maker 2', docString: 'text', graphName: 'g' })
      expect(Object.entries(model.metadata)).toEqual([
        ['labels', 'a b'],
        ['__proto__', 'harmless'],
      ])
    })
  })

  describe('sizes', () => {
    const shapesOf = (dims: readonly (number | string)[], options = {}) =>
      importOnnx(unary('Relu', [], 20, dims), options).outputs.y!.shape

    test('names stay, formulas are read, open axes are named after the input', () => {
      expect(shapesOf(['batch', 3, 'T'])).toEqual(['batch', 3, 'T'])
      expect(shapesOf(['T', '2*T + 1', 'floor((T-1)/2)+1', 's0 // 2'])).toEqual([
        'T',
        '2*T+1',
        'floor((T+1)/2)',
        'floor((s0)/2)',
      ])
      expect(shapesOf(['', '', 'x_dim_1'])).toEqual(['x_dim_0', 'x_dim_1_2', 'x_dim_1'])
      expect(shapesOf(['7', 'unk__3', 'Max(1, s0)', 'größe'])).toEqual([7, 'unk__3', 'Max_1_s0_', 'gr_e'])
    })

    test('dims gives symbols a size or another name, in formulas too', () => {
      expect(shapesOf(['batch', '2*seq'], { dims: { batch: 4, seq: 'T' } })).toEqual([4, '2*T'])
      expect(shapesOf(['batch', '2*seq'], { dims: { seq: 5 } })).toEqual(['batch', 10])
    })

    test('inputShapes replaces shapes, and gives one to inputs without rank', () => {
      expect(shapesOf(['batch', 3], { inputShapes: { x: [2, 3] } })).toEqual([2, 3])
      const bytes = modelBytes(graph([node('Relu', 'x', 'y')], [value('x')], [value('y')]))
      expect(() => importOnnx(bytes)).toThrow(/"x": its rank is unknown.*inputShapes/)
      expect(importOnnx(bytes, { inputShapes: { x: ['N', 2] } }).outputs.y!.shape).toEqual(['N', 2])
      expect(() => importOnnx(bytes, { inputShapes: { z: [1] } })).toThrow(
        /inputShapes names "z"; the model's inputs are x/,
      )
    })

    test('fixedInputs makes inputs constants', async () => {
      const bytes = modelBytes(
        graph([node('ReduceSum', 'x axes', 'y')], [value('x', ['N', 2]), value('axes', [1], 'int64')], [value('y')]),
      )
      expect(() => importOnnx(bytes)).toThrow(/its axes \(input 1\) must be a constant/)
      const { inputs, outputs } = importOnnx(bytes, { fixedInputs: { axes: tensorData([1], 'int64') } })
      expect(Object.keys(inputs)).toEqual(['x'])
      expect(
        elements(
          (
            await runOnce(outputs, {
              x: [
                [1, 2],
                [3, 4],
              ],
            })
          ).y!,
        ),
      ).toEqual([3, 7])
      expect(() => importOnnx(bytes, { fixedInputs: { axes: tensorData([1], 'int32') } })).toThrow(
        /expected int64\[1\], found int32\[1\]/,
      )
    })

    test('shape arithmetic of exporters is followed: expand by -1, flatten by sizes', () => {
      const nodes = [
        node('Shape', 'x', 's'),
        node('ConstantOfShape', 'three', 'ones', [attribute('value', 'TENSOR', tensor([1], undefined, 'int64'))]),
        node('Mul', 'ones minus', 'wild'),
        node('Equal', 'wanted wild', 'is'),
        node('Where', 'is ones wanted', 'target'),
        node('Expand', 'x target', 'wide'),
        node('Gather', 's zero', 'batch'),
        node('Unsqueeze', 'batch axis', 'b1'),
        node('Concat', 'b1 minus1', 'flat', [attribute('axis', 'INT', 0)]),
        node('Reshape', 'wide flat', 'y'),
      ]
      const bytes = modelBytes(
        graph(
          nodes,
          [value('x', ['B', 1, 4])],
          [value('wide'), value('y')],
          [
            tensor([3], 'three', 'int64'),
            tensor(-1, 'minus', 'int64'),
            tensor([-1, 5, -1], 'wanted', 'int64'),
            tensor(0, 'zero', 'int64'),
            tensor([0], 'axis', 'int64'),
            tensor([-1], 'minus1', 'int64'),
          ],
        ),
        13,
      )
      const { outputs } = importOnnx(bytes)
      expect(outputs.wide!.shape).toEqual(['B', 5, 4])
      expect(outputs.y!.shape).toEqual(['B', 20])
    })
  })

  describe('functions', () => {
    const scaled: FunctionProto = {
      name: 'Scaled',
      domain: 'local',
      input: ['a', 'b'],
      output: ['c'],
      attribute: ['axis'],
      attributeProto: [attribute('alpha', 'FLOAT', 0.5)],
      opsetImport: [{ domain: '', version: 13 }],
      node: [
        node('Softmax', 'a', 'p', [{ name: 'axis', type: 2, refAttrName: 'axis' }]),
        node('LeakyRelu', 'p', 'l', [{ name: 'alpha', type: 1, refAttrName: 'alpha' }]),
        node('Sum', 'l a', 'c'),
      ],
    }
    const twice: FunctionProto = {
      name: 'Twice',
      domain: 'local',
      input: ['x', 'unused'],
      output: ['y'],
      attribute: [],
      opsetImport: [
        { domain: '', version: 13 },
        { domain: 'local', version: 1 },
      ],
      node: [
        node('Scaled', 'x', 'h', [attribute('axis', 'INT', 0)], { domain: 'local' }),
        node('Scaled', 'h', 'y', [attribute('axis', 'INT', 0), attribute('alpha', 'FLOAT', 2)], { domain: 'local' }),
      ],
    }
    const calling = (functions: FunctionProto[], name = 'Twice', inputs = 'x') =>
      modelBytes(graph([node(name, inputs, 'y', [], { domain: 'local' })], [value('x', [3])], [value('y')]), 13, {
        functions,
        opsetImport: [
          { domain: '', version: 13 },
          { domain: 'local', version: 1 },
        ],
      })

    test('are inlined with their attributes, defaults and absent inputs', async () => {
      const { outputs } = importOnnx(calling([scaled, twice]))
      const x = [0, 1, 2]
      const softmax = (v: readonly number[]) => {
        const e = v.map(Math.exp)
        return e.map((a) => a / e.reduce((s, b) => s + b, 0))
      }
      const step = (v: readonly number[]) => softmax(v).map((p, i) => p + v[i]!)
      const expected = step(step(x))
      elements((await runOnce(outputs, { x })).y!).forEach((found, i) => {
        expect(found).toBeCloseTo(expected[i]!, 5)
      })
    })

    test('that call themselves are refused', () => {
      const endless = { ...twice, node: [node('Twice', 'x', 'y', [], { domain: 'local' })] }
      expect(() => importOnnx(calling([endless]))).toThrow(/functions call each other without end/)
    })

    test('with too many inputs, doubled definitions or missing outputs are refused', () => {
      expect(() => importOnnx(calling([scaled, twice], 'Twice', 'x x x'))).toThrow(/takes 2 inputs, found 3/)
      expect(() => importOnnx(calling([scaled, twice, twice]))).toThrow(
        /function local.Twice: the model defines it twice/,
      )
      expect(() => importOnnx(calling([{ ...scaled, node: [] }], 'Scaled', 'x x'))).toThrow(
        /output "c" is made by none of its nodes/,
      )
    })
  })

  describe('control flow', () => {
    const branch = (opType: string) => graph([node(opType, 'x', 'out')], [], [value('out')])
    const branches = [
      attribute('then_branch', 'GRAPH', branch('Neg')),
      attribute('else_branch', 'GRAPH', branch('Abs')),
    ]

    test('an If takes the branch that constants choose; branches see outer names', async () => {
      for (const [condition, expected] of [
        [1, -2],
        [0, 2],
      ] as const) {
        const bytes = modelBytes(
          graph([node('If', 'c', 'y', branches)], [value('x', [1])], [value('y')], [tensor(condition, 'c', 'bool')]),
        )
        expect(elements((await runOnce(importOnnx(bytes).outputs, { x: [2] })).y!)).toEqual([expected])
      }
    })

    test('an If on a size is decided where the size is fixed', () => {
      const nodes = [
        node('Shape', 'x', 's'),
        node('Gather', 's zero', 'n'),
        node('Equal', 'n one', 'c'),
        node('If', 'c', 'y', branches, { name: 'choice' }),
      ]
      const bytes = modelBytes(
        graph(nodes, [value('x', ['N'])], [value('y')], [tensor(0, 'zero', 'int64'), tensor(1, 'one', 'int64')]),
      )
      expect(importOnnx(bytes, { dims: { N: 1 } }).outputs.y!.node.op.type).toBe('Neg')
      expect(importOnnx(bytes, { dims: { N: 4 } }).outputs.y!.node.op.type).toBe('Abs')
      expect(() => importOnnx(bytes)).toThrow(/node "choice" \(If of ai.onnx 20\): its condition .* only at run time/)
    })

    // s' = s + x_t, row = s'
    const sums = graph(
      [node('Add', 's x', 'next'), node('Identity', 'next', 'row')],
      [value('s', [2]), value('x', [2])],
      [value('next'), value('row')],
    )
    const scanModel = (attributes: readonly AttributeProto[], dims: readonly (number | string)[]) =>
      modelBytes(
        graph(
          [
            node('Scan', 's0 x', 'last rows', [
              attribute('body', 'GRAPH', sums),
              attribute('num_scan_inputs', 'INT', 1),
              ...attributes,
            ]),
          ],
          [value('s0', [2]), value('x', dims)],
          [value('last'), value('rows')],
        ),
        16,
      )

    test.each([
      ['forward', [], ['T', 2], [3, 2]],
      [
        'backward',
        [attribute('scan_input_directions', 'INTS', [1]), attribute('scan_output_directions', 'INTS', [1])],
        ['T', 2],
        [3, 2],
      ],
      [
        'backward, rows in the order they are made',
        [attribute('scan_input_directions', 'INTS', [1])],
        ['T', 2],
        [3, 2],
      ],
      ['forward, rows in front of each other', [attribute('scan_output_directions', 'INTS', [1])], ['T', 2], [3, 2]],
      [
        'over another axis, rows stacked along the last',
        [attribute('scan_input_axes', 'INTS', [-1]), attribute('scan_output_axes', 'INTS', [-1])],
        [2, 'T'],
        [2, 3],
      ],
    ] as const)('Scan walks %s as ONNX Runtime does', async (_, attributes, dims, shape) => {
      const bytes = scanModel(attributes, dims)
      const feeds = { s0: values(2), x: values(...shape) }
      const [found, expected] = [await runOnce(importOnnx(bytes).outputs, feeds), await runFile(bytes, feeds)]
      for (const name of ['last', 'rows']) expect(difference(found[name]!, expected[name]!, 1e-6, 1e-6)).toBeUndefined()
    })

    const loopModel = (trips: string, condition: string, bodyCondition: string) => {
      const body = graph(
        [
          node('Identity', bodyCondition, 'on'),
          node('Cast', 'i', 'f', [attribute('to', 'INT', 1)]),
          node('Add', 's f', 'a'),
          node('Mul', 'a x', 'next'),
          node('Identity', 'next', 'row'),
        ],
        [value('i', [], 'int64'), value('c', [], 'bool'), value('s', [2])],
        [value('on', [], 'bool'), value('next'), value('row')],
        [tensor(0, 'never', 'bool')],
      )
      return modelBytes(
        graph(
          [node('Loop', `${trips} ${condition} s0`, 'last rows', [attribute('body', 'GRAPH', body)], { name: 'loop' })],
          [value('n', [], 'int64'), value('go', [], 'bool'), value('s0', [2]), value('x', [2])],
          [value('last'), value('rows')],
          [tensor(3, 'three', 'int64'), tensor(1, 'yes', 'bool')],
        ),
      )
    }

    test('a Loop with a trip count is a scan; its body sees outer names', async () => {
      const feeds = { s0: values(2), x: values(2) }
      for (const [trips, condition] of [
        ['three', 'yes'],
        ['three', '-'],
        ['n', 'yes'],
      ] as const) {
        const bytes = loopModel(trips, condition, 'c')
        const { outputs, inputs } = importOnnx(bytes)
        const n = tensorData(4, 'int64')
        const read = trips === 'n' ? { ...feeds, n } : feeds
        const found = await runOnce(outputs, read)
        const expected = await runFile(bytes, { ...feeds, n, go: tensorData([1], 'bool', []) })
        for (const name of ['last', 'rows'])
          expect(difference(found[name]!, expected[name]!, 1e-6, 1e-6)).toBeUndefined()
        expect(grad(reduceSum(outputs.last!), [inputs.x!])).toHaveLength(1)
      }
    })

    test('a Loop that values end is refused', () => {
      for (const [trips, condition, inner] of [
        ['-', 'yes', 'c'],
        ['three', 'go', 'c'],
        ['three', 'yes', 'never'],
      ] as const) {
        expect(() => importOnnx(loopModel(trips, condition, inner))).toThrow(
          /node "loop" \(Loop of ai.onnx 20\): .*only loops with a trip count/,
        )
      }
    })
  })

  describe('recurrent ops', () => {
    interface Recurrent {
      readonly op: 'RNN' | 'GRU' | 'LSTM'
      readonly direction: 'forward' | 'reverse' | 'bidirectional'
      readonly attributes?: readonly AttributeProto[]
      readonly bias?: boolean
      readonly lengths?: boolean
      readonly initial?: boolean
      readonly peepholes?: boolean
    }
    const [T, B, I, H] = [4, 3, 2, 5]

    function recurrentModel({
      op,
      direction,
      attributes = [],
      bias,
      lengths,
      initial,
      peepholes,
    }: Recurrent): Uint8Array {
      const gates = { RNN: 1, GRU: 3, LSTM: 4 }[op]
      const D = direction === 'bidirectional' ? 2 : 1
      const weights: Record<string, TensorData | false | undefined> = {
        W: values(D, gates * H, I),
        R: values(D, gates * H, H),
        bias: bias && values(D, 2 * gates * H),
        lengths: lengths && tensorData([4, 1, 3], 'int32'),
        h0: initial && values(D, B, H),
        c0: initial && op === 'LSTM' && values(D, B, H),
        P: peepholes && values(D, 3 * H),
      }
      const names = Object.entries(weights).map(([name, data]) => (data ? name : '-'))
      const outputs = op === 'LSTM' ? 'y h c' : 'y h'
      const all = [attribute('hidden_size', 'INT', H), attribute('direction', 'STRING', direction), ...attributes]
      return modelBytes(
        graph(
          [node(op, `x ${names.join(' ')}`.replace(/( -)+$/, ''), outputs, all)],
          [value('x', ['T', 'B', I])],
          outputs.split(' ').map((name) => value(name)),
          Object.entries(weights).flatMap(([name, data]) =>
            data
              ? [
                  {
                    ...tensor([], name),
                    dims: [...data.shape],
                    dataType: data.dtype === 'int32' ? 6 : 1,
                    rawData: new Uint8Array(data.data.buffer),
                  },
                ]
              : [],
          ),
        ),
        14,
      )
    }

    const both = (name: string, kind: 'STRINGS', list: string[]) => attribute(name, kind, [...list, ...list])
    const cases: readonly Recurrent[] = [
      { op: 'RNN', direction: 'forward' },
      {
        op: 'RNN',
        direction: 'reverse',
        bias: true,
        initial: true,
        attributes: [attribute('activations', 'STRINGS', ['Relu'])],
      },
      { op: 'RNN', direction: 'bidirectional', bias: true, lengths: true },
      {
        op: 'RNN',
        direction: 'forward',
        attributes: [
          attribute('activations', 'STRINGS', ['Affine']),
          attribute('activation_alpha', 'FLOATS', [0.5]),
          attribute('activation_beta', 'FLOATS', [0.1]),
        ],
      },
      {
        op: 'RNN',
        direction: 'forward',
        attributes: [
          attribute('activations', 'STRINGS', ['ScaledTanh']),
          attribute('activation_alpha', 'FLOATS', [1.5]),
          attribute('activation_beta', 'FLOATS', [0.7]),
        ],
      },
      { op: 'GRU', direction: 'forward', bias: true },
      { op: 'GRU', direction: 'forward', bias: true, attributes: [attribute('linear_before_reset', 'INT', 1)] },
      {
        op: 'GRU',
        direction: 'reverse',
        initial: true,
        lengths: true,
        bias: true,
        attributes: [attribute('linear_before_reset', 'INT', 1)],
      },
      { op: 'GRU', direction: 'bidirectional', bias: true, attributes: [attribute('clip', 'FLOAT', 0.4)] },
      {
        op: 'GRU',
        direction: 'bidirectional',
        attributes: [
          both('activations', 'STRINGS', ['HardSigmoid', 'Softsign']),
          attribute('activation_alpha', 'FLOATS', [0.3, 0.3]),
          attribute('activation_beta', 'FLOATS', [0.4, 0.4]),
        ],
      },
      { op: 'LSTM', direction: 'forward' },
      { op: 'LSTM', direction: 'bidirectional', bias: true, initial: true },
      { op: 'LSTM', direction: 'reverse', bias: true, initial: true, peepholes: true, lengths: true },
      {
        op: 'LSTM',
        direction: 'forward',
        bias: true,
        peepholes: true,
        attributes: [attribute('input_forget', 'INT', 1)],
      },
      {
        op: 'LSTM',
        direction: 'bidirectional',
        bias: true,
        lengths: true,
        attributes: [both('activations', 'STRINGS', ['Sigmoid', 'Relu', 'Tanh'])],
      },
    ]

    test.each(
      cases.map((entry) => ({
        ...entry,
        title: `${entry.op} ${entry.direction}${entry.bias ? ', bias' : ''}${entry.lengths ? ', lengths' : ''}${entry.initial ? ', initial states' : ''}${entry.peepholes ? ', peepholes' : ''}${(entry.attributes ?? []).map((a) => `, ${a.name}`).join('')}`,
      })),
    )('$title: as ONNX Runtime', async (entry) => {
      const bytes = recurrentModel(entry)
      const feeds = { x: values(T, B, I) }
      const [found, expected] = [await runOnce(importOnnx(bytes).outputs, feeds), await runFile(bytes, feeds)]
      expect(Object.keys(found)).toEqual(Object.keys(expected))
      for (const name of Object.keys(expected))
        expect([name, difference(found[name]!, expected[name]!, 1e-5, 2e-6)]).toEqual([name, undefined])
    })

    test('layout 1 has the batch in front of everything', async () => {
      const entry: Recurrent = { op: 'LSTM', direction: 'bidirectional', bias: true }
      const bytes = recurrentModel(entry)
      const model = importOnnx(bytes)
      const batchFirst = importOnnx(
        bytes.length ? recurrentModel({ ...entry, attributes: [attribute('layout', 'INT', 1)] }) : bytes,
      )
      expect(model.outputs.y!.shape).toEqual(['T', 2, 'B', H])
      expect(batchFirst.outputs.y!.shape).toEqual(['T', 'B', 2, H])
      expect(batchFirst.outputs.h!.shape).toEqual(['T', 2, H])
    })

    test('gradients reach the weights', async () => {
      const model = importOnnx(
        recurrentModel({ op: 'LSTM', direction: 'bidirectional', bias: true, lengths: true, peepholes: true }),
      )
      const weights = model.parameters
      expect(weights.map(({ name }) => name).sort()).toEqual(['P', 'R', 'W', 'bias'])
      const gradients = grad(reduceSum(model.outputs.y!), weights)
      const found = await runOnce(Object.fromEntries(weights.map(({ name }, i) => [name, gradients[i]!])), {
        x: values(T, B, I),
      })
      for (const { name, shape } of weights) {
        expect(found[name]!.shape).toEqual(shape)
        expect(elements(found[name]!).some((v) => v !== 0)).toBe(true)
      }
    })
  })

  describe('errors', () => {
    const error = (run: () => unknown): OnnxImportError => {
      try {
        run()
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(OnnxImportError)
        return thrown as OnnxImportError
      }
      throw new Error('nothing was thrown')
    }

    test('an unknown op is named with domain, version, node and place', () => {
      const thrown = error(() => importOnnx(unary('Mystery', [], 17)))
      expect(thrown).toBeInstanceOf(OnnxUnsupportedError)
      expect(thrown.code).toBe('NEMO_ONNX_UNSUPPORTED')
      expect(thrown.place).toEqual({
        path: 'graph.node[0]',
        node: 'the node',
        opType: 'Mystery',
        domain: 'ai.onnx',
        version: 17,
      })
      expect(thrown.message).toMatch(
        /^graph.node\[0\]: node "the node" \(Mystery of ai.onnx 17\): this op is not supported/,
      )
      expect(error(() => importOnnx(unary('Gelu', [], 19))).message).toMatch(
        /Gelu of ai.onnx 19.*not part of this opset/,
      )
    })

    test('an unknown domain, and one without a version, are named', () => {
      const foreign = (imports: { domain: string; version: number }[]) =>
        modelBytes(
          graph([node('FusedGelu', 'x', 'y', [], { domain: 'com.acme' })], [value('x', [1])], [value('y')]),
          17,
          {
            opsetImport: [{ domain: '', version: 17 }, ...imports],
          },
        )
      expect(error(() => importOnnx(foreign([{ domain: 'com.acme', version: 3 }]))).message).toMatch(
        /FusedGelu of com.acme 3\): domain com.acme is not supported/,
      )
      expect(error(() => importOnnx(foreign([]))).message).toMatch(
        /imports no opset of domain com.acme; it imports ai.onnx 17/,
      )
    })

    test('opsets that are too old or too new are refused', () => {
      expect(error(() => importOnnx(unary('Relu', [], 6))).message).toMatch(
        /opset 6 of ai.onnx is too old; opsets 7 to 28/,
      )
      expect(error(() => importOnnx(unary('Relu', [], 99))).message).toMatch(/opset 99 of ai.onnx is newer/)
    })

    test('shapes that do not fit name the node', () => {
      const bytes = modelBytes(
        graph(
          [node('MatMul', 'x w', 'y', [], { name: '/encoder/proj/MatMul' })],
          [value('x', ['N', 3])],
          [value('y')],
          [tensor([[1], [2]], 'w')],
        ),
      )
      const thrown = error(() => importOnnx(bytes))
      expect(thrown.code).toBe('NEMO_ONNX_IMPORT')
      expect(thrown.message).toMatch(
        /node "\/encoder\/proj\/MatMul" \(MatMul of ai.onnx 20\): MatMul at encoder\/proj: the inner sizes 3 and 2 differ/,
      )
      expect(thrown.cause).toBeInstanceOf(Error)
    })

    const broken = (nodes: Parameters<typeof graph>[0], more: Partial<Parameters<typeof graph>[4]> = {}) =>
      error(() => importOnnx(modelBytes(graph(nodes, [value('x', [2])], [value('y')], [tensor([1, 2], 'w')], more))))
        .message

    test('names that are missing, doubled or used too early are told apart', () => {
      expect(broken([node('Relu', 'z', 'y')])).toMatch(/it reads "z", which nothing before it defines/)
      expect(broken([node('Relu', 'h', 'y'), node('Relu', 'x', 'h')])).toMatch(
        /it reads "h", which a later node makes; nodes must be sorted/,
      )
      expect(broken([node('Relu', 'x', 'y'), node('Abs', 'x', 'y')])).toMatch(
        /graph.node\[1\].*its output "y" is defined already/,
      )
      expect(broken([node('Relu', 'x', 'w')])).toMatch(/its output "w" is defined already/)
      expect(broken([node('Relu', 'x', 'h')])).toMatch(/graph.output\[0\]: output "y" is made by no node/)
      expect(broken([node('Relu', 'x', 'y')], { initializer: [tensor([1], 'w'), tensor([2], 'w')] })).toMatch(
        /initializer\[1\] "w": "w" is defined twice/,
      )
      expect(broken([node('Relu', 'x', 'y')], { input: [value('x', [1]), value('x', [1])] })).toMatch(
        /input "x" is listed twice/,
      )
      expect(broken([node('Relu', 'x', 'y')], { output: [value('y'), value('y')] })).toMatch(
        /output "y" is listed twice/,
      )
    })

    test('inputs and attributes that do not belong to the op are named', () => {
      expect(broken([node('Relu', 'x w', 'y')])).toMatch(/expected 1 inputs, found 2/)
      expect(broken([node('Add', 'x -', 'y')])).toMatch(/input 1 is missing/)
      expect(broken([node('Relu', 'x', 'y', [attribute('alpha', 'FLOAT', 1)])])).toMatch(
        /it has no attribute alpha in this version/,
      )
      expect(broken([node('Softmax', 'x', 'y', [attribute('axis', 'FLOAT', 1)])])).toMatch(
        /attribute axis should be of type INT, found FLOAT/,
      )
      expect(broken([node('Softmax', 'x', 'y', [attribute('axis', 'INT', 0), attribute('axis', 'INT', 0)])])).toMatch(
        /its attribute axis is given twice/,
      )
      expect(broken([node('Concat', 'x w', 'y')])).toMatch(/attribute axis is missing/)
    })

    test('types that have no arrays are named', () => {
      const strings = modelBytes(
        graph([], [{ name: 'x', type: { tensorType: { elemType: 8, shape: { dim: [] } } } }], []),
      )
      expect(error(() => importOnnx(strings)).message).toMatch(/graph.input "x": elements of STRING are not supported/)
      const list = modelBytes(graph([], [{ name: 'x', type: { sequenceType: {} } }], []))
      expect(error(() => importOnnx(list)).message).toMatch(/only tensors can be fed; found sequence/)
      expect(broken([node('Cast', 'x', 'y', [attribute('to', 'INT', 17)])])).toMatch(
        /elements of FLOAT8E4M3FN are not supported/,
      )
    })

    test('bytes that are no model are a format error', () => {
      expect(() => importOnnx(Uint8Array.of(1, 2, 3))).toThrow(OnnxFormatError)
      expect(() => importOnnx(new Uint8Array(0))).toThrow(OnnxFormatError)
    })
  })
})
