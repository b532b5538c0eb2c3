import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { type ConfigObject, type Experiment, isConfigObject, type Model, type Trainer } from '@nemo/core'
import { z } from 'zod'

const tunedSchema = z.strictObject({ batch_size: z.int().optional(), lr: z.number().optional() })

/**
 * The model's config with what the trainer found for this run before it was interrupted: a resumed run must go on with the
 * same batches and learning rate.
 */
export async function withTunedSettings(config: ConfigObject, experiment: Experiment): Promise<ConfigObject> {
  const path = experiment.path('tuned.json')
  if (!existsSync(path)) return config
  const { batch_size, lr } = tunedSchema.parse(JSON.parse(await readFile(path, 'utf8')))
  const { train_ds, optim } = config
  return {
    ...config,
    ...(batch_size !== undefined && isConfigObject(train_ds) && { train_ds: { ...train_ds, batch_size } }),
    ...(lr !== undefined && isConfigObject(optim) && { optim: { ...optim, lr } }),
  }
}

/** Looks for a batch size and a learning rate where `auto_scale_batch_size` and `auto_lr_find` ask for them, and keeps them. */
export async function tune(trainer: Trainer, model: Model, experiment: Experiment): Promise<string | undefined> {
  const { auto_lr_find, auto_scale_batch_size } = trainer.config
  if (!auto_lr_find && auto_scale_batch_size === false) return undefined
  const { batchSize, learningRate } = await trainer.tune(model)
  const tuned = {
    ...(batchSize !== undefined && { batch_size: batchSize }),
    ...(learningRate?.suggestion !== undefined && { lr: learningRate.suggestion }),
  } satisfies z.output<typeof tunedSchema>
  await writeFile(experiment.path('tuned.json'), `${JSON.stringify(tuned)}\n`)
  return Object.entries(tuned)
    .map(([key, value]) => `${key} ${Number(value.toPrecision(4))}`)
    .join(', ')
}
