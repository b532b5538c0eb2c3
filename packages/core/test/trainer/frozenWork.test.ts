import { expect, it } from 'vitest'
import { Trainer } from '../../src/index.js'
import { countingRuntime } from './countingRuntime.js'
import { type TinyModel, tinyModel } from './tinyModel.js'

async function nodesOf(prepare: (model: TinyModel) => void): Promise<Map<string, number>> {
  const { runtime, programs } = countingRuntime()
  const model = tinyModel({ batch_norm: false })
  prepare(model)
  await new Trainer({ max_steps: 1 }, { runtime }).fit(model)
  await runtime.dispose()
  return programs[0]!
}

const total = (counts: ReadonlyMap<string, number>) => [...counts.values()].reduce((sum, count) => sum + count, 0)

it('frozen weights cost no node of the backward pass', async () => {
  const all = await nodesOf(() => undefined)
  const encoderFrozen = await nodesOf((model) => model.encoder.freeze())
  const weightOnly = await nodesOf((model) => {
    model.encoder.weight.requiresGrad = false
  })
  expect(all.get('ConvWeightGradient')).toBe(1)
  expect(encoderFrozen.has('ConvWeightGradient')).toBe(false)
  expect(weightOnly.has('ConvWeightGradient')).toBe(false)
  // The way back through relu ends at the encoder; a bias that is still trained wants it.
  expect(encoderFrozen.has('Sign')).toBe(false)
  expect(weightOnly.has('Sign')).toBe(true)
  expect(total(encoderFrozen)).toBeLessThan(total(weightOnly))
  expect(total(weightOnly)).toBeLessThan(total(all))
})
