import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { arbitraryMessage } from '../../../test/onnx/arbitraryMessage.js'
import { makeAttribute } from './attribute.js'
import { decodeModel } from './decode.js'
import { encodeModel } from './encode.js'
import { formatModel } from './formatModel.js'
import type { GraphProto, ModelProto, NodeProto, TensorProto } from './model.js'
import { arrayToTensor } from './tensor.js'

const read = (name: string) =>
  decodeModel(readFileSync(new URL(`../../../test/fixtures/onnx/${name}.onnx`, import.meta.url)))
const model = (graph: Partial<GraphProto>): ModelProto => ({
  irVersion: 10,
  opsetImport: [{ version: 21 }],
  graph: { name: 'g', node: [], initializer: [], input: [], output: [], ...graph },
})
/** The lines inside the graph. */
const lines = (graph: Partial<GraphProto>) => formatModel(model(graph)).trimEnd().split('\n').slice(2)
const node = (more: Partial<NodeProto>): NodeProto => ({
  opType: 'Op',
  input: ['x'],
  output: ['y'],
  attribute: [],
  ...more,
})

test('subgraphs are indented below their node', () => {
  expect(formatModel(read('subgraphs'))).toMatchInlineSnapshot(`
    "model IR 10, opset ai.onnx 21, by onnxFixtures
    graph subgraphs(x: float32[T, 2], flag: bool[]) -> (total: float32[2], y: float32[T, 2])
      initializer trips: int64[] = 3
      initializer zero: float32[2] = [0, 0]
      a = If(flag)
        else_branch: graph Neg() -> (e0: float32[T, 2])
          e0: float32[T, 2] = Neg(x)
        then_branch: graph Relu() -> (t0: float32[T, 2])
          t0: float32[T, 2] = Relu(x)
      b = Loop(trips, flag, a)
        body: graph loop_body(i: int64[], go: bool[], state: float32[T, 2]) -> (go_out: bool[], next: float32[T, 2])
          inner = If(go)
            else_branch: graph Exp() -> (e1: float32[T, 2])
              e1: float32[T, 2] = Exp(x)
            then_branch: graph Abs() -> (t1: float32[T, 2])
              t1: float32[T, 2] = Abs(x)
          next: float32[T, 2] = Add(state, inner)
          go_out: bool[] = Identity(go)
      total: float32[2], y: float32[T, 2] = Scan(zero, b) {num_scan_inputs=1, scan_input_directions=[1]}
        body: graph scan_body(sum: float32[2], row: float32[2]) -> (sum_out: float32[2], row_out: float32[2])
          sum_out: float32[2] = Add(sum, row)
          row_out: float32[2] = Identity(sum_out)
    "
  `)
})

test('metadata, functions, typed values and training graphs are shown', () => {
  expect(formatModel(read('functions'))).toMatchInlineSnapshot(`
    "model IR 10, opset ai.onnx 21, test.nemo 1, by onnxFixtures 1
      domain nemo.test
      version 1099511627776
      metadata author = "nobody"
      metadata empty = ""
      metadata text = "naïve ☃ naïve ☃ naïve ☃ naïve ☃ naïve ☃ naïve ☃ naïve ☃ naïve ☃ naïve ☃ naïve ☃ naïve ☃ naïve ☃ naïve ☃ naïve ☃ naïve ☃ naïve ☃ naïve ☃ naïve ☃ naïve ☃ naïve ☃ "
      devices two = [cpu, gpu] of 2
    graph functions(x: float32[B, ?, 80]) -> (y: float32[B, ?, 80])
      metadata graph = "yes"
      initializer sparse_weight: sparse(float32[3, 3], float32[3] = [1.5, -2, 3.25] at int64[3] = [1, 4, 7])
      quantization y: SCALE_TENSOR=sc
      s: float32[B, ?, 80] = test.nemo.Scaled:float(x) {factor=0.5, unused=1}
      y: float32[B, ?, 80] = Relu(s)
    function test.nemo.Scaled:float(x) {unused, factor=2.0} -> (y)
      opset ai.onnx 21
      factor: float32[] = Constant() {value_float=@factor}
      y = Mul(x, factor)
    training initialization: graph init() -> ()
      w starts as w0
    training algorithm: graph step() -> ()
      w becomes w1
    "
  `)
})

