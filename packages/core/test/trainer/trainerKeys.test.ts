import { ort } from '@nemo/graph'
import { afterAll, describe, expect, it } from 'vitest'
import { Trainer, type TrainerConfigInput } from '../../src/index.js'
import { Recorder } from './recorder.js'
import { type TinyConfig, type TinyDataOptions, tinyLoader, tinyModel, weightsOf } from './tinyModel.js'

const runtime = ort({ threads: 1 })
afterAll(() => runtime.dispose())

async function train(
  config: TrainerConfigInput,
  {
    data,
    model: modelConfig,
    validation,
  }: { data?: TinyDataOptions; model?: TinyConfig; validation?: TinyDataOptions[] } = {},
) {
  const model = tinyModel(modelConfig, { length: 20, batch_size: 4, ...data })
  model.validationLoaders = (validation ?? []).map((options, i) => ({ name: `set${i}`, loader: tinyLoader(options) }))
  const recorder = new Recorder()
  const trainer = new Trainer(
    { num_sanity_val_steps: 0, log_every_n_steps: 1, ...config },
    { callbacks: [recorder], runtime },
  )
  const result = await trainer.fit(model)
  return { model, recorder, trainer, result, weights: await weightsOf(model) }
}

describe('the length of training', () => {
  it('max_epochs counts passes over the data', async () => {
    const { recorder, result } = await train({ max_epochs: 2 })
    expect(recorder.of('batch').length).toBe(10)
    expect(result).toMatchObject({ status: 'finished', epoch: 2, globalStep: 10 })
  })

  it('max_steps counts steps of the optimiser and may end an epoch in its middle', async () => {
    const { recorder, result } = await train({ max_steps: 7 })
    expect(recorder.of('batch').length).toBe(7)
    expect(result).toMatchObject({ status: 'finished', epoch: 1, globalStep: 7 })
  })

  it('max_steps without max_epochs is not cut at 1000 epochs', () => {
    const trainer = new Trainer({ max_steps: 5000 }, { runtime })
    expect(trainer.maxSteps(1)).toBe(5000)
    expect(new Trainer({}, { runtime }).maxSteps(2)).toBe(2000)
    expect(new Trainer({ max_epochs: -1 }, { runtime }).maxSteps(2)).toBeUndefined()
    expect(new Trainer({ max_time: 60 }, { runtime }).maxSteps(2)).toBeUndefined()
    expect(new Trainer({ max_epochs: 3, max_steps: -1 }, { runtime }).maxSteps(2)).toBe(6)
    expect(new Trainer({ max_epochs: 3, accumulate_grad_batches: 4 }, { runtime }).maxSteps(5)).toBe(6)
  })

  it('the smaller of max_steps and max_epochs counts', async () => {
    expect((await train({ max_steps: 7, max_epochs: 1 })).result.globalStep).toBe(5)
  })

  it('max_steps 0 and max_epochs 0 train nothing', async () => {
    for (const config of [{ max_steps: 0 }, { max_epochs: 0 }]) {
      const { recorder, result } = await train(config)
      expect(recorder.events).toEqual(['fit start', 'fit end'])
      expect(result).toMatchObject({ status: 'finished', epoch: 0, globalStep: 0 })
    }
  })

  it('max_time ends training after the batch in which it passes, as a stop', async () => {
    const { result, recorder } = await train({ max_time: 1e-9, max_epochs: 5 })
    expect(result.status).toBe('stopped')
    expect(recorder.of('batch')).toEqual(['batch 0 step 1'])
  })

  it('min_epochs outlasts max_time', async () => {
    const { result } = await train({ max_time: 1e-9, max_epochs: 5, min_epochs: 2 })
    expect(result).toMatchObject({ status: 'stopped', epoch: 2, globalStep: 10 })
  })

  it('limit_train_batches takes a number or a share, at least one batch', async () => {
    expect((await train({ max_epochs: 1, limit_train_batches: 2 })).result.globalStep).toBe(2)
    expect((await train({ max_epochs: 1, limit_train_batches: 0.5 })).result.globalStep).toBe(2)
    expect((await train({ max_epochs: 1, limit_train_batches: 0.01 })).result.globalStep).toBe(1)
    expect((await train({ max_epochs: 1, limit_train_batches: 1 })).result.globalStep).toBe(5)
    expect((await train({ max_epochs: 1, limit_train_batches: 100 })).result.globalStep).toBe(5)
    await expect(train({ max_epochs: 1, limit_train_batches: 0 })).rejects.toThrow(/no batches.*limit_train_batches/)
  })

  it('samples beyond limit_train_batches are not made', async () => {
    const { model } = await train({ max_epochs: 1, limit_train_batches: 2 })
    const dataset = model.trainingLoader!.dataset as unknown as { asked: unknown[] }
    expect(dataset.asked.length).toBe(8)
  })
})

