import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { add, compile, input, matMul, mul, parameter, reduceSum, sub, type TensorData } from '@nemo/graph'
import { useSoftwareVulkan } from '@nemo-tools/software-vulkan'
import { expect, test } from 'vitest'
import { UnsupportedGraphError, WebGPUDeviceError, webgpu } from '../src/index.js'
import { testDevice } from './kernelCheck.js'

const numbers = ({ data }: TensorData) => Array.from(data as Float32Array)
const ramp = (count: number) => Float32Array.from({ length: count }, (_, i) => i % 7)

test('a tensor beyond the largest buffer is named, with its bytes and the limit, before anything runs', async () => {
  await testDevice()
  const runtime = await webgpu({ maxBufferBytes: 4096 })
  const w = parameter('w', ramp(10))
  const program = await compile({ y: add(input('x', 'float32', ['T']), 1) }, { runtime, updates: [[w, mul(w, 2)]] })
  const problem = await program.run({ x: new Float32Array(5000) }).catch((error: unknown) => error)
  expect(problem).toBeInstanceOf(UnsupportedGraphError)
  expect((problem as Error).message).toMatch(/Input x needs a buffer of 20224 bytes; this device has at most 4096/)
  expect(numbers(await w.value())).toEqual([...ramp(10)])
  // Smaller inputs still fit.
  expect(numbers((await program.run({ x: [1, 2] })).y)).toEqual([2, 3])
  await runtime.dispose()
})

test('parameters that one buffer cannot hold are spread over several', async () => {
  await testDevice()
  const runtime = await webgpu({ maxBufferBytes: 4096 })
  const weights = Array.from({ length: 5 }, (_, i) =>
    parameter(
      `w${i}`,
      ramp(900).map((v) => v + i),
    ),
  )
  const updates = weights.map((w, i) => [w, sub(mul(w, 2), weights[(i + 1) % 5]!)] as const)
  const program = await compile({}, { runtime, updates })
  await program.run()
  for (const [i, w] of weights.entries()) {
    const next = (i + 1) % 5
    expect(numbers(await w.value())).toEqual([...ramp(900)].map((v) => 2 * (v + i) - (v + next)))
  }
  await runtime.dispose()
})

test('results with more workgroups than one dimension holds are complete', async () => {
  const runtime = await testDevice()
  const count = 65536 * 64 + 3
  const x = input('x', 'float32', ['T'])
  const program = await compile({ y: add(x, 1), s: reduceSum(x) }, { runtime })
  const found = numbers((await program.run({ x: ramp(count) })).y)
  expect([found.length, found[0], found[65536 * 64 - 1], found[count - 1]]).toEqual([
    count,
    1,
    ((65536 * 64 - 1) % 7) + 1,
    ((count - 1) % 7) + 1,
  ])
  await program.dispose()
})

test('a product with more rows of tiles than one dimension holds is complete', async () => {
  const runtime = await testDevice()
  const rows = 65535 * 32 + 40
  const program = await compile(
    { y: matMul(input('a', 'float32', ['T', 1]), input('b', 'float32', [1, 1])) },
    { runtime },
  )
  const found = numbers(
    (await program.run({ a: { dtype: 'float32', shape: [rows, 1], data: ramp(rows) }, b: [[2]] })).y,
  )
  expect(found.every((value, i) => value === 2 * (i % 7))).toBe(true)
  await program.dispose()
})

test('an adapter is chosen by its number, and a number that nobody has lists them', async () => {
  await testDevice()
  const runtime = await webgpu({ adapter: 0 })
  expect(runtime.adapter).toMatch(/swiftshader/i)
  await runtime.dispose()
  await expect(webgpu({ adapter: 9 })).rejects.toThrow(/found 9\. There are 0: .*SwiftShader/)
})

test('without a driver the error says what to install', () => {
  const script = `import('./src/index.ts').then(({ webgpu }) => webgpu()).then(() => console.log('opened'), (error) => console.log(error.code, error.message))`
  const { stdout } = spawnSync(process.execPath, ['-C', '@nemo/source', '--import', 'tsx', '-e', script], {
    cwd: join(import.meta.dirname, '..'),
    encoding: 'utf8',
    env: { ...process.env, VK_DRIVER_FILES: '/nonexistent', VK_ICD_FILENAMES: '/nonexistent' },
  })
  expect(stdout).toMatch(/^NEMO_WEBGPU_UNAVAILABLE .*found no adapter.*libvulkan1.*Chrome.*ort\(\)/s)
})

async function ownDevice(): Promise<GPUDevice> {
  useSoftwareVulkan()
  const dawn = await import('webgpu')
  Object.assign(globalThis, dawn.globals)
  const gpu = dawn.create([])
  held.push(gpu)
  const adapter = await gpu.requestAdapter()
  return adapter!.requestDevice()
}

// Dawn's objects must outlive their devices.
const held: object[] = []

test('a lost device is reported with what to do, and a new runtime goes on from what was saved', async () => {
  const device = await ownDevice()
  const runtime = await webgpu({ device })
  const w = parameter('w', [1, 2])
  const step = (on: typeof runtime) => compile({ old: w }, { runtime: on, updates: [[w, mul(w, 3)]] })
  const program = await step(runtime)
  await program.run()
  const saved = await w.value()
  await program.run()
  device.destroy()
  const problem = await program.run().catch((error: unknown) => error)
  expect(problem).toBeInstanceOf(WebGPUDeviceError)
  expect((problem as Error).message).toMatch(/The GPU was lost .*go on from the last checkpoint/)
  await expect(w.value()).rejects.toThrow(/The GPU was lost/)

  w.set(saved)
  const next = await webgpu({ device: await ownDevice() })
  expect(numbers((await (await step(next)).run()).old)).toEqual([3, 6])
  expect(numbers(await w.value())).toEqual([9, 18])
  await next.dispose()
  // Taking leave of a lost device is no error.
  await runtime.dispose()
})
