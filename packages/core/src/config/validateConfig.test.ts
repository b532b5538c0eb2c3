import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { Config } from './config.js'
import { ConfigValidationError } from './errors.js'
import { schemaDefaults, schemaHasKey, validateConfig } from './validateConfig.js'

const optim = z.discriminatedUnion('name', [
  z.object({
    name: z.literal('novograd'),
    lr: z.number().positive(),
    betas: z.tuple([z.number(), z.number()]).default([0.95, 0.98]),
  }),
  z.object({ name: z.literal('sgd'), lr: z.number(), momentum: z.number().default(0) }),
])
const schema = z.object({
  name: z.string(),
  model: z.object({
    sample_rate: z.int().default(16000),
    normalize: z.enum(['per_feature', 'all_features']).default('per_feature'),
    labels: z.array(z.string()).min(1),
    optim: optim.default({ name: 'novograd', lr: 0.1, betas: [0.95, 0.98] }),
    extra: z.record(z.string(), z.number()).optional(),
    free: z.looseObject({ known: z.boolean().optional() }).optional(),
  }),
  trainer: z
    .object({ gpus: z.union([z.int(), z.array(z.int())]).default(0), max_epochs: z.int().min(1).default(5) })
    .prefault({}),
})

const problems = (value: unknown, options = {}): string[] => {
  try {
    validateConfig(schema, value, options)
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigValidationError)
    return (error as Error).message.split('\n')
  }
  return []
}

describe('validateConfig', () => {
  it('returns the typed value with defaults', () => {
    const cfg = validateConfig(schema, new Config({ name: 'x', model: { labels: ['a', '${name}'] } }))
    expect(cfg).toEqual({
      name: 'x',
      model: {
        sample_rate: 16000,
        normalize: 'per_feature',
        labels: ['a', 'x'],
        optim: { name: 'novograd', lr: 0.1, betas: [0.95, 0.98] },
      },
      trainer: { gpus: 0, max_epochs: 5 },
    })
    expectTypeOf(cfg.model.sample_rate).toEqualTypeOf<number>()
  })

  it('lists every problem on its own line with key path, what is allowed and what was found', () => {
    const value = {
      nmae: 'x',
      model: {
        sample_rate: '16k',
        normalize: 'per_featur',
        labels: [],
        lables: ['a'],
        optim: { name: 'novograd', lr: -1, momentum: 0.9 },
        extra: { a: 'b' },
        free: { anything: 1, known: 3 },
      },
      trainer: { gpus: 'all', max_epochs: 0, max_epoch: 3 },
    }
    expect(problems(value, { source: 'conf/x.yaml' })).toEqual([
      '13 problems in conf/x.yaml',
      '  nmae: unknown key; did you mean name?',
      '  model.lables: unknown key; did you mean model.labels?',
      '  model.optim.momentum: unknown key; known here: name, lr, betas',
      '  trainer.max_epoch: unknown key; did you mean trainer.max_epochs?',
      '  name: is required: expected a string',
      '  model.sample_rate: expected a number, found "16k" (string)',
      '  model.normalize: expected one of "per_feature", "all_features", found "per_featur" (string); did you mean "per_feature"?',
      '  model.labels: expected a list with >= 1 items, found [] (list)',
      '  model.optim.lr: expected a number > 0, found -1 (number)',
      '  model.extra.a: expected a number, found "b" (string)',
      '  model.free.known: expected true or false, found 3 (number)',
      '  trainer.gpus: expected a number, or a list, found "all" (string)',
      '  trainer.max_epochs: expected a number >= 1, found 0 (number)',
    ])
  })

  it('a missing mandatory value is one problem, or counts as not given', () => {
    const value = { name: '???', model: { labels: ['a'], sample_rate: '???' } }
    expect(problems(value)).toEqual([
      '2 problems in the config',
      '  name: mandatory value is missing (???); give it as name=VALUE',
      '  model.sample_rate: mandatory value is missing (???); give it as model.sample_rate=VALUE',
    ])
    expect(problems({ name: 'x', model: value.model }, { missing: 'drop' })).toEqual([])
  })

  it('an unknown option of a union says what there is', () => {
    const value = { name: 'x', model: { labels: ['a'], optim: { name: 'novogradd', lr: 1 } } }
    expect(problems(value)[1]).toMatch(/model\.optim(\.name)?: .*novograd/)
  })

  it('a config that is no mapping is one problem', () => {
    expect(problems(3)).toEqual(['1 problem in the config', '  expected a mapping, found 3 (number)'])
  })
})

describe('schema as config', () => {
  it('schemaHasKey knows the keys of every branch', () => {
    for (const key of [
      'model.sample_rate',
      'model.optim.momentum',
      'model.extra.x',
      'model.free.y',
      'trainer.gpus[0]',
      'model.labels[3]',
    ]) {
      expect([key, schemaHasKey(schema, key)]).toEqual([key, true])
    }
    for (const key of ['modle', 'model.optim.nope', 'model.labels.x', 'name.x']) {
      expect([key, schemaHasKey(schema, key)]).toEqual([key, false])
    }
  })

  it('schemaDefaults fills what it can, marks what is mandatory and leaves open choices out', () => {
    expect(schemaDefaults(schema)).toEqual({
      name: '???',
      model: { sample_rate: 16000, normalize: 'per_feature', labels: '???' },
      trainer: { gpus: 0, max_epochs: 5 },
    })
  })
})
