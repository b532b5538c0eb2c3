import {
  compile,
  grad,
  input,
  mul,
  ort,
  parameter,
  reduceSum,
  type Shape,
  type Tensor,
  type TensorData,
  tensorData,
  withRandomStreams,
} from '@nemo/graph'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { ModuleError } from '../modules/errors.js'
import { RandomGenerator, seedInitialisation } from '../modules/randomGenerator.js'
import { collectUpdates } from '../modules/updates.js'
import { activation, activationNames } from './activation.js'
import { BatchNorm1d } from './batchNorm1d.js'
import { Conv1d } from './conv1d.js'
import { Dropout } from './dropout.js'
import { Embedding } from './embedding.js'
import { LayerNorm } from './layerNorm.js'
import { Linear } from './linear.js'

const runtime = ort({ threads: 1 })
afterAll(() => runtime.dispose())
beforeEach(() => seedInitialisation(1))

const random = new RandomGenerator(9)
const randomTensor = (...shape: number[]): TensorData<'float32'> => ({
  dtype: 'float32',
  shape,
  data: Float32Array.from({ length: shape.reduce((n, dim) => n * dim, 1) }, () => random.normal()),
})

const numbers = async (value: { value(): Promise<TensorData> }) => Array.from((await value.value()).data, Number)

async function apply(forward: (x: Tensor) => Tensor, x: TensorData, declared: Shape = x.shape, seed = 0, step = 0) {
  const y = withRandomStreams(() => forward(input('x', x.dtype, declared)))
  const program = await compile({ y }, { runtime })
  const result = (await program.run({ x }, { seed, step })).y!
  await program.dispose()
  return { shape: result.shape, data: Array.from(result.data, Number) }
}

function expectClose(found: readonly number[], expected: readonly number[], digits = 5): void {
  expect(found.length).toBe(expected.length)
  found.forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i]!, digits)
  })
}

