import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TinyModel, tinyModel, weightsOf } from '../../test/trainer/tinyModel.js'
import { packNemo, readNemo } from '../checkpoint/nemoArchive.js'
import { OrderedDict } from '../checkpoint/pythonValue.js'
import type { ConfigObject } from '../config/configValue.js'
import { UnknownTargetError } from '../config/errors.js'
import { registerTarget } from '../config/targetRegistry.js'
import { StateDictError } from '../modules/errors.js'
import { ModelError } from './errors.js'
import { MeanLoss } from './metrics.js'
import { Model } from './model.js'

/** Needs a file of its archive while it is being built, as models with a tokenizer do. */
class WordModel extends TinyModel {
  override readonly target = 'test.WordModel'
  readonly words: readonly string[]
  constructor(cfg: ConfigObject) {
    super(cfg)
    const file = this.artifacts.get('vocab.txt')
    this.words = file ? new TextDecoder().decode(file).trim().split('\n') : []
  }
}
registerTarget('test.WordModel', ({ cfg }) => new WordModel(cfg as ConfigObject))
registerTarget('test.NoModel', () => ({}))

class Unregistered extends TinyModel {
  override readonly target = 'test.Unregistered'
}

let scratch = ''
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'nemo-model-'))
})
afterAll(() => rm(scratch, { recursive: true, force: true }))

const config = (more: ConfigObject = {}): ConfigObject => ({ channels: 3, optim: { name: 'sgd', lr: 0.1 }, ...more })