describe('accumulate_grad_batches', () => {
  it('equals one large batch when the groups are full and nothing is normalised over the batch', async () => {
    const model = { batch_norm: false }
    const small = await train(
      { max_epochs: 3, accumulate_grad_batches: 2 },
      { model, data: { length: 24, batch_size: 4 } },
    )
    const large = await train({ max_epochs: 3 }, { model, data: { length: 24, batch_size: 8 } })
    expect(small.result.globalStep).toBe(9)
    for (const [name, values] of Object.entries(large.weights))
      values.forEach((value, i) => {
        expect(small.weights[name]![i]).toBeCloseTo(value, 5)
      })
  })

  it('an incomplete last group makes a step of its own, each batch counting 1 / accumulate_grad_batches', async () => {
    const model = { batch_norm: false, optim: { name: 'sgd', lr: 0.3 } }
    const { recorder, weights } = await train(
      { max_epochs: 1, accumulate_grad_batches: 3 },
      { model, data: { length: 4 } },
    )
    expect(recorder.of('batch')).toEqual(['batch 0 step 1'])
    const whole = await train(
      { max_epochs: 1 },
      { model: { ...model, optim: { name: 'sgd', lr: 0.1 } }, data: { length: 4 } },
    )
    for (const [name, values] of Object.entries(whole.weights))
      values.forEach((value, i) => {
        expect(weights[name]![i]).toBeCloseTo(value, 6)
      })
  })

  it('steps come after every full group and at the end of the epoch', async () => {
    const { recorder, result } = await train({ max_epochs: 2, accumulate_grad_batches: 2 })
    expect(recorder.of('batch').slice(0, 5)).toEqual([
      'batch 0 step 0',
      'batch 1 step 1',
      'batch 2 step 1',
      'batch 3 step 2',
      'batch 4 step 3',
    ])
    expect(result.globalStep).toBe(6)
    expect(recorder.logs.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6])
  })

  it('running statistics follow every batch, also those that make no step', async () => {
    const { weights } = await train({ max_epochs: 1, accumulate_grad_batches: 2 })
    expect(weights['norm.num_batches_tracked']).toEqual([5])
  })

  it('a group whose last batch has no usable sample still makes its step', async () => {
    const model = { batch_norm: false }
    // Batches 0 to 4 of 4 samples; batch 4, the last, is left out.
    const skip = [16, 17, 18, 19]
    const { recorder, result, weights } = await train(
      { max_epochs: 1, accumulate_grad_batches: 3 },
      { model, data: { skip }, validation: [{}] },
    )
    expect(recorder.of('batch').length).toBe(4)
    expect(result.globalStep).toBe(2)
    expect(recorder.of('validation end').length).toBe(1)
    expect(recorder.messages).toEqual(['4 samples left out'])
    const shorter = await train({ max_epochs: 1, accumulate_grad_batches: 3 }, { model, data: { length: 16 } })
    expect(weights).toEqual(shorter.weights)
  })

  it('a batch without usable samples does not count towards a group', async () => {
    const { recorder } = await train({ max_epochs: 1, accumulate_grad_batches: 2 }, { data: { skip: [4, 5, 6, 7] } })
    expect(recorder.of('batch')).toEqual(['batch 0 step 0', 'batch 2 step 1', 'batch 3 step 1', 'batch 4 step 2'])
  })
})