test('attributes of every type fit one line', () => {
  expect(formatModel(read('attributes'))).toMatchInlineSnapshot(`
    "model IR 10, opset ai.onnx 21, test.nemo 1, by onnxFixtures
    graph attributes(x: float32[2]) -> (y: float32[2])
      y: float32[2] = test.nemo.Everything(x, _) {f=0.1, floats=[1.0, -0.0, Infinity, 9.99995e-41], i=-3, ints=[0, -1, 1099511627776, -9007199254740991], s="naïve ☃", sparse=sparse(float32[3, 3], float32[3] = [1.5, -2, 3.25] at int64[3] = [1, 4, 7]), sparses=[sparse(float32[3, 3], float32[3] = [1.5, -2, 3.25] at int64[3] = [1, 4, 7]), sparse(float32[3, 3], float32[3] = [1.5, -2, 3.25] at int64[3] = [1, 4, 7])], strings=["a", "", "語"], t=int32[2] = [7, -7], tensors=[int32[2] = [7, -7], int32[2] = [7, -7]], tp=float32[N, 3], tps=[float32[N, 3]], bytes=<AttributeProto "bytes": expected UTF-8 text, found 3 other bytes. [NEMO_ONNX_FORMAT]>, none=[], documented=0}  # everything
        g: graph inner(x: float32[2]) -> (y: float32[2])
          y: float32[2] = Identity(x)
        graphs[0]: graph inner(x: float32[2]) -> (y: float32[2])
          y: float32[2] = Identity(x)
    "
  `)
})

test('small tensors show their elements, by the shortest decimals of their type', () => {
  expect(formatModel(read('dtypes'))).toMatchInlineSnapshot(`
    "model IR 10, opset ai.onnx 21, by onnxFixtures
    graph dtypes() -> (y: float32[])
      initializer float32_raw: float32[2, 2] = [0.1, -0, Infinity, 3.4e+38]
      initializer float32_typed: float32[2, 2] = [0.1, -0, Infinity, 3.4e+38]
      initializer float64_raw: float64[2, 2] = [0.1, -0, NaN, 1e+300]
      initializer float64_typed: float64[2, 2] = [0.1, -0, NaN, 1e+300]
      initializer float16_raw: float16[2, 2] = [0.5, -2, 65504, 5.9604645e-8]
      initializer float16_typed: float16[2, 2] = [0.5, -2, 65504, 5.9604645e-8]
      initializer bfloat16_raw: bfloat16[2, 2] = [0.5, -2, 3.0040553e+38, 9.18355e-41]
      initializer bfloat16_typed: bfloat16[2, 2] = [0.5, -2, 3.0040553e+38, 9.18355e-41]
      initializer int64_raw: int64[2, 2] = [-9223372036854775808, 9223372036854775807, -1, 9007199254740993]
      initializer int64_typed: int64[2, 2] = [-9223372036854775808, 9223372036854775807, -1, 9007199254740993]
      initializer int32_raw: int32[2, 2] = [-2147483648, 2147483647, -1, 0]
      initializer int32_typed: int32[2, 2] = [-2147483648, 2147483647, -1, 0]
      initializer int16_raw: int16[2, 2] = [-32768, 32767, -1, 0]
      initializer int16_typed: int16[2, 2] = [-32768, 32767, -1, 0]
      initializer int8_raw: int8[2, 2] = [-128, 127, -1, 0]
      initializer int8_typed: int8[2, 2] = [-128, 127, -1, 0]
      initializer uint8_raw: uint8[2, 2] = [0, 255, 1, 128]
      initializer uint8_typed: uint8[2, 2] = [0, 255, 1, 128]
      initializer uint16_raw: uint16[2, 2] = [0, 65535, 1, 32768]
      initializer uint16_typed: uint16[2, 2] = [0, 65535, 1, 32768]
      initializer uint32_raw: uint32[2, 2] = [0, 4294967295, 1, 2147483648]
      initializer uint32_typed: uint32[2, 2] = [0, 4294967295, 1, 2147483648]
      initializer uint64_raw: uint64[2, 2] = [0, 18446744073709551615, 1, 9223372036854775808]
      initializer uint64_typed: uint64[2, 2] = [0, 18446744073709551615, 1, 9223372036854775808]
      initializer bool_raw: bool[2, 2] = [1, 0, 1, 1]
      initializer bool_typed: bool[2, 2] = [1, 0, 1, 1]
      initializer strings: string[2] = ["", "naïve ☃"]
      initializer scalar: float32[] = 2.5
      initializer empty: int64[2, 0, 3] = []
      initializer int4: int4[2]
      initializer float8: float8e5m2[2]
      initializer complex: complex64[2]
      y: float32[] = Identity(scalar)
    "
  `)
})

