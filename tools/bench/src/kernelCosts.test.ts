import { expect, test } from 'vitest'
import { stepCost } from './kernelCosts.js'
import { leastWork } from './leastWork.js'
import { quartzNet5x3 } from './quartzNet5x3.js'

const size = { batch: 4, frames: 401, target: 40, features: 64, classes: 29 }

test('a training step takes at most 3 kernels per layer and direction, moves 1.5 times the least bytes, copies nothing', async () => {
  const cost = await stepCost(quartzNet5x3, size)
  const least = leastWork(quartzNet5x3, size)
  expect(cost.copies).toBe(0)
  expect(cost.dispatches / least.layers / 2).toBeLessThanOrEqual(3)
  expect((cost.bytesRead + cost.bytesWritten) / least.bytes).toBeLessThanOrEqual(1.5)
})

test('fewer than ten kernels update all parameters', async () => {
  const { kernels } = await stepCost(quartzNet5x3, size)
  expect(kernels.find(({ label }) => label === 'Update')!.dispatches).toBeLessThan(10)
})

test('mixed precision takes the same kernels and little more than half the bytes', async () => {
  const [full, mixed] = [await stepCost(quartzNet5x3, size), await stepCost(quartzNet5x3, size, '16-mixed')]
  expect([mixed.dispatches, mixed.copies, mixed.flops]).toEqual([full.dispatches, 0, full.flops])
  expect((mixed.bytesRead + mixed.bytesWritten) / (full.bytesRead + full.bytesWritten)).toBeLessThan(0.7)
  expect(mixed.peakBytes).toBeLessThan(0.8 * full.peakBytes)
})
