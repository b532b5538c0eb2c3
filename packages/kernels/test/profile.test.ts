import { add, compile, input, matMul, relu } from '@nemo/graph'
import { expect, test } from 'vitest'
import { WebGPUDeviceError, webgpu } from '../src/index.js'
import { testDevice } from './kernelCheck.js'

test('a profile has every kernel of the runs, with times of the device and the work done', async () => {
  const runtime = await testDevice()
  const [a, b] = [input('a', 'float32', ['N', 64]), input('b', 'float32', [64, 'N'])]
  const program = await compile({ y: relu(add(matMul(a, b), 1)) }, { runtime })
  const side = 96
  const feed = (shape: number[]) => ({ dtype: 'float32' as const, shape, data: new Float32Array(side * 64).fill(1) })
  const run = () => program.run({ a: feed([side, 64]), b: feed([64, side]) })
  await run()
  let result: Awaited<ReturnType<typeof run>> | undefined
  const times = await runtime.profile(async () => {
    await run()
    result = await run()
  })
  expect(times.map(({ label, dispatches }) => [label, dispatches]).sort()).toEqual([
    ['Elementwise', 2],
    ['MatMul', 2],
  ])
  const product = times.find(({ label }) => label === 'MatMul')!
  expect(product.flops).toBe(2 * 2 * side * side * 64)
  expect(product.milliseconds).toBeGreaterThan(0)
  expect(result!.y.data[0]).toBe(65)
  // Afterwards nothing is timed.
  expect(await runtime.profile(async () => undefined)).toEqual([])
  await program.dispose()
})

test('a device without timestamps says so', async () => {
  await testDevice()
  const dawn = await import('webgpu')
  const gpu = dawn.create([])
  const device = await (await gpu.requestAdapter())!.requestDevice()
  const runtime = await webgpu({ device })
  await expect(runtime.profile(async () => undefined)).rejects.toThrow(WebGPUDeviceError)
  await runtime.dispose()
  held.push(gpu)
})

// Dawn's objects must outlive their devices.
const held: object[] = []
