import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ort } from '@nemo/graph'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Callback, EMA, Model, ModelCheckpoint, readTorchFile, Trainer, TrainerError } from '../../src/index.js'
import { type TinyModel, tinyLoader, tinyModel, weightsOf } from './tinyModel.js'

const runtime = ort({ threads: 1 })
let scratch = ''
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'nemo-ema-'))
})
afterAll(async () => {
  await runtime.dispose()
  await rm(scratch, { recursive: true, force: true })
})

type Weights = Record<string, number[]>

/** Trains; gives the weights before training and after each step, and the model. */
async function train(ema: EMA, callbacks: readonly Callback[] = [], steps = 4) {
  const model = tinyModel()
  model.validationLoaders = [{ name: 'val', loader: tinyLoader({ length: 8 }) }]
  const values = [await weightsOf(model)]
  const record: Callback = { onTrainBatchEnd: async () => void values.push(await weightsOf(model)) }
  const trainer = new Trainer(
    { max_steps: steps, num_sanity_val_steps: 0 },
    { runtime, callbacks: [ema, record, ...callbacks] },
  )
  const result = await trainer.fit(model)
  return { model, trainer, values, result }
}

const trained = (name: string) => !name.includes('running') && !name.includes('num_batches')

/** average = decay * average + (1 - decay) * weight after the steps 0, every, 2 every, ... */
function expected(values: readonly Weights[], decay: number, every: number): Weights {
  const start = values[0]!
  return Object.fromEntries(
    Object.keys(start)
      .filter(trained)
      .map((name) => {
        const average = [...start[name]!]
        for (const [step, after] of values.slice(1).entries()) {
          if (step % every !== 0) continue
          for (const [i, weight] of after[name]!.entries()) average[i] = decay * average[i]! + (1 - decay) * weight
        }
        return [name, average]
      }),
  )
}

async function averagesOf(model: TinyModel, ema: EMA): Promise<Weights> {
  const found: Weights = {}
  for (const [name, weight] of model.namedParameters()) {
    const average = ema.averages.get(weight)
    if (average) found[name] = Array.from((await average.value()).data as Float32Array)
  }
  return found
}

it.each([
  [0.9, 1],
  [0.5, 2],
])('averages with decay %f every %i steps follow the formula', async (decay, every_n_steps) => {
  const ema = new EMA({ decay, every_n_steps })
  const { model, values } = await train(ema)
  const found = await averagesOf(model, ema)
  const wanted = expected(values, decay, every_n_steps)
  expect(Object.keys(found).sort()).toEqual(Object.keys(wanted).sort())
  for (const [name, average] of Object.entries(wanted))
    for (const [i, value] of average.entries()) expect(found[name]![i], name).toBeCloseTo(value, 5)
})

it('validation and test read the averages, unless the original weights are wanted', async () => {
  const ema = new EMA({ decay: 0.9 })
  const { model, trainer, result } = await train(ema)
  model.testLoaders = model.validationLoaders
  const plain = new Trainer({}, { runtime })
  const original = (await plain.validate(model)).val_loss!
  const test = (await trainer.test(model)).test_loss!
  expect(test).not.toBeCloseTo(original, 4)
  await ema.apply()
  expect(test).toBe((await plain.test(model)).test_loss)
  expect(result.metrics.val_loss).toBe(test)

  const watching = new EMA({ decay: 0.9, validate_original_weights: true })
  const other = await train(watching)
  expect(other.result.metrics.val_loss).toBe(original)
})

it('does not change what is trained', async () => {
  const { values } = await train(new EMA({ decay: 0.9 }))
  const model = tinyModel()
  await new Trainer({ max_steps: 4 }, { runtime }).fit(model)
  expect(values.at(-1)).toEqual(await weightsOf(model))
})

it('weights that the schedule freezes for a while go on being averaged', async () => {
  const ema = new EMA({ decay: 0.5 })
  const model = tinyModel({ freeze_updates: { enabled: true, modules: { encoder: [2, 3] } } })
  const values = [await weightsOf(model)]
  const record: Callback = { onTrainBatchEnd: async () => void values.push(await weightsOf(model)) }
  await new Trainer({ max_steps: 3 }, { runtime, callbacks: [ema, record] }).fit(model)
  const wanted = expected(values, 0.5, 1)['encoder.weight']!
  for (const [i, value] of (await averagesOf(model, ema))['encoder.weight']!.entries())
    expect(value).toBeCloseTo(wanted[i]!, 5)
})

it('checkpoints hold weights and averages; the final archive holds the averages and leaves the model as it is', async () => {
  const ema = new EMA({ decay: 0.9 })
  const checkpoints = new ModelCheckpoint({ dirpath: scratch, always_save_nemo: true })
  const { model, values } = await train(ema, [checkpoints])
  const found = await averagesOf(model, ema)
  const contents = (await readTorchFile(checkpoints.lastPath)) as unknown as Map<
    string,
    Map<string, { data: Float32Array }>
  >
  expect(Array.from(contents.get('state_dict')!.get('encoder.weight')!.data)).toEqual(values.at(-1)!['encoder.weight'])
  expect(Array.from(contents.get('ema_state_dict')!.get('encoder.weight')!.data)).toEqual(found['encoder.weight'])
  const restored = await weightsOf(await Model.restoreFrom(join(scratch, 'model.nemo')))
  for (const [name, average] of Object.entries(found)) expect(restored[name]).toEqual(average)
  expect(await weightsOf(model)).toEqual(values.at(-1))
})

it('a checkpoint without averages is refused where they are wanted', async () => {
  const path = join(scratch, 'plain.ckpt')
  const save: Callback = { onFitEnd: (trainer) => trainer.saveCheckpoint(path) }
  await new Trainer({ max_steps: 1 }, { runtime, callbacks: [save] }).fit(tinyModel())
  const fit = new Trainer({ max_steps: 2 }, { runtime, callbacks: [new EMA({ decay: 0.9 })] }).fit(tinyModel(), {
    checkpoint: path,
  })
  await expect(fit).rejects.toThrow(/moving average of weights of the run is another one: missing encoder\.weight/)
})

it('a decay outside 0 to 1, an interval below 1, and two averages at once are errors', async () => {
  expect(() => new EMA({ decay: 1.5 })).toThrow(TrainerError)
  expect(() => new EMA({ decay: 0.5, every_n_steps: 0 })).toThrow(/every_n_steps/)
  const callbacks = [new EMA({ decay: 0.5 }), new EMA({ decay: 0.9 })]
  await expect(new Trainer({ max_steps: 1 }, { runtime, callbacks }).fit(tinyModel())).rejects.toThrow(
    /Two callbacks average/,
  )
})
