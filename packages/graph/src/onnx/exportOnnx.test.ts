import { afterAll, describe, expect, test } from 'vitest'
import { difference } from '../../test/onnx/nodeCase.js'
import { runFile } from '../../test/onnx/runFile.js'
import { seededRandom } from '../../test/seededRandom.js'
import { compile } from '../compile.js'
import { type TensorData, tensorData } from '../dtype.js'
import { CompileError } from '../errors.js'
import { grad } from '../grad.js'
import { apply1, defineOp, nonDifferentiable } from '../op.js'
import { relu, sigmoid, tanh } from '../ops/activation.js'
import { add, mul, sub } from '../ops/arithmetic.js'
import { batchNormTraining } from '../ops/batchNormalization.js'
import { concat } from '../ops/concat.js'
import { conv } from '../ops/conv.js'
import { ctcLoss } from '../ops/ctcLoss.js'
import { constant, input } from '../ops/leaves.js'
import { linear, matMul } from '../ops/matMul.js'
import { dropout, RANDOM_KEY, withRandomStreams } from '../ops/random.js'
import { argMax, reduceMean, reduceSum } from '../ops/reduction.js'
import { scan } from '../ops/scan.js'
import { logSoftmax } from '../ops/softmax.js'
import { type Parameter, parameter } from '../parameter.js'
import { ort } from '../runtime/ort/ort.js'
import { withScope } from '../scope.js'
import type { Tensor } from '../tensor.js'
import { exportOnnx } from './exportOnnx.js'
import { importOnnx } from './import/importOnnx.js'
import { decodeModel } from './proto/decode.js'
import type { ModelProto } from './proto/model.js'

const runtime = ort({ threads: 1 })
afterAll(() => runtime.dispose())

const random = seededRandom(5)
const values = (...shape: number[]): TensorData<'float32'> =>
  tensorData(
    Float32Array.from({ length: shape.reduce((n, d) => n * d, 1) }, () => 2 * random() - 1),
    'float32',
    shape,
  )

const dimsOf = (model: ModelProto, list: 'input' | 'output') =>
  Object.fromEntries(
    model.graph[list].map(({ name, type }) => [
      name,
      type!.tensorType!.shape!.dim.map((d) => d.dimValue ?? d.dimParam),
    ]),
  )

// Two convolutions that halve the time, a head, the best class.
function convolutional(): { outputs: Record<string, Tensor>; parameters: readonly Parameter[] } {
  const w1 = parameter('conv.weight', values(4, 3, 3))
  const b1 = parameter('conv.bias', values(4))
  const w2 = parameter('head.weight', values(5, 4))
  const x = input('signal', 'float32', ['B', 3, 'T'])
  const hidden = withScope('encoder', () => relu(conv(x, w1, b1, { strides: 2, pads: 1 })))
  const logprobs = withScope('head', () => logSoftmax(linear(reduceMean(hidden, 2), w2)))
  return { outputs: { logprobs, hidden, best: argMax(logprobs, 1) }, parameters: [w1, b1, w2] }
}

// A gated recurrence in both directions over [T, B, 3], with its gradient.
function recurrent(): { outputs: Record<string, Tensor>; feeds: Record<string, TensorData> } {
  const w = parameter('w', values(3, 2))
  const r = parameter('r', values(2, 2))
  const x = input('x', 'float32', ['T', 'B', 3])
  const run = (reverse: boolean) =>
    scan({
      states: [matMul(x, w), matMul(x, w)].map((t) => reduceSum(t, 0)),
      sequences: [matMul(x, w)],
      reverse,
      step: ([h, c], [slice]) => {
        const gate = sigmoid(add(slice!, matMul(h!, r)))
        const cell = add(mul(gate, c!), tanh(slice!))
        return { states: [mul(gate, tanh(cell)), cell], rows: [mul(gate, tanh(cell))] }
      },
    })
  const [forward, backward] = [run(false), run(true)]
  const rows = concat([forward.rows[0]!, backward.rows[0]!], 2)
  const [dw, dr] = grad(reduceSum(mul(rows, rows)), [w, r])
  return { outputs: { rows, last: forward.states[1]!, dw: dw!, dr: dr! }, feeds: { x: values(4, 2, 3) } }
}