describe('BatchNorm1d', () => {
  /** PyTorch's definition, written out over `[B, C, T]`. */
  class Reference {
    readonly mean: number[]
    readonly variance: number[]
    constructor(
      readonly channels: number,
      readonly eps: number,
      readonly momentum: number,
    ) {
      this.mean = new Array<number>(channels).fill(0)
      this.variance = new Array<number>(channels).fill(1)
    }

    apply(x: TensorData, weight: readonly number[], bias: readonly number[], training: boolean): number[] {
      const [batch, channels, time = 1] = x.shape as [number, number, number?]
      const y = new Array<number>(x.data.length)
      for (let c = 0; c < channels; c++) {
        const places: number[] = []
        for (let b = 0; b < batch; b++) for (let t = 0; t < time; t++) places.push((b * channels + c) * time + t)
        let mean = this.mean[c]!
        let variance = this.variance[c]!
        if (training) {
          mean = places.reduce((sum, i) => sum + Number(x.data[i]), 0) / places.length
          variance = places.reduce((sum, i) => sum + (Number(x.data[i]) - mean) ** 2, 0) / places.length
          const unbiased = (variance * places.length) / (places.length - 1)
          this.mean[c] = (1 - this.momentum) * this.mean[c]! + this.momentum * mean
          this.variance[c] = (1 - this.momentum) * this.variance[c]! + this.momentum * unbiased
        }
        for (const i of places)
          y[i] = ((Number(x.data[i]) - mean) / Math.sqrt(variance + this.eps)) * weight[c]! + bias[c]!
      }
      return y
    }
  }

  async function trainingStep(norm: BatchNorm1d, rank: number) {
    const x = input('x', 'float32', rank === 2 ? ['B', 3] : ['B', 3, 'T'])
    const { result, updates } = collectUpdates(() => norm.train().forward(x))
    return compile({ y: result }, { runtime, updates })
  }

  it.each([
    ['default settings', {}],
    ['settings of NeMo', { eps: 1e-3, momentum: 0.1 }],
    ['no affine part', { affine: false, momentum: 0.3 }],
  ])('follows the formula and its running statistics over steps of different shapes: %s', async (_, options) => {
    const norm = new BatchNorm1d(3, options)
    const weight = norm.weight ? [0.5, 2, -1] : [1, 1, 1]
    const bias = norm.bias ? [0.1, -0.2, 0] : [0, 0, 0]
    norm.weight?.set(tensorData(weight, 'float32'))
    norm.bias?.set(tensorData(bias, 'float32'))
    const reference = new Reference(3, norm.eps, norm.momentum)
    const program = await trainingStep(norm, 3)
    const shapes = [
      [4, 3, 7],
      [1, 3, 9],
      [5, 3, 1],
      [2, 3, 30],
    ]
    for (const [step, shape] of shapes.entries()) {
      const x = randomTensor(...shape)
      const { y } = await program.run({ x })
      expectClose(Array.from(y!.data, Number), reference.apply(x, weight, bias, true), 4)
      expectClose(await numbers(norm.runningMean), reference.mean)
      expectClose(await numbers(norm.runningVar), reference.variance)
      expect(await numbers(norm.numBatchesTracked)).toEqual([step + 1])
    }
    norm.eval()
    const x = randomTensor(2, 3, 4)
    expectClose((await apply((t) => norm.forward(t), x)).data, reference.apply(x, weight, bias, false))
  })

  it('takes [B, C] too', async () => {
    const norm = new BatchNorm1d(3)
    const reference = new Reference(3, norm.eps, norm.momentum)
    const program = await trainingStep(norm, 2)
    for (let step = 0; step < 2; step++) {
      const x = randomTensor(6, 3)
      const { y } = await program.run({ x })
      expectClose(Array.from(y!.data, Number), reference.apply(x, [1, 1, 1], [0, 0, 0], true), 4)
      expectClose(await numbers(norm.runningVar), reference.variance)
    }
  })

  it('a single value per channel leaves no NaN behind', async () => {
    const norm = new BatchNorm1d(3)
    const program = await trainingStep(norm, 3)
    const { y } = await program.run({ x: randomTensor(1, 3, 1) })
    expect(Array.from(y!.data, Number)).toEqual([0, 0, 0])
    expectClose(await numbers(norm.runningVar), [0.9, 0.9, 0.9])
  })

  it('that is applied twice in one step updates its statistics twice', async () => {
    const norm = new BatchNorm1d(3, { momentum: 0.5 })
    const first = input('first', 'float32', ['B', 3])
    const second = input('second', 'float32', ['B2', 3])
    const { updates } = collectUpdates(() => [norm.forward(first), norm.forward(second)])
    const program = await compile({}, { runtime, updates })
    const ones = tensorData(
      [
        [1, 1, 1],
        [3, 3, 3],
      ],
      'float32',
    )
    const tens = tensorData(
      [
        [10, 10, 10],
        [20, 20, 20],
      ],
      'float32',
    )
    await program.run({ first: ones, second: tens })
    // 0 -> 1 -> 8
    expectClose(await numbers(norm.runningMean), [8, 8, 8])
    expect(await numbers(norm.numBatchesTracked)).toEqual([2])
  })

  it('changes nothing where no updates are collected, and nothing in evaluation', async () => {
    const norm = new BatchNorm1d(3)
    await apply((x) => norm.forward(x), randomTensor(4, 3))
    expect(await numbers(norm.runningMean)).toEqual([0, 0, 0])
    expect(collectUpdates(() => norm.eval().forward(input('x', 'float32', ['B', 3]))).updates.size).toBe(0)
  })
})

describe('Linear', () => {
  it.each([[[3]], [[2, 3]], [[2, 4, 3]]])('maps the last axis of %s', async (shape) => {
    const layer = new Linear(3, 2)
    const weight = await numbers(layer.weight)
    const bias = await numbers(layer.bias!)
    const x = randomTensor(...shape)
    const { data, shape: made } = await apply((t) => layer.forward(t), x)
    expect(made).toEqual([...shape.slice(0, -1), 2])
    const expected: number[] = []
    for (let row = 0; row < x.data.length; row += 3)
      for (let o = 0; o < 2; o++)
        expected.push([0, 1, 2].reduce((sum, i) => sum + x.data[row + i]! * weight[o * 3 + i]!, bias[o]!))
    expectClose(data, expected)
  })

  it('can go without bias', () => {
    expect([...new Linear(3, 2, { bias: false }).namedParameters().keys()]).toEqual(['weight'])
  })
})

