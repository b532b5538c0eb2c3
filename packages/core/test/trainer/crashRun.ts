/**
 * A small training run as its own process, for tests that kill it:
 *
 *   node --import tsx -C @nemo/source crashRun.ts FOLDER SETTINGS
 *
 * SETTINGS is JSON: `CrashSettings`. It goes on from the folder's last checkpoint if there is one, and
 * prints a line `batch N` after every batch and `end STATUS` at the end. The final weights are written to weights.json.
 */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { EarlyStopping, EMA, ModelCheckpoint, Trainer, type TrainerConfigInput } from '../../src/index.js'
import { type TinyConfig, type TinyDataOptions, tinyLoader, tinyModel, weightsOf } from './tinyModel.js'

/** What the process is to do. */
export interface CrashSettings {
  readonly trainer: TrainerConfigInput
  readonly model: TinyConfig
  readonly data: TinyDataOptions
  /** Decay of moving averages of the weights. */
  readonly ema: number
  /** Optimiser steps between two checkpoints. */
  readonly every: number
  /** Batches of this process after which it waits for a signal, if none came by then. */
  readonly hold?: number
}

const [folder, text] = process.argv.slice(2)
const settings = JSON.parse(text!) as CrashSettings
const model = tinyModel(settings.model, settings.data)
model.validationLoaders = [
  { name: 'val', loader: tinyLoader({ length: 8 }) },
  { name: 'other', loader: tinyLoader({ length: 5, scale: 2 }) },
]
const averages = new EMA({ decay: settings.ema })
const checkpoints = new ModelCheckpoint({
  dirpath: join(folder!, 'checkpoints'),
  save_top_k: 2,
  every_n_train_steps: settings.every,
})
let done = 0
const trainer = new Trainer(settings.trainer, {
  callbacks: [
    checkpoints,
    averages,
    new EarlyStopping({ patience: 1000 }),
    {
      // What was left out is no news here.
      onMessage: () => undefined,
      onTrainBatchEnd: async (run) => {
        process.stdout.write(`batch ${run.progress.batchesDone}\n`)
        done++
        while (done === settings.hold && !run.interrupted) await new Promise((resolve) => setTimeout(resolve, 5))
      },
    },
  ],
})
const resumes = existsSync(checkpoints.lastPath)
process.stdout.write(resumes ? 'resumed\n' : 'started\n')
const result = await trainer.fit(model, resumes ? { checkpoint: checkpoints.lastPath } : {})
await trainer.dispose()
const weights = await weightsOf(model)
await averages.apply()
const averaged = await weightsOf(model)
const { status, metrics, globalStep, epoch } = result
if (status !== 'interrupted') {
  const outcome = { weights, averaged, metrics, globalStep, epoch, best: checkpoints.bestPath }
  writeFileSync(join(folder!, 'outcome.json'), JSON.stringify(outcome))
}
process.stdout.write(`end ${status}\n`)