describe('gradient clipping', () => {
  // Plain SGD: what the weights lose is lr times the gradient.
  const optim = { name: 'sgd', lr: 1 }
  const model = { batch_norm: false, optim }
  const data = { length: 4, scale: 50 }

  async function step(config: TrainerConfigInput): Promise<{ gradient: number[]; norm: number | undefined }> {
    const before = Object.values(await weightsOf(tinyModel(model))).flat()
    const { weights, recorder } = await train({ max_steps: 1, ...config }, { model, data })
    const after = Object.values(weights).flat()
    return { gradient: before.map((value, i) => value - after[i]!), norm: recorder.logs[0]!.metrics.grad_norm }
  }
  const length = (values: number[]) => Math.hypot(...values)

  it('by norm scales all gradients by min(1, value / (norm + 1e-6))', async () => {
    const free = await step({})
    expect(free.norm).toBeCloseTo(length(free.gradient), 3)
    const limit = free.norm! / 4
    const clipped = await step({ gradient_clip_val: limit })
    expect(clipped.norm).toBeCloseTo(free.norm!, 3)
    clipped.gradient.forEach((value, i) => {
      expect(value).toBeCloseTo((free.gradient[i]! * limit) / (free.norm! + 1e-6), 3)
    })
    expect((await step({ gradient_clip_val: free.norm! * 2 })).gradient).toEqual(free.gradient)
  })

  it('by value limits each element', async () => {
    const free = await step({})
    const limit = Math.max(...free.gradient.map(Math.abs)) / 2
    const clipped = await step({ gradient_clip_val: limit, gradient_clip_algorithm: 'value' })
    clipped.gradient.forEach((value, i) => {
      expect(value).toBeCloseTo(Math.max(-limit, Math.min(limit, free.gradient[i]!)), 3)
    })
  })

  it('with accumulation works on the sum of the group', async () => {
    const one = await step({ gradient_clip_val: 0.5 })
    const limit = 0.5
    expect(length(one.gradient)).toBeCloseTo(limit, 3)
    const { weights } = await train(
      { max_steps: 1, gradient_clip_val: limit, accumulate_grad_batches: 2 },
      { model, data: { length: 8, scale: 50 } },
    )
    const before = Object.values(await weightsOf(tinyModel(model))).flat()
    const moved = Object.values(weights)
      .flat()
      .map((value, i) => before[i]! - value)
    expect(length(moved)).toBeCloseTo(limit, 3)
  })

  it('null and 0 clip nothing', async () => {
    const free = await step({})
    expect((await step({ gradient_clip_val: null })).gradient).toEqual(free.gradient)
    expect((await step({ gradient_clip_val: 0 })).gradient).toEqual(free.gradient)
  })
})

describe('validation', () => {
  const validation = [{ length: 8 }]
  const validated = (recorder: Recorder) =>
    recorder.events.flatMap((event, i) => (event === 'validation of 2' ? [recorder.events[i - 1]] : []))

  it('val_check_interval 1.0 means the end of every epoch', async () => {
    const { recorder } = await train({ max_epochs: 2, log_every_n_steps: 1000 }, { validation })
    expect(validated(recorder)).toEqual(['batch 4 step 5', 'batch 4 step 10'])
  })

  it('val_check_interval below 1 is a share of the epoch', async () => {
    const { recorder } = await train(
      { max_epochs: 1, val_check_interval: 0.4, log_every_n_steps: 1000 },
      { validation },
    )
    expect(validated(recorder).slice(0, 2)).toEqual(['batch 1 step 2', 'batch 3 step 4'])
  })

  it('val_check_interval above 1 is a number of batches, at most the epoch', async () => {
    const three = await train({ max_epochs: 1, val_check_interval: 3, log_every_n_steps: 1000 }, { validation })
    // The second one is that of the end of training.
    expect(validated(three.recorder)).toEqual(['batch 2 step 3', 'batch 4 step 5'])
    const many = await train({ max_epochs: 1, val_check_interval: 50, log_every_n_steps: 1000 }, { validation })
    expect(validated(many.recorder)).toEqual(['batch 4 step 5'])
  })

  it('a fractional val_check_interval above 1 is refused', () => {
    expect(() => new Trainer({ val_check_interval: 2.5 }, { runtime })).toThrow(/val_check_interval/)
  })

  it('check_val_every_n_epoch leaves epochs out', async () => {
    const { recorder } = await train(
      { max_epochs: 5, check_val_every_n_epoch: 2, log_every_n_steps: 1000 },
      { validation },
    )
    // Epochs 2 and 4, and the end of training.
    expect(validated(recorder)).toEqual(['batch 4 step 10', 'batch 4 step 20', 'batch 4 step 25'])
  })

  it('training that ends by its steps is validated at the end, once', async () => {
    const { recorder } = await train({ max_steps: 3, log_every_n_steps: 1000 }, { validation })
    expect(validated(recorder)).toEqual(['batch 2 step 3'])
    const { recorder: both } = await train({ max_steps: 5, log_every_n_steps: 1000 }, { validation })
    expect(validated(both)).toEqual(['batch 4 step 5'])
  })

  it('limit_val_batches limits each set, and 0 turns validation off', async () => {
    const some = await train({ max_epochs: 1, limit_val_batches: 0.5 }, { validation })
    expect(some.result.metrics.val_seen).toBe(4)
    const none = await train({ max_epochs: 1, limit_val_batches: 0, num_sanity_val_steps: 2 }, { validation })
    expect(none.recorder.of('val')).toEqual([])
    expect(none.result.metrics).not.toHaveProperty('val_loss')
  })

  it('does not move weights or running statistics', async () => {
    const without = await train({ max_epochs: 2 })
    const often = await train({ max_epochs: 2, val_check_interval: 0.2, num_sanity_val_steps: -1 }, { validation })
    expect(often.weights).toEqual(without.weights)
    expect(often.recorder.losses).toEqual(without.recorder.losses)
  })

  it('num_sanity_val_steps runs some batches before training and logs nothing', async () => {
    const model = tinyModel()
    const loader = tinyLoader({ length: 20 })
    model.validationLoaders = [{ name: 'val', loader }]
    const recorder = new Recorder()
    const config = { max_steps: 1, num_sanity_val_steps: 3, limit_val_batches: 2 }
    await new Trainer(config, { callbacks: [recorder], runtime }).fit(model)
    const { asked } = loader.dataset as unknown as { asked: { index: number }[] }
    // Two batches each before training and at its end: limit_val_batches holds for both.
    expect(asked.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7])
    expect(recorder.of('validation of')).toEqual(['validation of 2'])
    expect(recorder.events.indexOf('validation of 2')).toBeGreaterThan(recorder.events.indexOf('batch 0 step 1'))
  })

  it('the sanity check finds a broken validation set before training', async () => {
    await expect(train({ max_steps: 1, num_sanity_val_steps: 2 }, { validation: [{ broken: 1 }] })).rejects.toThrow(
      'sample 1 is broken',
    )
  })

  it('metrics have plain names with one set, and those of the set too with several', async () => {
    const one = await train({ max_epochs: 1 }, { validation: [{ length: 8 }] })
    expect(
      Object.keys(one.result.metrics)
        .filter((name) => name.includes('val'))
        .sort(),
    ).toEqual(['val_loss', 'val_seen'])
    const two = await train({ max_epochs: 1 }, { validation: [{ length: 8 }, { length: 12 }] })
    expect(two.result.metrics).toMatchObject({ val_seen: 8, set0_val_seen: 8, set1_val_seen: 12 })
    expect(two.result.metrics.val_loss).toBe(two.result.metrics.set0_val_loss)
    expect(two.result.metrics.set1_val_loss).not.toBe(two.result.metrics.set0_val_loss)
  })
})