describe('Conv1d', () => {
  it.each([
    ['plain', {}],
    ['same', { padding: 1 }],
    ['stride and dilation', { stride: 2, dilation: 2, padding: 3 }],
    ['different ends', { padding: [2, 0] as const }],
    ['groups without bias', { groups: 2, bias: false }],
  ])('%s follows the formula', async (_, options) => {
    const layer = new Conv1d(4, 6, 3, options)
    const {
      stride = 1,
      dilation = 1,
      padding = 0,
      groups = 1,
    } = options as {
      stride?: number
      dilation?: number
      padding?: number | readonly [number, number]
      groups?: number
    }
    const [left, right] = typeof padding === 'number' ? [padding, padding] : padding
    const [batch, time] = [2, 11]
    const x = randomTensor(batch, 4, time)
    const weight = await numbers(layer.weight)
    const bias = layer.bias ? await numbers(layer.bias) : new Array<number>(6).fill(0)
    const frames = Math.floor((time + left + right - dilation * 2 - 1) / stride) + 1
    const inGroup = 4 / groups
    const expected: number[] = []
    for (let b = 0; b < batch; b++)
      for (let o = 0; o < 6; o++)
        for (let t = 0; t < frames; t++) {
          let sum = bias[o]!
          for (let i = 0; i < inGroup; i++)
            for (let k = 0; k < 3; k++) {
              const at = t * stride + k * dilation - left
              const channel = Math.floor(o / (6 / groups)) * inGroup + i
              if (at >= 0 && at < time)
                sum += x.data[(b * 4 + channel) * time + at]! * weight[(o * inGroup + i) * 3 + k]!
            }
          expected.push(sum)
        }
    const { data, shape } = await apply((t) => layer.forward(t), x, ['B', 4, 'T'])
    expect(shape).toEqual([batch, 6, frames])
    expectClose(data, expected, 4)
  })

  it('starts with weights and biases within 1 / sqrt(fan in)', async () => {
    const layer = new Conv1d(8, 64, 5, { groups: 4 })
    expect(layer.weight.shape).toEqual([64, 2, 5])
    for (const value of [...(await numbers(layer.weight)), ...(await numbers(layer.bias!))])
      expect(Math.abs(value)).toBeLessThanOrEqual(Math.fround(1 / Math.sqrt(10)))
  })
})

it('LayerNorm follows the formula over the last axis', async () => {
  const layer = new LayerNorm(5, { eps: 1e-3 })
  layer.weight!.set(tensorData([1, 2, 3, 4, 5], 'float32'))
  layer.bias!.set(tensorData([5, 4, 3, 2, 1], 'float32'))
  const x = randomTensor(2, 3, 5)
  const expected: number[] = []
  for (let row = 0; row < 30; row += 5) {
    const values = Array.from(x.data.slice(row, row + 5))
    const mean = values.reduce((sum, value) => sum + value, 0) / 5
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 5
    expected.push(...values.map((value, i) => ((value - mean) / Math.sqrt(variance + 1e-3)) * (i + 1) + 5 - i))
  }
  expectClose((await apply((t) => layer.forward(t), x)).data, expected, 4)
  const plain = new LayerNorm(5, { affine: false })
  expect(plain.parameters()).toEqual([])
  const { data } = await apply((t) => plain.forward(t), x)
  expect(data.slice(0, 5).reduce((sum, value) => sum + value, 0)).toBeCloseTo(0, 5)
})

