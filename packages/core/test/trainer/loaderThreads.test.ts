import { ort } from '@nemo/graph'
import { afterAll, expect, it } from 'vitest'
import { DataLoader, Trainer } from '../../src/index.js'
import { type TinyDataOptions, TinyDataset, tinyModel } from './tinyModel.js'

const runtime = ort({ threads: 1 })
afterAll(() => runtime.dispose())

/** Notes when its threads are ended. */
class ClosingLoader extends DataLoader {
  closed = 0
  constructor(options: TinyDataOptions = {}) {
    super(new TinyDataset(options), { batch_size: 4 })
  }
  override async close(): Promise<void> {
    this.closed++
    await super.close()
  }
}

it('a trainer ends the threads of its loaders when it is done, also after an error', async () => {
  const model = tinyModel()
  const [training, validation, test] = [new ClosingLoader(), new ClosingLoader(), new ClosingLoader()]
  model.trainingLoader = training
  model.validationLoaders = [{ name: 'val', loader: validation }]
  model.testLoaders = [{ name: 'test', loader: test }]
  const trainer = new Trainer({ max_epochs: 1 }, { runtime })
  await trainer.fit(model)
  expect([training.closed, validation.closed, test.closed]).toEqual([1, 1, 0])
  await trainer.test(model)
  expect(test.closed).toBe(1)
  const broken = new ClosingLoader({ broken: 2 })
  model.trainingLoader = broken
  await expect(new Trainer({ max_epochs: 1 }, { runtime }).fit(model)).rejects.toThrow('sample 2 is broken')
  expect(broken.closed).toBe(1)
})
