import { ort } from '@nemo/graph'
import { afterAll, expect, it } from 'vitest'
import { processLog, Trainer } from '../../src/index.js'
import { Recorder } from './recorder.js'
import { tinyLoader, tinyModel } from './tinyModel.js'

const runtime = ort({ threads: 1 })
afterAll(() => runtime.dispose())

it('what validation and test sets leave out is said under the set’s name', async () => {
  const model = tinyModel({}, { skip: [0] })
  model.validationLoaders = [
    { name: 'val', loader: tinyLoader({ skip: [1, 2] }) },
    { name: 'dev_other', loader: tinyLoader({ skip: [1, 2, 3] }) },
  ]
  model.testLoaders = [{ name: 'test', loader: tinyLoader({ skip: [0, 1, 2, 3] }) }]
  const recorder = new Recorder()
  const trainer = new Trainer({ max_epochs: 1, num_sanity_val_steps: 0 }, { callbacks: [recorder], runtime })
  await trainer.fit(model)
  await trainer.test(model)
  expect(recorder.messages).toEqual([
    'val: 2 samples left out',
    'dev_other: 3 samples left out',
    '1 samples left out',
    'test: 4 samples left out',
  ])
})

it('without a callback that listens, it goes to the log as a warning', async () => {
  const model = tinyModel()
  model.validationLoaders = [{ name: 'val', loader: tinyLoader({ skip: [1, 2] }) }]
  const lines: string[] = []
  const stop = processLog().addHandler({ handle: ({ level, message }) => void lines.push(`${level}: ${message}`) })
  try {
    await new Trainer({}, { runtime }).validate(model)
  } finally {
    stop()
  }
  expect(lines).toContain('warning: val: 2 samples left out')
})
