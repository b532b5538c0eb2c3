import { compile, input, ort, type TensorData } from '@nemo/graph'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { RandomGenerator, seedInitialisation } from '../modules/randomGenerator.js'
import { GRU } from './gru.js'
import { LSTM } from './lstm.js'
import type { RecurrentLayer } from './recurrentLayer.js'

const runtime = ort({ threads: 1 })
afterAll(() => runtime.dispose())
beforeEach(() => seedInitialisation(1))

const [B, T, I, H, LAYERS] = [2, 4, 3, 2, 2]
const random = new RandomGenerator(3)
const frames: TensorData = {
  dtype: 'float32',
  shape: [B, T, I],
  data: Float32Array.from({ length: B * T * I }, () => random.normal()),
}
const start = (seed: number): TensorData => {
  const generator = new RandomGenerator(seed)
  const data = Float32Array.from({ length: 2 * LAYERS * B * H }, () => generator.normal())
  return { dtype: 'float32', shape: [2 * LAYERS, B, H], data }
}

type Weights = (name: string) => (row: number, column?: number) => number
type Cell = (x: readonly number[], states: number[][], weights: Weights) => number[][]

const sigmoid = (v: number) => 1 / (1 + Math.exp(-v))
const product = (weight: (row: number, column?: number) => number, row: number, x: readonly number[]) =>
  x.reduce((sum, v, i) => sum + v * weight(row, i), 0)

/** PyTorch's documented equations of one step. */
const lstmCell: Cell = (x, [h, c], weights) => {
  const gate = (g: number, j: number) => {
    const row = g * H + j
    return (
      product(weights('weight_ih'), row, x) +
      weights('bias_ih')(row) +
      product(weights('weight_hh'), row, h!) +
      weights('bias_hh')(row)
    )
  }
  const next = c!.map((v, j) => sigmoid(gate(1, j)) * v + sigmoid(gate(0, j)) * Math.tanh(gate(2, j)))
  return [next.map((v, j) => sigmoid(gate(3, j)) * Math.tanh(v)), next]
}

const gruCell: Cell = (x, [h], weights) => {
  const fromInput = (row: number) => product(weights('weight_ih'), row, x) + weights('bias_ih')(row)
  const fromState = (row: number) => product(weights('weight_hh'), row, h!) + weights('bias_hh')(row)
  return [
    h!.map((v, j) => {
      const reset = sigmoid(fromInput(j) + fromState(j))
      const update = sigmoid(fromInput(H + j) + fromState(H + j))
      return (1 - update) * Math.tanh(fromInput(2 * H + j) + reset * fromState(2 * H + j)) + update * v
    }),
  ]
}

/** Outputs `[T][..]` and last states of one item of length `length`. */
async function reference(layer: RecurrentLayer, cell: Cell, item: number, length: number, initial: TensorData[]) {
  const state = await layer.stateDict()
  let sequence = Array.from({ length }, (_, t) =>
    Array.from({ length: I }, (_, i) => Number(frames.data[(item * T + t) * I + i])),
  )
  const last: number[][][] = []
  for (let k = 0; k < LAYERS; k++) {
    const outputs = sequence.map((): number[] => [])
    for (const [d, suffix] of ['', '_reverse'].entries()) {
      const weights: Weights = (name) => {
        const { data, shape } = state.get(`${name}_l${k}${suffix}`)!
        return (row, column = 0) => Number(data[row * (shape[1] ?? 1) + column])
      }
      let states = initial.map(({ data }) =>
        Array.from({ length: H }, (_, j) => Number(data[((2 * k + d) * B + item) * H + j])),
      )
      const order = sequence.map((_, t) => (d === 0 ? t : length - 1 - t))
      const results: number[][] = []
      for (const t of order) {
        states = cell(sequence[t]!, states, weights)
        results[t] = states[0]!
      }
      for (const [t, result] of results.entries()) outputs[t]!.push(...result)
      last.push(states)
    }
    sequence = outputs
  }
  return { outputs: sequence, last }
}

describe.each([
  { name: 'LSTM', cell: lstmCell, states: 2, gates: 4 },
  { name: 'GRU', cell: gruCell, states: 1, gates: 3 },
])('$name', ({ name, cell, states: stateCount, gates }) => {
  const make = () => {
    const options = { numLayers: LAYERS, bidirectional: true }
    return name === 'LSTM' ? new LSTM(I, H, options) : new GRU(I, H, options)
  }

  it("has PyTorch's parameters in its order", () => {
    const shapes = [...make().namedTensors()].map(([key, { shape }]) => `${key} ${shape.join('x')}`)
    const layer = (k: number, suffix: string, inputs: number) => [
      `weight_ih_l${k}${suffix} ${gates * H}x${inputs}`,
      `weight_hh_l${k}${suffix} ${gates * H}x${H}`,
      `bias_ih_l${k}${suffix} ${gates * H}`,
      `bias_hh_l${k}${suffix} ${gates * H}`,
    ]
    expect(shapes).toEqual([
      ...layer(0, '', I),
      ...layer(0, '_reverse', I),
      ...layer(1, '', 2 * H),
      ...layer(1, '_reverse', 2 * H),
    ])
  })

  it('two bidirectional layers equal the equations, from given states and up to given lengths', async () => {
    const layer = make()
    const initial = Array.from({ length: stateCount }, (_, i) => start(i))
    const symbols = initial.map((state, i) => input(`state${i}`, 'float32', state.shape))
    const x = input('x', 'float32', ['B', 'T', I])
    const lengths = input('lengths', 'int64', ['B'])
    const built =
      layer instanceof LSTM
        ? layer.forward(x, { lengths, state: { hidden: symbols[0]!, cell: symbols[1]! } })
        : layer.forward(x, { lengths, state: symbols[0]! })
    const lastStates = 'hidden' in built.state ? [built.state.hidden, built.state.cell] : [built.state]
    const outputs = Object.fromEntries([['output', built.output], ...lastStates.map((state, i) => [`last${i}`, state])])
    const program = await compile(outputs, { runtime })
    const frameCounts = [T, T - 2]
    const feeds = Object.fromEntries(initial.map((state, i) => [`state${i}`, state]))
    const found = await program.run({ ...feeds, x: frames, lengths: frameCounts })
    for (const [item, length] of frameCounts.entries()) {
      const { outputs: expected, last } = await reference(layer, cell, item, length, initial)
      for (let t = 0; t < T; t++) {
        for (let j = 0; j < 2 * H; j++)
          expect(found.output!.data[(item * T + t) * 2 * H + j]).toBeCloseTo(expected[t]?.[j] ?? 0, 5)
      }
      for (let s = 0; s < stateCount; s++) {
        for (const [pass, states] of last.entries()) {
          for (let j = 0; j < H; j++)
            expect(found[`last${s}`]!.data[(pass * B + item) * H + j]).toBeCloseTo(states[s]![j]!, 5)
        }
      }
    }
    await program.dispose()
  })
})
