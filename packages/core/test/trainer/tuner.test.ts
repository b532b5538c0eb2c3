import { ort } from '@nemo/graph'
import { afterAll, describe, expect, it } from 'vitest'
import { type ConfigObject, findLearningRate, Trainer, type TrainerConfigInput, TrainerError } from '../../src/index.js'
import { largestThatFits } from '../../src/trainer/tuner/batchSizeScaler.js'
import { steepestRate } from '../../src/trainer/tuner/learningRateFinder.js'
import { tinyModel, weightsOf } from './tinyModel.js'

const runtime = ort({ threads: 1 })
afterAll(() => runtime.dispose())

const settings = { runtime, accumulate: 1, clipValue: 0, clipAlgorithm: 'norm', seed: 0 } as const

describe('auto_lr_find', () => {
  it('raises the rate from min_lr to max_lr and stops when the loss is out of bounds', async () => {
    const curve = await findLearningRate(tinyModel(), settings, { min_lr: 1e-4, max_lr: 1e-2, num_training: 21 })
    expect(curve.rates).toHaveLength(21)
    expect(curve.rates[0]).toBe(1e-4)
    expect(curve.rates[1]).toBeCloseTo(1e-4 * 100 ** (2 / 21), 10)
    expect(curve.rates[20]).toBeCloseTo(1e-2, 10)
    const linear = await findLearningRate(tinyModel(), settings, {
      min_lr: 0.1,
      max_lr: 1.1,
      num_training: 4,
      mode: 'linear',
    })
    expect(linear.rates.map((rate) => rate.toFixed(3))).toEqual(['0.100', '0.600', '0.850', '1.100'])
    const wild = await findLearningRate(tinyModel(), settings, { min_lr: 1, max_lr: 1e6, num_training: 60 })
    expect(wild.losses.length).toBeLessThan(60)
  })

  it('does not take differences between batches for progress', async () => {
    const curve = await findLearningRate(tinyModel({ dropout: 0 }), settings, {
      min_lr: 1e-20,
      max_lr: 1e-19,
      num_training: 6,
    })
    // With rates of nothing every batch keeps the loss that it had.
    const losses: number[] = []
    const record = { onTrainBatchEnd: (_: unknown, __: unknown, { loss }: { loss: number }) => void losses.push(loss) }
    await new Trainer({ max_steps: 6 }, { runtime, callbacks: [record] }).fit(
      tinyModel({ optim: { name: 'sgd', lr: 1e-20 } }),
    )
    expect(new Set(losses.map((loss) => loss.toFixed(3))).size).toBeGreaterThan(1)
    const mean = losses.reduce((sum, loss) => sum + loss, 0) / losses.length
    for (const loss of curve.losses) expect(loss).toBeCloseTo(mean, 5)
  })

  it('smooths by 0.98 with bias correction', async () => {
    const search = (num_training: number) =>
      findLearningRate(tinyModel({ dropout: 0 }), settings, { min_lr: 0.01, max_lr: 0.1, num_training, mode: 'linear' })
    const { losses } = await search(4)
    // What the smoothed values say of the values before.
    const raw = losses.map((loss, i) => {
      const before = i === 0 ? 0 : losses[i - 1]! * (1 - 0.98 ** i)
      return (loss * (1 - 0.98 ** (i + 1)) - 0.98 * before) / 0.02
    })
    expect(raw[0]).toBeCloseTo(losses[0]!, 5)
    expect(raw[3]).toBeLessThan(raw[0]!)
    expect(losses[3]).toBeGreaterThan(raw[3]!)
  })

  it('suggests where the loss falls fastest, without the first ten points and the last', () => {
    const losses = [9, 1, 9, 9, 9, 9, 9, 9, 9, 9, 5, 5, 4.5, 3, 2.9, 2.9, 0]
    const rates = losses.map((_, i) => i)
    // Slopes from point 10 on: 0, -0.25, -1, -0.8, -0.05, 0.
    expect(steepestRate(rates, losses)).toBe(12)
    expect(steepestRate(rates.slice(0, 12), losses.slice(0, 12))).toBeUndefined()
  })

  it('tune writes the rate into the config and leaves the weights alone', async () => {
    const model = tinyModel({ optim: { name: 'sgd', lr: 0.1 } }, { length: 40 })
    const before = await weightsOf(model)
    const { learningRate, batchSize } = await new Trainer({ auto_lr_find: true }, { runtime }).tune(model)
    expect(batchSize).toBeUndefined()
    expect((model.cfg.optim as ConfigObject).lr).toBe(learningRate!.suggestion)
    expect(learningRate!.rates).toContain(learningRate!.suggestion)
    expect(await weightsOf(model)).toEqual(before)
    expect(await new Trainer({}, { runtime }).tune(model)).toEqual({ batchSize: undefined, learningRate: undefined })
  })
})

describe('auto_scale_batch_size', () => {
  const search = async (mode: 'power' | 'binsearch', capacity: number, most = 1000, max_trials = 25) => {
    const tried: number[] = []
    const fits = async (size: number) => {
      tried.push(size)
      return size <= capacity
    }
    return { size: await largestThatFits(fits, { mode, first: 2, most, max_trials }), tried }
  }

  it('power doubles until it does not fit', async () => {
    expect(await search('power', 37)).toEqual({ size: 32, tried: [2, 4, 8, 16, 32, 64] })
  })

  it('binsearch then finds the largest', async () => {
    expect(await search('binsearch', 37)).toEqual({ size: 37, tried: [2, 4, 8, 16, 32, 64, 48, 40, 36, 38, 37] })
  })

  it('ends at all samples, after max_trials, or at once', async () => {
    expect(await search('power', 1e9, 100)).toEqual({ size: 100, tried: [2, 4, 8, 16, 32, 64, 100] })
    expect((await search('power', 1e9, 1e9, 3)).size).toBe(8)
    expect((await search('binsearch', 1)).size).toBeUndefined()
  })

  it('tune sets the size of the training data and leaves the weights alone', async () => {
    const config = { train_ds: { length: 12, batch_size: 1 } } as object
    const model = tinyModel(config)
    await model.setupTrainingData(model.cfg.train_ds as ConfigObject)
    const before = await weightsOf(model)
    const trainer: TrainerConfigInput = { auto_scale_batch_size: 'binsearch' }
    expect((await new Trainer(trainer, { runtime }).tune(model)).batchSize).toBe(12)
    expect((model.cfg.train_ds as ConfigObject).batch_size).toBe(12)
    expect(model.trainingLoader!.length).toBe(1)
    expect(await weightsOf(model)).toEqual(before)
    await expect(new Trainer(trainer, { runtime }).tune(tinyModel())).rejects.toThrow(TrainerError)
  })
})
