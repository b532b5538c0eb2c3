import { ort } from '@nemo/graph'
import { afterAll, expect, it } from 'vitest'
import { tinyLoader, tinyModel, weightsOf } from '../../test/trainer/tinyModel.js'
import { updateBatchNorm } from './updateBatchNorm.js'

const runtime = ort({ threads: 1 })
afterAll(() => runtime.dispose())

const statistics = (weights: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(weights).filter(([name]) => name.includes('running_')))

it('takes the statistics of the data in place of those of training, and leaves weights alone', async () => {
  const model = tinyModel({ batch_norm: true, dropout: 0.5 })
  const before = await weightsOf(model)
  // Of one batch with all data, the mean is that of the convolution's outputs.
  const batches = await updateBatchNorm(model, tinyLoader({ length: 8, batch_size: 8 }), { runtime })
  expect(batches).toBe(1)
  const once = await weightsOf(model)
  expect(statistics(once)).not.toEqual(statistics(before))
  expect({ ...once, ...statistics(before) }).toEqual(before)
  expect(model.training).toBe(true)
  // Nothing of what was there before is left: doing it again changes nothing but the last bits.
  const { runningMean, runningVar } = model.norm!
  const read = async () =>
    [await runningMean.value(), await runningVar.value()].map(({ data }) => Array.from(data as Float32Array))
  const [means, variances] = await read()
  await updateBatchNorm(model, tinyLoader({ length: 8, batch_size: 8 }), { runtime })
  const again = await read()
  for (const [k, mean] of means!.entries()) {
    expect(again[0]![k]).toBeCloseTo(mean, 5)
    expect(again[1]![k]).toBeCloseTo(variances![k]!, 5)
  }

  // Two batches of unequal size: each sample counts once.
  const [first, second] = [tinyModel({ batch_norm: true }), tinyModel({ batch_norm: true })]
  await updateBatchNorm(first, tinyLoader({ length: 6, batch_size: 6 }), { runtime })
  await updateBatchNorm(second, tinyLoader({ length: 6, batch_size: 4 }), { runtime })
  const [whole, parts] = [await first.norm!.runningMean.value(), await second.norm!.runningMean.value()]
  for (const [k, value] of [...(parts.data as Float32Array)].entries())
    expect(value).toBeCloseTo((whole.data as Float32Array)[k]!, 4)
})

it('says that a model has none', async () => {
  await expect(updateBatchNorm(tinyModel({ batch_norm: false }), tinyLoader(), { runtime })).rejects.toThrow(
    /no batch normalisation/,
  )
})
