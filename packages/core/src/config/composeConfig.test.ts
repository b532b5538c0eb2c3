import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { composeConfig } from './composeConfig.js'
import { OverrideError } from './errors.js'

const configDir = fileURLToPath(new URL('../../test/fixtures/config/conf', import.meta.url))
const compose = (configName: string, ...overrides: string[]) => composeConfig({ configDir, configName, overrides })

describe('composeConfig', () => {
  it('puts group options where their package says and lets the config itself win', () => {
    const config = compose('train')
    expect(config.get('optim.lr')).toBe(0.001)
    expect(config.get('model.encoder._target_')).toBe('nemo.collections.asr.modules.ConvASREncoder')
    expect(config.get('model.decoder.feat_in')).toBe(64)
    expect(config.get('model.validation_ds.sample_rate')).toBe(16000)
    expect(config.get('model.validation_ds.shuffle')).toBe(false)
    expect(config.has('hydra')).toBe(false)
    expect(config.has('defaults')).toBe(false)
  })

  it('group=option picks another option and its header moves it', () => {
    const config = compose('train', 'optim=novograd', 'model.optim.lr=0.05')
    expect(config.has('optim')).toBe(false)
    expect(config.valueAt('model.optim')).toEqual({
      name: 'novograd',
      lr: 0.05,
      betas: [0.95, 0.5],
      sched: { name: 'CosineAnnealing' },
    })
  })

  it('an option may build on another and override a group elsewhere', () => {
    const config = compose('train', 'model/encoder=large')
    expect(config.get('model.encoder.jasper[1].filters')).toBe(512)
    expect(config.get('model.encoder._target_')).toBe('nemo.collections.asr.modules.ConvASREncoder')
    expect(config.get('model.optim.name')).toBe('novograd')
  })

  it('+group adds, ~group removes, several options merge', () => {
    expect(compose('train', '+db=mysql').valueAt('db')).toEqual({ driver: 'mysql', port: 3306 })
    expect(compose('train', '+db@a.b=sqlite').valueAt('a.b')).toEqual({ driver: 'sqlite', file: 'tiny.db' })
    expect(compose('train', '+db=[mysql,sqlite]').valueAt('db')).toEqual({
      driver: 'sqlite',
      port: 3306,
      file: 'tiny.db',
    })
    expect(compose('train', '~optim').has('optim')).toBe(false)
    expect(compose('groups', '~db@target').has('target')).toBe(false)
  })

  it('one group can be used at several packages', () => {
    expect(compose('groups', 'db@source=sqlite').toObject()).toEqual({
      source: { driver: 'sqlite', file: 'groups.db' },
      target: { driver: 'sqlite', file: 'groups.db' },
      driver: 'mysql',
      port: 3306,
      name: 'groups',
    })
  })

  it('a group without a choice asks for one, and a choice can be interpolated', () => {
    expect(() => compose('choose')).toThrow('the group "db" needs a choice; give db=OPTION with one of: mysql, sqlite')
    expect(compose('choose', 'db=mysql').valueAt('copy')).toEqual({ driver: 'mysql', port: 3306 })
  })

  it('overrides change, add, force, delete, and say what to write otherwise', () => {
    const config = compose(
      'train',
      'model.labels=[a,b]',
      '+model.train_ds.trim_silence=true',
      '++trainer.max_epochs=7',
      '++trainer.gpus=1',
      '~exp_manager',
      'model.train_ds.manifest_filepath=/data/${name}.json',
      'trainer={log_every_n_steps:2}',
    )
    expect(config.valueAt('model.labels')).toEqual(['a', 'b'])
    expect(config.valueAt('model.train_ds')).toMatchObject({ trim_silence: true, manifest_filepath: '/data/tiny.json' })
    expect(config.valueAt('trainer')).toEqual({ max_epochs: 7, log_every_n_steps: 2, gpus: 1 })
    expect(config.has('exp_manager')).toBe(false)

    expect(() => compose('train', 'trainer.max_epoch=7')).toThrow(
      /there is no key "trainer\.max_epoch" in .*train\.yaml; did you mean "trainer\.max_epochs"\?; to add a new key write \+trainer\.max_epoch=7/,
    )
    expect(() => compose('train', '+trainer.max_epochs=7')).toThrow(
      '"trainer.max_epochs" exists already; write trainer.max_epochs=7',
    )
    expect(() => compose('train', '~trainer.nope')).toThrow('there is no key "trainer.nope" to delete')
    expect(() => compose('train', '~name=big')).toThrow('"name" is "tiny", not "big", so it was not deleted')
    expect(compose('train', '~name=tiny').has('name')).toBe(false)
    expect(() => compose('train', 'a=1,2')).toThrow('add --multirun')
    expect(() => compose('train', 'db=mysql')).toThrow('no defaults list has an entry "db"')
    expect(() => compose('train', '~db')).toThrow('override "~db": no defaults list has such an entry')
    expect(() => compose('train', 'nope@x=1')).toThrow(OverrideError)
  })

  it('overrides of Hydra itself are accepted', () => {
    expect(compose('train', 'hydra.run.dir=.', 'hydra/job_logging=stdout').get('name')).toBe('tiny')
  })

  it('an unknown option or config names the nearest and lists what there is', () => {
    expect(() => compose('train', 'optim=adm')).toThrow(
      /there is no config "optim\/adm".* Did you mean "adam"\? Available: adam, novograd\./,
    )
    expect(() => compose('trian')).toThrow(/there is no config "trian".*Did you mean "train"\?/)
  })

  it('a path never leaves the search path', () => {
    expect(() => compose('../config/conf/train')).toThrow('there is no config')
    expect(() => compose('train', 'optim=../../../../../package')).toThrow('there is no config')
  })

  it('every fixture composes', () => {
    const names = readdirSync(configDir).filter((name) => name.endsWith('.yaml'))
    for (const name of names)
      expect(compose(name, ...(name === 'choose.yaml' ? ['db=mysql'] : [])).raw()).toBeTypeOf('object')
    expect(names.length).toBe(3)
  })
})