describe('trying things out', () => {
  it('overfit_batches trains and validates on the same few batches in every epoch', async () => {
    const loader = tinyLoader({ length: 8 })
    const model = tinyModel({}, { length: 40, shuffle: true, noise: 1 })
    model.validationLoaders = [{ name: 'val', loader }]
    const trainer = new Trainer({ overfit_batches: 2, max_epochs: 3 }, { runtime })
    const result = await trainer.fit(model)
    const dataset = model.trainingLoader!.dataset as unknown as { asked: { index: number; epoch: number }[] }
    expect(new Set(dataset.asked.map(({ index }) => index)).size).toBe(8)
    expect(new Set(dataset.asked.map(({ epoch }) => epoch))).toEqual(new Set([0]))
    expect(result.globalStep).toBe(6)
    expect(result.metrics.val_seen).toBe(8)
    expect((loader.dataset as unknown as { asked: unknown[] }).asked).toEqual([])
  })

  it('overfit_batches 1 is one batch', async () => {
    expect((await train({ overfit_batches: 1, max_epochs: 2 })).result.globalStep).toBe(2)
    expect((await train({ overfit_batches: 0.5, max_epochs: 2 })).result.globalStep).toBe(4)
  })

  it('fast_dev_run does one batch of everything, whatever the other keys say', async () => {
    const { recorder, result } = await train(
      { fast_dev_run: true, max_epochs: 9, num_sanity_val_steps: 2, check_val_every_n_epoch: 3 },
      { validation: [{}, {}] },
    )
    expect(recorder.events).toEqual([
      'fit start',
      'epoch 0',
      'log',
      'batch 0 step 1',
      'validation of 2',
      'val batch 0',
      'val batch 1',
      'log validation',
      'validation end',
      'epoch 0 end',
      'fit end',
    ])
    expect(result).toMatchObject({ status: 'finished', globalStep: 1 })
  })

  it('fast_dev_run takes a number of batches, at most those there are', async () => {
    const three = await train({ fast_dev_run: 3 }, { validation: [{ length: 40 }] })
    expect(three.result.globalStep).toBe(3)
    expect(three.result.metrics.val_seen).toBe(12)
    expect((await train({ fast_dev_run: 50, accumulate_grad_batches: 3 })).result.globalStep).toBe(2)
  })
})

