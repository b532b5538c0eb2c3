import { ort } from '@nemo/graph'
import { afterAll, expect, it } from 'vitest'
import { Trainer } from '../../src/index.js'
import { tinyLoader, tinyModel } from './tinyModel.js'

const runtime = ort({ threads: 1 })
afterAll(() => runtime.dispose())

it('gives the outputs of forward in evaluation mode, batch by batch, with what the data says of the samples', async () => {
  const model = tinyModel({ dropout: 0.5 })
  const events: string[] = []
  const callbacks = [
    {
      onPredictStart: (_: unknown, __: unknown, batches: number) => void events.push(`start ${batches}`),
      onPredictBatchEnd: (_: unknown, __: unknown, i: number) => void events.push(`batch ${i}`),
    },
  ]
  const predictions = await new Trainer({}, { runtime, callbacks }).predict(
    model,
    tinyLoader({ length: 6, batch_size: 4 }),
  )
  expect(predictions.map(({ samples }) => samples)).toEqual([
    [0, 1, 2, 3],
    [4, 5],
  ])
  expect(events).toEqual(['start 2', 'batch 0', 'batch 1'])
  const { batch } = (await tinyLoader({ length: 6, batch_size: 4 }).epoch(0).next()).value!
  const { prediction } = await model.eval().run({ x: batch!.arrays.x! }, { runtime })
  expect(predictions[0]!.outputs.prediction!.data).toEqual(prediction!.data)
})

it('limit_predict_batches and fast_dev_run bound it; batches without samples have no entry', async () => {
  const loader = () => tinyLoader({ length: 12, batch_size: 2, skip: [2, 3] })
  const sizes = async (config: object) => {
    const made = await new Trainer(config, { runtime }).predict(tinyModel(), loader())
    return made.map(({ samples }) => samples)
  }
  expect(await sizes({ limit_predict_batches: 3 })).toEqual([
    [0, 1],
    [4, 5],
  ])
  expect(await sizes({ fast_dev_run: true })).toEqual([[0, 1]])
  expect(await sizes({ limit_predict_batches: 0 })).toEqual([])
})
