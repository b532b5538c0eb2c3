import { ort } from '@nemo/graph'
import { afterAll, expect, it } from 'vitest'
import { type ConfigObject, Trainer } from '../../src/index.js'
import { type TinyConfig, tinyModel, weightsOf } from './tinyModel.js'

const runtime = ort({ threads: 1 })
afterAll(() => runtime.dispose())

async function oneStep(config: TinyConfig): Promise<Record<string, number[]>> {
  const model = tinyModel(config)
  await new Trainer({ max_steps: 1 }, { runtime }).fit(model)
  return weightsOf(model)
}

const optim = { name: 'adamw', lr: 0.01, weight_decay: 0.1 }

it.each<[string, ConfigObject, ConfigObject, (name: string) => boolean]>([
  ['a module', { encoder: { lr: 0.2 } }, { lr: 0.2 }, (name) => name.startsWith('encoder.')],
  [
    'a pattern',
    { '*.bias': { weight_decay: 0, lr: 0.03 } },
    { weight_decay: 0, lr: 0.03 },
    (name) => name.endsWith('.bias'),
  ],
  [
    'one weight',
    { 'decoder.weight': { betas: [0.1, 0.2] } },
    { betas: [0.1, 0.2] },
    (name) => name === 'decoder.weight',
  ],
])('the weights of %s go by its settings, the others by those of optim', async (_name, groups, settings, within) => {
  const [grouped, plain, all] = [
    await oneStep({ optim, optim_param_groups: groups }),
    await oneStep({ optim }),
    await oneStep({ optim: { ...optim, ...settings } }),
  ]
  for (const [name, values] of Object.entries(grouped)) {
    expect(values, name).toEqual(within(name) ? all[name] : plain[name])
    if (name === 'decoder.weight' && !('decoder.weight' in groups)) continue
    if (within(name) && !('decoder.weight' in groups)) expect(values, name).not.toEqual(plain[name])
  }
})

it('settings under args are replaced there', async () => {
  const args = { name: 'adamw', lr: 0.01, args: { weight_decay: 0.1 } }
  const groups = { '*.bias': { weight_decay: 0, lr: 0.03 } }
  expect(await oneStep({ optim: args, optim_param_groups: groups })).toEqual(
    await oneStep({ optim, optim_param_groups: groups }),
  )
})

it('every group follows the schedule from its own rate', () => {
  const model = tinyModel({
    optim: { name: 'sgd', lr: 1, sched: { name: 'CosineAnnealing', warmup_steps: 4, max_steps: 10 } },
    optim_param_groups: { encoder: { lr: 0.5 } },
  })
  const { scheduler, groups } = model.setupOptimization(undefined, 10)
  expect([scheduler.lr(0), groups![0]!.scheduler.lr(0)]).toEqual([0.2, 0.1])
})

it('clipping by norm measures all groups together', async () => {
  const gradNorm = async (config: TinyConfig) => {
    const result = await new Trainer({ max_steps: 1, gradient_clip_val: 0.01, log_every_n_steps: 1 }, { runtime }).fit(
      tinyModel({ optim: { name: 'sgd', lr: 0.1 }, ...config }),
    )
    return result.metrics.grad_norm
  }
  expect(await gradNorm({ optim_param_groups: { encoder: { lr: 0.2 } } })).toBe(await gradNorm({}))
})

it.each<[string, ConfigObject | string, RegExp]>([
  ['matches nothing', { transcoder: { lr: 1 } }, /transcoder matches no weight.*encoder, norm, decoder/],
  [
    'overlaps another',
    { encoder: { lr: 1 }, '*.bias': { lr: 2 } },
    /encoder\.bias is in two groups, encoder and \*\.bias/,
  ],
  ['has no settings', { encoder: 3 }, /optim_param_groups\.encoder: expected settings/],
  ['names another optimiser', { encoder: { name: 'sgd' } }, /encoder\.name: groups share this of optim/],
  ['has a setting that the optimiser lacks', { encoder: { momentun: 1 } }, /momentun/],
])('a group that %s is an error', (_name, groups, message) => {
  expect(() => tinyModel({ optim, optim_param_groups: groups as ConfigObject }).setupOptimization()).toThrow(message)
})