describe('logs', () => {
  it('log_every_n_steps logs loss, learning rate and gradient norm', async () => {
    const { recorder } = await train({ max_epochs: 1, log_every_n_steps: 2 })
    expect(recorder.logs.map(({ step }) => step)).toEqual([2, 4])
    expect(Object.keys(recorder.logs[0]!.metrics).sort()).toEqual(['grad_norm', 'learning_rate', 'train_loss'])
    expect(recorder.logs[0]!.metrics.train_loss).toBe(recorder.losses[1])
    expect(recorder.logs[0]!.metrics.learning_rate).toBe(0.1)
  })

  it('the learning rate follows the schedule, which knows the number of steps', async () => {
    const sched = { name: 'CosineAnnealing', min_lr: 0 }
    const { recorder } = await train({ max_epochs: 1 }, { model: { optim: { name: 'sgd', lr: 0.1, sched } } })
    const rates = recorder.logs.map(({ metrics }) => metrics.learning_rate!)
    expect(rates[0]).toBe(0.1)
    rates.forEach((rate, i) => {
      expect(rate).toBeCloseTo(0.05 * (1 + Math.cos((Math.PI * i) / 5)), 6)
    })
  })
})

describe('wrong settings and data', () => {
  it('an unknown key is refused with the nearest known one', () => {
    expect(() => new Trainer({ max_epoch: 3 } as never, { runtime })).toThrow(/max_epoch: unknown key.*max_epochs/s)
  })

  it.each([
    ['max_epochs', -2],
    ['accumulate_grad_batches', 0],
    ['gradient_clip_val', -1],
    ['limit_val_batches', 1.5],
    ['precision', 64],
    ['gradient_clip_algorithm', 'both'],
  ])('%s cannot be %s', (key, value) => {
    expect(() => new Trainer({ [key]: value } as never, { runtime })).toThrow(new RegExp(`trainer.*${key}`, 's'))
  })

  it('the keys of configs of NeMo are taken where they change nothing', () => {
    const nemo = {
      gpus: 0,
      num_nodes: 1,
      max_epochs: 5,
      max_steps: null,
      accelerator: 'ddp',
      accumulate_grad_batches: 1,
      checkpoint_callback: false,
      logger: false,
      log_every_n_steps: 1,
      val_check_interval: 1,
      amp_level: 'O0',
      precision: 32,
      resume_from_checkpoint: null,
      flush_logs_every_n_steps: 1000,
      sync_batchnorm: true,
    } as const
    expect(new Trainer(nemo, { runtime }).maxEpochs).toBe(5)
    for (const [key, value] of Object.entries({ gpus: 1, amp_level: 'O1', logger: true, num_nodes: 2 }))
      expect(() => new Trainer({ ...nemo, [key]: value } as never, { runtime })).toThrow(
        new RegExp(`trainer.*${key}`, 's'),
      )
  })

  it('a model without training data says what to call', async () => {
    const model = tinyModel()
    model.trainingLoader = undefined
    await expect(new Trainer({}, { runtime }).fit(model)).rejects.toThrow(/no training data.*setupTrainingData/)
  })

  it('an epoch without one usable sample is an error that says what was left out', async () => {
    await expect(train({ max_epochs: 2 }, { data: { length: 2, skip: [0, 1] } })).rejects.toThrow(
      /Not one sample of epoch 0 could be used. 2 samples left out/,
    )
  })

  it('an error of a sample passes as it is', async () => {
    await expect(train({ max_epochs: 1 }, { data: { broken: 9 } })).rejects.toThrow('sample 9 is broken')
  })

  it('a step that fails names its place', async () => {
    const model = tinyModel()
    const dataset = model.trainingLoader!.dataset
    const collate = dataset.collate.bind(dataset)
    let made = 0
    dataset.collate = (samples) => {
      const batch = collate(samples)
      const y = { dtype: 'float32' as const, shape: [1], data: new Float32Array(1) }
      return ++made === 3 ? { ...batch, arrays: { ...batch.arrays, y } } : batch
    }
    const failure = new Trainer({ max_epochs: 1 }, { runtime }).fit(model)
    await expect(failure).rejects.toThrow(
      /Training step 2 \(epoch 0, batch 2, learning rate 0.1000\) failed: Input y, axis 0/,
    )
    await expect(failure).rejects.toMatchObject({ code: 'NEMO_TRAINER', cause: { code: 'NEMO_FEED' } })
  })

  it('a trainer fits one model at a time', async () => {
    const trainer = new Trainer({ max_epochs: 1 }, { runtime })
    const first = trainer.fit(tinyModel())
    await expect(trainer.fit(tinyModel())).rejects.toThrow('fitting a model already')
    expect((await first).status).toBe('finished')
  })
})
