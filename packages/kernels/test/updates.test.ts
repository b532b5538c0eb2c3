import {
  add,
  compile,
  div,
  input,
  matMul,
  mul,
  type Parameter,
  parameter,
  reduceMean,
  reduceSum,
  sqrt,
  sub,
  type Tensor,
  transpose,
} from '@nemo/graph'
import { expect, test } from 'vitest'
import { costMeter } from '../src/index.js'
import { testDevice } from './kernelCheck.js'

const numbers = async (p: Parameter) => Array.from((await p.value()).data as Float32Array)

// Runs the updates once and tells all new values.
async function updated(...updates: (readonly [Parameter, Tensor])[]): Promise<number[][]> {
  const program = await compile({}, { runtime: await testDevice(), updates })
  await program.run()
  await program.dispose()
  return Promise.all(updates.map(([p]) => numbers(p)))
}

test('three parameters that take each other’s places keep no new value twice', async () => {
  const [a, b, c] = [parameter('a', [1, 2, 3]), parameter('b', [4, 5, 6]), parameter('c', [7, 8, 9])]
  expect(await updated([a, b], [b, c], [c, a])).toEqual([
    [4, 5, 6],
    [7, 8, 9],
    [1, 2, 3],
  ])
})

test('parameters of different shapes that read each other see old values', async () => {
  const [a, s] = [parameter('a', [1, 2, 3]), parameter('s', [10])]
  expect(await updated([a, add(a, s)], [s, reduceSum(a, [0], true)])).toEqual([[11, 12, 13], [6]])
})

test('a parameter may become its own transpose', async () => {
  const a = parameter('a', { dtype: 'float32', shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) })
  expect(await updated([a, transpose(a, [1, 0])])).toEqual([[1, 3, 2, 4]])
})

test('an output that is a parameter is its value before the update', async () => {
  const a = parameter('a', [1, 2])
  const program = await compile({ old: a }, { runtime: await testDevice(), updates: [[a, mul(a, 2)]] })
  expect(Array.from((await program.run()).old.data as Float32Array)).toEqual([1, 2])
  expect(await numbers(a)).toEqual([2, 4])
  await program.dispose()
})

test('a parameter that stays as it is takes no kernel', async () => {
  const runtime = costMeter()
  const a = parameter('a', [1, 2])
  const program = await compile({}, { runtime, updates: [[a, a]] })
  await program.run()
  expect(runtime.latest!.dispatches).toBe(0)
})

// Weights of several sizes, each with a momentum and one number for its gradient's norm.
function normalizedStep(sizes: readonly number[]) {
  const x = input('x', 'float32', ['B', 4])
  const updates: (readonly [Parameter, Tensor])[] = []
  for (const [i, size] of sizes.entries()) {
    const value = (shape: number[]) => ({
      dtype: 'float32' as const,
      shape,
      data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, at) => ((at * 7 + i) % 11) / 11),
    })
    const weight = parameter(`w${i}`, value([4, size]))
    const momentum = parameter(`m${i}`, value([4, size]), { role: 'state' })
    const second = parameter(`s${i}`, value([]), { role: 'state' })
    const gradient = matMul(transpose(x, [1, 0]), matMul(x, weight))
    const norm = add(mul(second, 0.5), reduceMean(mul(gradient, gradient)))
    const next = add(mul(momentum, 0.9), div(gradient, add(sqrt(norm), 1e-3)))
    updates.push([weight, sub(weight, mul(next, 0.1))], [momentum, next], [second, norm])
  }
  return { updates, feeds: { x: [[1, -1, 0.5, 2]] } }
}

test('the updates of many parameters run as few kernels, and give what each would give alone', async () => {
  const sizes = [1, 3, 40, 129]
  const together = normalizedStep(sizes)
  const program = await compile({}, { runtime: await testDevice(), updates: together.updates })
  await program.run(together.feeds)
  const found = await Promise.all(together.updates.map(([p]) => numbers(p)))
  await program.dispose()
  const expected = normalizedStep(sizes)
  for (const i of sizes.keys()) {
    const own = expected.updates.slice(3 * i, 3 * i + 3)
    const alone = await compile({}, { runtime: await testDevice(), updates: own })
    await alone.run(expected.feeds)
    await alone.dispose()
  }
  expect(found).toEqual(await Promise.all(expected.updates.map(([p]) => numbers(p))))
})

test('updates of parameters with equal rules are one kernel each way, however many there are', async () => {
  const count = async (sizes: readonly number[]) => {
    const runtime = costMeter()
    const { updates, feeds } = normalizedStep(sizes)
    await (await compile({}, { runtime, updates })).run(feeds)
    return runtime.latest!.kernels.find(({ label }) => label === 'Update')!.dispatches
  }
  expect(await count([40, 50, 60, 70, 80, 90])).toBe(await count([40, 50]))
})