async function runProgram(outputs: Record<string, Tensor>, feeds: Record<string, TensorData>, options = {}) {
  const program = await compile(outputs, { runtime })
  try {
    return await program.run(feeds, options)
  } finally {
    await program.dispose()
  }
}

function expectClose(found: Record<string, TensorData>, expected: Record<string, TensorData>): void {
  expect(Object.keys(found).sort()).toEqual(Object.keys(expected).sort())
  for (const name of Object.keys(expected)) {
    const problem = difference(found[name]!, expected[name]!, 1e-5, 1e-6)
    expect(problem && `${name}: ${problem}`).toBeUndefined()
  }
}

describe('exportOnnx', () => {
  test('writes opset 20 in IR version 9, standard ops alone, with names and metadata', async () => {
    const { outputs } = convolutional()
    const bytes = await exportOnnx(outputs, {
      metadata: { vocab_size: '5', labels: 'a b' },
      graphName: 'Net',
      docString: 'A network.',
      producerVersion: '1.2',
    })
    const model = decodeModel(bytes)
    expect(model).toMatchObject({
      irVersion: 9,
      opsetImport: [{ version: 20 }],
      producerVersion: '1.2',
      docString: 'A network.',
    })
    expect(model.graph.name).toBe('Net')
    expect(model.metadataProps).toEqual([
      { key: 'vocab_size', value: '5' },
      { key: 'labels', value: 'a b' },
    ])
    expect(new Set(model.graph.node.map((node) => node.domain ?? ''))).toEqual(new Set(['']))
    expect(model.graph.input.map(({ name }) => name)).toEqual(['signal'])
    expect(model.graph.output.map(({ name }) => name)).toEqual(['logprobs', 'hidden', 'best'])
    expect(model.graph.initializer.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['conv.weight', 'conv.bias', 'head.weight']),
    )
    expect(model.graph.node.map(({ name }) => name)).toContain('encoder/Conv')
  })

  test('keeps symbols of inputs; a computed size is named after the output that has it', async () => {
    const { outputs } = convolutional()
    const model = decodeModel(await exportOnnx({ ...outputs, again: relu(outputs.hidden!) }))
    expect(dimsOf(model, 'input')).toEqual({ signal: ['B', 3, 'T'] })
    expect(dimsOf(model, 'output')).toEqual({
      logprobs: ['B', 5],
      hidden: ['B', 4, 'hidden_dim_2'],
      best: ['B'],
      again: ['B', 4, 'hidden_dim_2'],
    })
  })

  test('gives equal bytes for equal graphs', async () => {
    const build = () => {
      const w = parameter('w', tensorData([[1, 2]], 'float32'))
      const x = input('x', 'float32', ['T', 'B', 1])
      const { rows } = scan({
        states: [reduceSum(matMul(x, w), 0)],
        sequences: [matMul(x, w)],
        step: ([h], [slice]) => ({ states: [add(h!, slice!)], rows: [mul(h!, slice!)] }),
      })
      const y = withRandomStreams(() => dropout(rows[0]!, 0.25))
      return exportOnnx({ y, dw: grad(reduceSum(y), [w])[0]! }, { valueInfo: true })
    }
    expect(Buffer.compare(await build(), await build())).toBe(0)
  })

  test('computes in ONNX Runtime what the program computes, integers too', async () => {
    const { outputs } = convolutional()
    const feeds = { signal: values(2, 3, 9) }
    const found = await runFile(await exportOnnx(outputs), feeds)
    expect(found.best!.dtype).toBe('int64')
    expectClose(found, await runProgram(outputs, feeds))
  })

  test('writes scans in both directions and their gradients', async () => {
    const { outputs, feeds } = recurrent()
    expectClose(await runFile(await exportOnnx(outputs), feeds), await runProgram(outputs, feeds))
  })

  test('comes back by importOnnx as an equal graph with equal parameters', async () => {
    const { outputs, feeds } = recurrent()
    const bytes = await exportOnnx(outputs)
    const model = importOnnx(bytes)
    expect(model.parameters.map(({ name }) => name).sort()).toEqual(['r', 'w'])
    expect(model.inputs.x!.shape).toEqual(['T', 'B', 3])
    expect(model).toMatchObject({ opset: 20, irVersion: 9 })
    for (const [name, tensor] of Object.entries(outputs)) expect(model.outputs[name]!.shape).toEqual(tensor.shape)
    const expected = await runProgram(outputs, feeds)
    expectClose(await runProgram(model.outputs, feeds), expected)
    expectClose(await runFile(await exportOnnx(model.outputs), feeds), expected)
  })

  test('writes a parameter once, however often it is read', async () => {
    const w = parameter('w', values(2, 2))
    const x = input('x', 'float32', ['B', 2])
    const bytes = await exportOnnx({ y: matMul(relu(matMul(x, w)), w), z: mul(matMul(x, w), 2) })
    const { initializer } = decodeModel(bytes).graph
    expect(initializer.filter(({ dims }) => dims.length === 2).map(({ name }) => name)).toEqual(['w'])
  })

  test('leaves chosen parameters to the caller, after the inputs', async () => {
    const { outputs, parameters } = convolutional()
    const [w1, , w2] = parameters as readonly [Parameter, Parameter, Parameter]
    const bytes = await exportOnnx(outputs, { inputs: ['signal'], parametersAsInputs: [w1, w2] })
    const model = decodeModel(bytes)
    expect(dimsOf(model, 'input')).toEqual({ signal: ['B', 3, 'T'], 'conv.weight': [4, 3, 3], 'head.weight': [5, 4] })
    const feeds = { signal: values(1, 3, 5) }
    const given = { ...feeds, 'conv.weight': await w1.value(), 'head.weight': await w2.value() }
    expectClose(await runFile(bytes, given), await runProgram(outputs, feeds))
  })

  test('names outputs that are inputs, constants, parameters or other outputs', async () => {
    const w = parameter('w', values(2))
    const x = input('x', 'float32', ['N'])
    const y = add(x, 1)
    const outputs = { same: x, y, twin: y, fixed: constant([1, 2]), weight: w }
    const feeds = { x: values(3) }
    expectClose(await runFile(await exportOnnx(outputs), feeds), await runProgram(outputs, feeds))
  })

  test('describes intermediate values when asked', async () => {
    const { outputs } = convolutional()
    const { graph } = decodeModel(await exportOnnx(outputs, { valueInfo: true }))
    const described = new Set(graph.valueInfo!.map(({ name }) => name))
    const borders = new Set(graph.output.map(({ name }) => name))
    for (const name of graph.node.flatMap(({ output }) => output))
      expect(described.has(name) || borders.has(name)).toBe(true)
    expect(decodeModel(await exportOnnx(outputs)).graph.valueInfo).toBeUndefined()
  })

  test('writes a training step: loss, gradients and dropout that the random key decides', async () => {
    const w = parameter('w', values(3, 3))
    const x = input('x', 'float32', ['B', 3])
    const loss = withRandomStreams(() => reduceMean(dropout(matMul(x, w), 0.5)))
    const outputs = { loss, dw: grad(loss, [w])[0]! }
    const feeds = { x: values(6, 3) }
    const key = { [RANDOM_KEY]: tensorData([11, 3], 'int64') }
    const expected = await runProgram(outputs, feeds, { seed: 11, step: 3 })
    expectClose(await runFile(await exportOnnx(outputs), { ...feeds, ...key }), expected)
  })

  test('writes batch normalisation in training mode so that running it changes nothing', async () => {
    const [scale, bias] = [parameter('scale', values(3)), parameter('bias', values(3))]
    const x = input('x', 'float32', ['B', 3, 'T'])
    const { y, mean, variance } = batchNormTraining(x, scale, bias, 1e-3)
    const outputs = { y, mean, variance, dscale: grad(reduceSum(mul(y, y)), [scale])[0]! }
    const feeds = { x: values(4, 3, 5) }
    const bytes = await exportOnnx(outputs)
    expect(decodeModel(bytes).graph.node.map(({ opType }) => opType)).not.toContain('BatchNormalization')
    expectClose(await runFile(bytes, feeds, 3), await runProgram(outputs, feeds))
  })

  test('writes the CTC loss and its gradient as standard ops', async () => {
    const logits = input('logits', 'float32', ['B', 'T', 4])
    const targets = input('targets', 'int64', ['B', 'U'])
    const [frames, labels] = [input('frames', 'int64', ['B']), input('labels', 'int64', ['B'])]
    const losses = ctcLoss(
      { logProbs: logSoftmax(logits), targets, inputLengths: frames, targetLengths: labels },
      { blank: 3 },
    )
    const outputs = { losses, gradient: grad(reduceSum(losses), [logits])[0]! }
    const feeds = {
      logits: values(2, 6, 4),
      targets: tensorData(
        [
          [0, 1, 1],
          [2, 0, 0],
        ],
        'int64',
      ),
      frames: tensorData([6, 4], 'int64'),
      labels: tensorData([3, 1], 'int64'),
    }
    const bytes = await exportOnnx(outputs, { inputs: ['logits', 'frames', 'targets', 'labels'] })
    expect(decodeModel(bytes).graph.input.map(({ name }) => name)).toEqual(['logits', 'frames', 'targets', 'labels'])
    expectClose(await runFile(bytes, feeds), await runProgram(outputs, feeds))
  })

  test('writes what a parameter is now', async () => {
    const w = parameter('w', tensorData([1], 'float32'))
    const x = input('x', 'float32', ['N'])
    const program = await compile({ y: mul(x, w) }, { runtime, updates: [[w, sub(w, 3)]] })
    await program.run({ x: [1] })
    await program.dispose()
    const found = await runFile(await exportOnnx({ y: mul(x, w) }), { x: tensorData([2], 'float32') })
    expect([...found.y!.data]).toEqual([-4])
  })

  describe('refuses', () => {
    const refused = async (
      outputs: Record<string, Tensor>,
      options: Parameters<typeof exportOnnx>[1],
      message: RegExp,
    ) => {
      const failure = exportOnnx(outputs, options)
      await expect(failure).rejects.toThrow(CompileError)
      await expect(failure).rejects.toThrow(message)
    }
    const x = input('x', 'float32', ['N'])

    test('inputs that are not the inputs of the graph', async () => {
      await refused({ y: relu(x) }, { inputs: ['x', 'length'] }, /expected the inputs x, found x, length/)
      await refused({ y: relu(x) }, { inputs: [] }, /expected the inputs x, found none/)
    })

    test('no outputs', () => refused({}, {}, /at least one output/))

    test('names that clash', async () => {
      const w = parameter('x', values(2))
      await refused({ y: add(x, w) }, {}, /Two values are named x/)
      await refused({ x: relu(x) }, {}, /Output x has the name of an input/)
      await refused({ y: add(parameter('w', values(2)), parameter('w', values(2))) }, {}, /Two values are named w/)
    })

    test('parameters that the graph does not read', () =>
      refused(
        { y: relu(x) },
        { parametersAsInputs: [parameter('w', values(1))] },
        /names w, which the graph does not read/,
      ))

    test('an op of a caller that has no definition', async () => {
      const own = defineOp({
        type: 'Own',
        domain: 'nemo',
        since: 1,
        infer: (context) => [{ dtype: 'float32', shape: context.input(0).shape }],
        grad: nonDifferentiable('none'),
      })
      await refused({ y: apply1(own, [x]) }, {}, /Own has no definition in ONNX ops/)
    })
  })
})
