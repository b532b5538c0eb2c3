import {
  add,
  cast,
  compile,
  constant,
  dimTensor,
  input,
  maximum,
  mul,
  nonZero,
  parameter,
  range,
  reduceSum,
  relu,
  sub,
} from '@nemo/graph'
import { expect, test } from 'vitest'
import { UnsupportedGraphError, WebGPUUnavailableError, webgpu } from '../src/index.js'
import { testDevice } from './kernelCheck.js'

test('updates see the old values of all parameters', async () => {
  const runtime = await testDevice()
  const [a, b] = [parameter('a', [1, 2]), parameter('b', [10, 20])]
  const program = await compile(
    { sum: add(a, b) },
    {
      runtime,
      updates: [
        [a, b],
        [b, a],
      ],
    },
  )
  expect(Array.from((await program.run()).sum.data as Float32Array)).toEqual([11, 22])
  expect(Array.from((await a.value()).data as Float32Array)).toEqual([10, 20])
  expect(Array.from((await b.value()).data as Float32Array)).toEqual([1, 2])
})

test('a parameter that is set anew on the host is taken over again', async () => {
  const runtime = await testDevice()
  const w = parameter('w', [1, 2])
  const program = await compile({ y: mul(w, 2) }, { runtime, updates: [[w, sub(w, 1)]] })
  await program.run()
  w.set([5, 6])
  expect(Array.from((await program.run()).y.data as Float32Array)).toEqual([10, 12])
  expect(w.version).toBe(3)
})

test('runs started together finish with their own results', async () => {
  const runtime = await testDevice()
  const x = input('x', 'float32', ['T'])
  const program = await compile({ y: relu(add(x, 1)) }, { runtime })
  const results = await Promise.all(
    [[1, 2], [3], [-5, 7], []].map((feed) => program.run({ x: Float32Array.from(feed) })),
  )
  expect(results.map(({ y }) => Array.from(y.data as Float32Array))).toEqual([[2, 3], [4], [0, 8], []])
})

test('ops and element types that are not there are named when the program is compiled', async () => {
  const runtime = await testDevice()
  const x = input('x', 'float32', ['T'])
  await expect(compile({ y: nonZero(x) }, { runtime })).rejects.toThrow(UnsupportedGraphError)
  await expect(compile({ y: cast(x, 'float64') }, { runtime })).rejects.toThrow(/Cast makes float64/)
})

test('shape arithmetic is done on the host, in types and ops that the GPU lacks', async () => {
  const runtime = await testDevice()
  const x = input('x', 'float32', ['T'])
  // 100 * 0.29 is 28.999999999999996 in float64 and 29 in float32.
  const share = cast(mul(cast(dimTensor('T', [x]), 'float64'), constant(0.29, 'float64')), 'int64')
  const kept = maximum(share, constant(1, 'int64'))
  const program = await compile({ y: mul(cast(range(kept), 'float32'), reduceSum(x)) }, { runtime })
  expect((await program.run({ x: new Float32Array(100) })).y.shape).toEqual([28])
  expect((await program.run({ x: new Float32Array(2) })).y.shape).toEqual([1])
})

test('int64 beyond 32 bits is refused, not cut off', async () => {
  const runtime = await testDevice()
  const n = input('n', 'int64', ['T'])
  const program = await compile({ y: add(n, 1) }, { runtime })
  await expect(program.run({ n: [2 ** 31] })).rejects.toThrow(/Input n holds 2147483648/)
})

test('an adapter of another name is not replaced by the one at hand', async () => {
  await testDevice()
  await expect(webgpu({ adapter: 'no such GPU' })).rejects.toThrow(WebGPUUnavailableError)
})

test('an adapter is found by part of its name in any case', async () => {
  await testDevice()
  const runtime = await webgpu({ adapter: 'sWiFtShAdEr' })
  expect(runtime.adapter).toMatch(/swiftshader/i)
  await runtime.dispose()
})
