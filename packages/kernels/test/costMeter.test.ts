import { add, compile, input, matMul, mul, parameter, relu } from '@nemo/graph'
import { expect, test } from 'vitest'
import { costMeter } from '../src/index.js'

const feed = (...shape: number[]) => ({
  dtype: 'float32' as const,
  shape,
  data: new Float32Array(shape.reduce((a, b) => a * b, 1)),
})

test('an element-wise chain is one kernel that reads and writes each element once', async () => {
  const runtime = costMeter()
  const x = input('x', 'float32', ['N'])
  const program = await compile({ y: relu(add(mul(x, 2), 1)) }, { runtime })
  await program.run({ x: feed(1000) })
  // The output comes back through a copy.
  expect(runtime.latest).toMatchObject({
    dispatches: 1,
    bytesRead: 2 * 4000,
    bytesWritten: 2 * 4000,
    flops: 3000,
  })
})

test('a matrix product takes two operations for each pair of elements', async () => {
  const runtime = costMeter()
  const weight = parameter('w', feed(30, 20))
  const program = await compile({ y: matMul(input('x', 'float32', ['N', 30]), weight) }, { runtime })
  await program.run({ x: feed(10, 30) })
  const [kernel] = runtime.latest!.kernels
  expect(kernel).toEqual({
    label: 'MatMul',
    dispatches: 1,
    flops: 2 * 10 * 30 * 20,
    bytesRead: 4 * (300 + 600),
    bytesWritten: 4 * 200,
  })
  expect(weight.version).toBe(0)
})

test('counts follow from the shapes alone', async () => {
  const runtime = costMeter()
  const x = input('x', 'float32', ['N'])
  const program = await compile({ y: mul(x, x) }, { runtime })
  await program.run({ x: feed(64) })
  const first = runtime.latest
  await program.run({ x: feed(128) })
  expect(runtime.latest!.bytesRead).toBe(2 * first!.bytesRead)
  await program.run({ x: feed(64) })
  expect(runtime.latest).toEqual(first)
})
