import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  type Config,
  type ConfigObject,
  composeConfig,
  expManagerConfigSchema,
  instantiate,
  Trainer,
  UnknownTargetError,
  validateConfig,
} from '@nemo/core'
import { describe, expect, it } from 'vitest'
import { EncDecCTCModel } from '../src/index.js'

const conf = fileURLToPath(new URL('./fixtures/conf', import.meta.url))
const recogniser = (...overrides: string[]): Config =>
  composeConfig({ configDir: conf, configName: 'recogniser', overrides })
const build = (config: Config) =>
  EncDecCTCModel.fromConfigDict<EncDecCTCModel>(config.toObject().model as ConfigObject, { keyPath: 'model' })

describe('a config in the layout of NeMo’s recognisers', () => {
  it('builds its model, optimiser, trainer and experiment unchanged', () => {
    const config = recogniser()
    const model = build(config)
    expect(model.labels).toEqual([' ', 'a', 'b', "'"])
    expect(model.sampleRate).toBe(8000)
    expect(model.summary()).toMatch(/encoder +ConvASREncoder/)
    const { scheduler } = model.setupOptimization(undefined, 100)
    expect([scheduler.lr(0), scheduler.lr(100)]).toEqual([0.01, 0])
    const sections = config.toObject()
    expect(new Trainer(sections.trainer as object).config.max_epochs).toBe(5)
    const experiment = validateConfig(expManagerConfigSchema, sections.exp_manager, { missing: 'drop' })
    expect(experiment).toMatchObject({ name: 'TinyNet', create_checkpoint_callback: true, create_wandb_logger: false })
    expect(config.has('hydra')).toBe(false)
    expect(config.missingKeys()).toContain('model.train_ds.manifest_filepath')
  })

  it('names the part that is not built by its _target_ and place', () => {
    const target = 'nemo.collections.asr.modules.NotBuiltYetEncoder'
    const config = recogniser(`model.encoder._target_=${target}`)
    expect(() => build(config)).toThrow(UnknownTargetError)
    expect(() => build(config)).toThrow(`model.encoder._target_: unknown target "${target}"`)
  })

  it('names a wrong value by its place in the whole config', () => {
    expect(() => build(recogniser('model.encoder.jasper.1.filters=many'))).toThrow(
      /in ConvASREncoder\n {2}model\.encoder\.jasper\[1\]\.filters: expected a number, found "many"/,
    )
    expect(() => build(recogniser('+model.preprocessor.n_ftt=512'))).toThrow(
      /model\.preprocessor\.n_ftt: unknown key; did you mean model\.preprocessor\.n_fft\?/,
    )
    expect(() => build(recogniser('+model.encodr={a: 1}'))).toThrow(/model\.encodr: unknown key/)
    expect(() => build(recogniser('model.decoder.feat_in=???'))).toThrow(/model\.decoder\.feat_in is mandatory/)
  })
})

it('a config of groups composes, and names a part of a group that is not built', () => {
  const configDir = join(conf, 'vocoder')
  const config = composeConfig({ configDir, configName: 'vocoder', overrides: ['model/generator=v2'] })
  expect(config.get('model.generator.resblock')).toBe(2)
  expect(config.valueAt('model.generator.upsample_rates')).toEqual([4, 4])
  const generator = config.valueAt('model.generator') as ConfigObject
  expect(() => instantiate(generator, {}, { keyPath: 'model.generator' })).toThrow(
    'model.generator._target_: unknown target "nemo.collections.tts.modules.not_built_yet.Generator"',
  )
})