describe('saveTo and restoreFrom', () => {
  it('bring back config, weights, running statistics and artifacts', async () => {
    const model = new TinyModel(config({ note: 'a: "quoted" text', list: [1, 2.5, null, true] }))
    model.norm!.runningMean.set([1, 2, 3])
    model.registerArtifact('vocab.txt', new TextEncoder().encode('one\ntwo\n'))
    const path = join(scratch, 'tiny.nemo')
    await model.saveTo(path)
    const restored = await TinyModel.restoreFrom(path)
    expect(restored).toBeInstanceOf(TinyModel)
    expect(await weightsOf(restored)).toEqual(await weightsOf(model))
    expect(restored.cfg).toEqual({ ...model.cfg, target: 'test.TinyModel' })
    expect(new TextDecoder().decode(restored.artifacts.get('vocab.txt'))).toBe('one\ntwo\n')
    expect(restored.training).toBe(false)
    // What was restored is saved again.
    await restored.saveTo(path)
    expect([...(await readNemo(path)).artifacts.keys()]).toEqual(['vocab.txt'])
  })

  it('take bytes instead of a path', async () => {
    const path = join(scratch, 'bytes.nemo')
    const model = new TinyModel(config())
    await model.saveTo(path)
    expect(await weightsOf(await TinyModel.restoreFrom(await readFile(path)))).toEqual(await weightsOf(model))
  })

  it('on Model itself find the class by its target', async () => {
    const path = join(scratch, 'word.nemo')
    const model = new WordModel(config())
    model.registerArtifact('vocab.txt', new TextEncoder().encode('one\ntwo\n'))
    await model.saveTo(path)
    const restored = await Model.restoreFrom(path)
    expect(restored).toBeInstanceOf(WordModel)
    expect((restored as WordModel).words).toEqual(['one', 'two'])
  })

  it('hand the files of an archive to the constructor, and to no later one', async () => {
    const path = join(scratch, 'artifacts.nemo')
    const model = new WordModel(config())
    model.registerArtifact('vocab.txt', new TextEncoder().encode('one'))
    await model.saveTo(path)
    expect((await WordModel.restoreFrom(path)).words).toEqual(['one'])
    expect(new WordModel(config()).words).toEqual([])
    await expect(TinyModel.restoreFrom(path, { overrideConfig: config({ channels: 9 }) })).rejects.toThrow()
    expect(new WordModel(config()).artifacts.size).toBe(0)
  })

  it('override the config, by another one or by a change', async () => {
    const path = join(scratch, 'override.nemo')
    await new TinyModel(config({ dropout: 0.5 })).saveTo(path)
    const changed = await TinyModel.restoreFrom(path, { overrideConfig: (cfg) => ({ ...cfg, dropout: 0.1 }) })
    expect(changed.dropout.p).toBe(0.1)
    expect(changed.cfg.channels).toBe(3)
    const replaced = await TinyModel.restoreFrom(path, { overrideConfig: config({ dropout: 0.2 }) })
    expect(replaced.dropout.p).toBe(0.2)
    expect(replaced.cfg).not.toHaveProperty('target')
  })

  it('resolve interpolations in the config', async () => {
    const model = new TinyModel(config())
    const archive = packNemo({
      config: 'width: 3\nchannels: ${width}\ntarget: test.TinyModel\n',
      weights: new OrderedDict(await model.stateDict()) as never,
    })
    expect((await Model.restoreFrom(archive)).cfg.channels).toBe(3)
  })

  it('refuse weights that do not fit, unless strict is off', async () => {
    const path = join(scratch, 'strict.nemo')
    await new TinyModel(config()).saveTo(path)
    const without = { overrideConfig: config({ batch_norm: false }) }
    await expect(TinyModel.restoreFrom(path, without)).rejects.toThrow(StateDictError)
    await expect(TinyModel.restoreFrom(path, without)).rejects.toThrow(/Unexpected: norm.weight/)
    const loose = await TinyModel.restoreFrom(path, { ...without, strict: false })
    expect(await weightsOf(loose)).toMatchObject({})
    await expect(
      TinyModel.restoreFrom(path, { overrideConfig: config({ channels: 5 }), strict: false }),
    ).rejects.toThrow(/encoder.weight is float32\[3, 3, 3\], expected float32\[5, 3, 3\]/)
  })

  it('say whose the archive is when it is of another class and does not fit', async () => {
    const path = join(scratch, 'other.nemo')
    await new TinyModel(config({ batch_norm: false })).saveTo(path)
    const wrong = WordModel.restoreFrom(path, { overrideConfig: (cfg) => ({ ...cfg, batch_norm: true }) })
    await expect(wrong).rejects.toThrow(ModelError)
    await expect(wrong).rejects.toThrow(
      /other.nemo holds a test.TinyModel, not a test.WordModel: .*Missing: norm.weight/,
    )
    // An error of the right class is left as it is.
    const own = TinyModel.restoreFrom(path, { overrideConfig: (cfg) => ({ ...cfg, dropout: 7 }) })
    await expect(own).rejects.toThrow(/^Dropout: expected a probability/)
    // A subclass with the same weights may take them.
    expect(await WordModel.restoreFrom(path)).toBeInstanceOf(WordModel)
  })

  it('on Model itself need a target that is known and a model', async () => {
    const path = join(scratch, 'unknown.nemo')
    await new Unregistered(config()).saveTo(path)
    await expect(Model.restoreFrom(path)).rejects.toThrow(UnknownTargetError)
    await expect(Model.restoreFrom(path)).rejects.toThrow(/test.Unregistered/)
    expect(await Unregistered.restoreFrom(path)).toBeInstanceOf(Unregistered)
    const none = { overrideConfig: config() }
    await expect(Model.restoreFrom(path, none)).rejects.toThrow(/names no target.*on the class itself/)
    const wrong = { overrideConfig: config({ target: 'test.NoModel' }) }
    await expect(Model.restoreFrom(path, wrong)).rejects.toThrow(/test.NoModel is no model/)
  })

  it('leave the old archive when the new one cannot be written', async () => {
    const path = join(scratch, 'nowhere', 'x.nemo')
    await expect(new TinyModel(config()).saveTo(path)).rejects.toThrow(/nowhere/)
  })

  it('name the file that is no archive', async () => {
    const path = join(scratch, 'text.nemo')
    await writeFile(path, 'hello')
    await expect(Model.restoreFrom(path)).rejects.toThrow(/text.nemo/)
  })
})

it('fromConfigDict makes fresh weights', () => {
  const model = TinyModel.fromConfigDict(config({ channels: 7 }))
  expect(model).toBeInstanceOf(TinyModel)
  expect(model.encoder.outChannels).toBe(7)
})