describe('Embedding', () => {
  it('takes rows by index, for indices of any shape', async () => {
    const layer = new Embedding(4, 2)
    const table = await numbers(layer.weight)
    const { data, shape } = await apply((t) => layer.forward(t), tensorData([[0, 3, 1]], 'int64'))
    expect(shape).toEqual([1, 3, 2])
    expect(data).toEqual([0, 3, 1].flatMap((row) => table.slice(row * 2, row * 2 + 2)))
  })

  it('the row of padding is zero and has no gradient', async () => {
    for (const paddingIdx of [1, -3]) {
      const layer = new Embedding(4, 2, { paddingIdx })
      expect((await numbers(layer.weight)).slice(2, 4)).toEqual([0, 0])
      const indices = input('indices', 'int64', [3])
      const [gradient] = grad(reduceSum(mul(layer.forward(indices), 3)), [layer.weight])
      const program = await compile({ gradient: gradient! }, { runtime })
      const result = await program.run({ indices: tensorData([1, 2, 2], 'int64') })
      expect(Array.from(result.gradient!.data, Number)).toEqual([0, 0, 0, 0, 6, 6, 0, 0])
    }
  })

  it('a row of padding outside the table is refused', () => {
    expect(() => new Embedding(4, 2, { paddingIdx: 4 })).toThrow(ModuleError)
    expect(() => new Embedding(4, 2, { paddingIdx: -5 })).toThrow(/paddingIdx -5 is outside the table of 4 rows/)
  })
})

describe('Dropout', () => {
  const ones = tensorData([new Array(2000).fill(1)], 'float32')
  const drop = (layer: Dropout, seed: number, step: number) =>
    apply((x) => layer.forward(x), ones, ['B', 2000], seed, step).then(({ data }) => data)

  it('keeps about 1 - p of the elements and scales them', async () => {
    const data = await drop(new Dropout(0.25), 1, 0)
    const kept = data.filter((value) => value !== 0)
    expect(new Set(kept)).toEqual(new Set([Math.fround(1 / 0.75)]))
    expect(Math.abs(kept.length / 2000 - 0.75)).toBeLessThan(0.05)
  })

  it('depends on seed and step alone', async () => {
    const first = await drop(new Dropout(), 1, 5)
    expect(await drop(new Dropout(), 1, 5)).toEqual(first)
    expect(await drop(new Dropout(), 1, 6)).not.toEqual(first)
    expect(await drop(new Dropout(), 2, 5)).not.toEqual(first)
  })

  it('two in one graph drop different elements', async () => {
    const layer = new Dropout(0.5)
    const data = await apply((x) => mul(layer.forward(x), layer.forward(x)), ones, ['B', 2000], 1, 0)
    const kept = data.data.filter((value) => value !== 0).length
    expect(Math.abs(kept / 2000 - 0.25)).toBeLessThan(0.05)
  })

  it('does nothing in evaluation, and with p 0', () => {
    const x = parameter('x', [1, 2])
    expect(new Dropout(0.5).eval().forward(x)).toBe(x)
    expect(new Dropout(0).forward(x)).toBe(x)
  })

  it('a probability outside [0, 1] is refused', () => {
    expect(() => new Dropout(1.5)).toThrow('Dropout: expected a probability in [0, 1], found 1.5.')
    expect(() => new Dropout(Number.NaN)).toThrow(RangeError)
  })
})

it.each([
  ['relu', [0, 0, 0.5, 3]],
  ['hardtanh', [-1, -0.5, 0.5, 1]],
  ['swish', [-2, -0.5, 0.5, 3].map((x) => x / (1 + Math.exp(-x)))],
  ['silu', [-2, -0.5, 0.5, 3].map((x) => x / (1 + Math.exp(-x)))],
  ['selu', [-2, -0.5, 0.5, 3].map((x) => 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * Math.expm1(x)))],
  ['sigmoid', [-2, -0.5, 0.5, 3].map((x) => 1 / (1 + Math.exp(-x)))],
  ['tanh', [-2, -0.5, 0.5, 3].map(Math.tanh)],
  ['leaky_relu', [-0.02, -0.005, 0.5, 3]],
  ['identity', [-2, -0.5, 0.5, 3]],
])('the activation %s is the one that PyTorch means', async (name, expected) => {
  expect(activationNames).toContain(name)
  const { data } = await apply((x) => activation(name).forward(x), tensorData([-2, -0.5, 0.5, 3], 'float32'))
  expectClose(data, expected)
})

it('an unknown activation names the known ones', () => {
  expect(() => activation('reli')).toThrow(/Unknown activation 'reli'. Known: relu/)
  expect(() => activation('toString')).toThrow(ModuleError)
})