test('tensors and lists beyond the maximum are shown by type alone', () => {
  const initializer = [arrayToTensor({ dtype: 'int64', shape: [3], data: BigInt64Array.of(1n, 2n, 3n) }, 'w')]
  const attribute = [makeAttribute('axes', 'INTS', [1, 2, 3])]
  const text = formatModel(model({ initializer, node: [node({ attribute })] }), { maximumElements: 2 })
  expect(text).toContain('  initializer w: int64[3]\n')
  expect(text).toContain('  y = Op(x) {axes=[3 elements]}\n')
})

test('float attributes are told from integers by a point', () => {
  const attribute = [
    makeAttribute('f', 'FLOAT', 1),
    makeAttribute('i', 'INT', 1),
    makeAttribute('fs', 'FLOATS', [-0, 1e30, 0.5]),
  ]
  expect(lines({ node: [node({ attribute })] })).toEqual(['  y = Op(x) {f=1.0, i=1, fs=[-0.0, 1e+30, 0.5]}'])
})

test('names that would make a line ambiguous are quoted, ONNX’s usual ones are not', () => {
  const input = ['/encoder/0/Conv_output_0', 'onnx::Add_3', 'a b', 'x,y', '', '_', 'new\nline']
  expect(lines({ node: [node({ input, output: [], name: '/n' })] })).toEqual([
    '  Op(/encoder/0/Conv_output_0, onnx::Add_3, "a b", "x,y", _, "_", "new\\nline")  # /n',
  ])
})

test('a tensor that cannot be read shows why', () => {
  const broken: TensorProto = { name: 'w', dims: [2], dataType: 1, rawData: new Uint8Array(3) }
  expect(lines({ initializer: [broken] })).toEqual([
    '  initializer w: float32[2] = <TensorProto "w": shape [2] of float32 needs 8 bytes, found 3. [NEMO_ONNX_FORMAT]>',
  ])
})

test('special 16-bit floats are shown as numbers', () => {
  const half = arrayToTensor(
    { dtype: 'float16', shape: [4], data: Uint16Array.of(0x7c00, 0xfc00, 0x7e00, 0x8000) },
    'h',
  )
  expect(lines({ initializer: [half] })).toEqual(['  initializer h: float16[4] = [Infinity, -Infinity, NaN, -0]'])
})

test('every decoded model can be shown, and equal models alike', () => {
  fc.assert(
    fc.property(arbitraryMessage('ModelProto', 4), (any) => {
      expect(formatModel(decodeModel(encodeModel(any)))).toBe(formatModel(any))
    }),
    { seed: 1, numRuns: 100 },
  )
})