describe('data sets', () => {
  it('setupTrainingData, setupValidationData and setupTestData make one loader each', async () => {
    const model = tinyModel()
    await model.setupTrainingData({ length: 9, batch_size: 2 })
    await model.setupValidationData({ length: 4 })
    await model.setupTestData({ length: 6 })
    expect(model.trainingLoader!.length).toBe(5)
    expect(model.validationLoaders.map(({ name }) => name)).toEqual(['val'])
    expect(model.testLoaders.map(({ name, loader }) => [name, loader.dataset.length])).toEqual([['test', 6]])
  })

  it('several sets are named after their files as NeMo does', async () => {
    const model = tinyModel()
    const manifests = [
      'data/dev-clean_manifest.json',
      '/x/dev_other.json',
      'manifest.json',
      'a\\dev_other.json',
      'my.dataset.tsv',
    ]
    await model.setupMultipleValidationData({ manifest_filepath: manifests, batch_size: 2 })
    expect(model.validationLoaders.map(({ name }) => name)).toEqual([
      'dev_clean',
      'dev_other',
      'manifest',
      'dev_other_2',
      'my.',
    ])
    expect(model.validationLoaders.map(({ main }) => main)).toEqual([true, false, false, false, false])
    await model.setupMultipleTestData({ manifest_filepath: ['test.json'] })
    expect(model.testLoaders.map(({ name }) => name)).toEqual(['test'])
  })

  it('a single file is a set with plain names', async () => {
    const model = tinyModel()
    await model.setupMultipleValidationData({ manifest_filepath: 'dev.json' })
    expect(model.validationLoaders.map(({ name }) => name)).toEqual(['val'])
    await model.setupMultipleTestData({ manifest_filepath: 'dev.json' })
    expect(model.testLoaders.map(({ name }) => name)).toEqual(['test'])
  })

  it('each set is made from the config with its own file, without the keys that are not for it', async () => {
    const seen: ConfigObject[] = []
    class Watching extends TinyModel {
      override createDataLoader(cfg: ConfigObject) {
        seen.push(cfg)
        return super.createDataLoader({})
      }
    }
    const model = new Watching(config())
    await model.setupMultipleValidationData({ splits: ['a', 'b'], ds_item: 'splits', val_dl_idx: 1, batch_size: 3 })
    expect(seen).toEqual([
      { splits: 'a', batch_size: 3 },
      { splits: 'b', batch_size: 3 },
    ])
    expect(model.validationLoaders.map(({ name, main }) => [name, main])).toEqual([
      ['a', false],
      ['b', true],
    ])
  })

  it('val_dl_idx must name one of them', async () => {
    const sets = { manifest_filepath: ['a', 'b'], val_dl_idx: 2 }
    await expect(tinyModel().setupMultipleValidationData(sets)).rejects.toThrow(
      /val_dl_idx: expected a whole number below 2, found 2/,
    )
  })
})

describe('setupOptimization', () => {
  it('makes optimiser and policy from the config, or from another one', () => {
    const model = new TinyModel(
      config({ optim: { name: 'adam', lr: 0.2, sched: { name: 'CosineAnnealing', min_lr: 0 } } }),
    )
    const { optimizer, scheduler } = model.setupOptimization(undefined, 10)
    expect([optimizer.name, scheduler.name, scheduler.lr(0)]).toEqual(['adam', 'CosineAnnealing', 0.2])
    expect(scheduler.lr(5)).toBeCloseTo(0.1, 6)
    const other = model.setupOptimization({ name: 'sgd', lr: 3 })
    expect([other.optimizer.name, other.scheduler.lr(1000)]).toEqual(['sgd', 3])
  })

  it('says what is missing', () => {
    expect(() => new TinyModel({}).setupOptimization()).toThrow(/no optim section.*novograd/)
    expect(() => new TinyModel({}).setupOptimization({ lr: 1 })).toThrow(/optim.name: expected the name/)
    expect(() => new TinyModel({}).setupOptimization({ name: 'sgd' })).toThrow(
      /optim.lr: expected a learning rate.*undefined/,
    )
    expect(() => new TinyModel({}).setupOptimization({ name: 'sgd', lr: 'fast' })).toThrow(ModelError)
    expect(() => new TinyModel({}).setupOptimization({ name: 'sgd', lr: 1, momentun: 2 })).toThrow(
      /momentun.*momentum/s,
    )
  })

  it('asks for no learning rate where the optimiser has its own', () => {
    expect(new TinyModel({}).setupOptimization({ name: 'adafactor', lr: null }).optimizer.ownRate).toBe(true)
    expect(() => new TinyModel({}).setupOptimization({ name: 'adafactor', lr: null, relative_step: false })).toThrow(
      /optim.lr/,
    )
  })
})

it('the mean loss weighs batches by their samples', () => {
  const metric = new MeanLoss()
  const loss = (value: number) => ({ loss: { dtype: 'float32' as const, shape: [], data: Float32Array.of(value) } })
  expect(metric.compute()).toEqual({})
  metric.update(loss(1), { arrays: {}, samples: [0, 0, 0] })
  metric.update(loss(5), { arrays: {}, samples: [0] })
  metric.update({}, { arrays: {}, samples: [0] })
  expect(metric.compute()).toEqual({ loss: 2 })
})
