import { readFileSync } from 'node:fs'
import { compile, grad, input, ort, reduceSum, square, type TensorData } from '@nemo/graph'
import { afterAll, describe, expect, it } from 'vitest'
import { GRU, LSTM } from '../src/index.js'

interface Values {
  readonly shape: readonly number[]
  readonly data: readonly number[]
}

interface Case {
  readonly kind: 'LSTM' | 'GRU'
  readonly bidirectional: boolean
  readonly x: Values
  readonly lengths: readonly number[]
  readonly weights: Readonly<Record<string, Values>>
  readonly output: Values
  readonly states: readonly Values[]
  readonly gradients: Readonly<Record<string, Values>>
}

// Made by tools/reference/recurrentFixtures.py.
const { cases } = JSON.parse(readFileSync(new URL('fixtures/recurrent.json', import.meta.url), 'utf8')) as {
  readonly cases: readonly Case[]
}
const runtime = ort({ threads: 1 })
afterAll(() => runtime.dispose())

const tensor = ({ shape, data }: Values): TensorData => ({ dtype: 'float32', shape, data: Float32Array.from(data) })

function expectClose(found: TensorData, expected: Values): void {
  expect(found.shape).toEqual(expected.shape)
  for (const [i, value] of expected.data.entries()) expect(Number(found.data[i])).toBeCloseTo(value, 4)
}

describe.each(cases)('PyTorch $kind, bidirectional: $bidirectional', (reference) => {
  it('has its weights by name, its outputs and states on sequences of several lengths, and its gradients', async () => {
    const layer = new { LSTM, GRU }[reference.kind](3, 4, { numLayers: 2, bidirectional: reference.bidirectional })
    layer.loadStateDict(new Map(Object.entries(reference.weights).map(([name, value]) => [name, tensor(value)])))
    const x = input('x', 'float32', ['B', 'T', 3])
    const { output, state } = layer.forward(x, { lengths: input('lengths', 'int64', ['B']) })
    const states = 'hidden' in state ? [state.hidden, state.cell] : [state]
    const weights = [...layer.namedParameters()]
    const gradients = grad(
      reduceSum(square(output)),
      weights.map(([, weight]) => weight),
    )
    const outputs = Object.fromEntries([
      ['output', output],
      ...states.map((each, i) => [`state${i}`, each] as const),
      ...weights.map(([name], i) => [`grad.${name}`, gradients[i]!] as const),
    ])
    const program = await compile(outputs, { runtime })
    const found = await program.run({ x: tensor(reference.x), lengths: reference.lengths })
    expectClose(found.output!, reference.output)
    for (const [i, expected] of reference.states.entries()) expectClose(found[`state${i}`]!, expected)
    for (const [name, expected] of Object.entries(reference.gradients)) expectClose(found[`grad.${name}`]!, expected)
    await program.dispose()
  })
})
