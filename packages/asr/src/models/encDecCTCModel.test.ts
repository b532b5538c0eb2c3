import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeManifest, writeWav } from '@nemo/audio'
import {
  type Callback,
  type ConfigObject,
  ConfigValidationError,
  Model,
  ModelCheckpoint,
  ModelError,
  NeuralPortNmTensorMismatchError,
  NonFiniteLossError,
  StateDictError,
  seedInitialisation,
  Trainer,
  type TrainerConfigInput,
  UnknownTargetError,
} from '@nemo/core'
import { input, ort } from '@nemo/graph'
import { afterAll, describe, expect, it } from 'vitest'
import { scratchFolder, tinyConfig, tinyLabels, tones, writeCorpus } from '../../test/tinyRecogniser.js'
import { EncDecCTCModel } from '../index.js'

const runtime = ort({ threads: 1 })
afterAll(() => runtime.dispose())
const folder = await scratchFolder()
const texts = ['ab', 'ba', 'ca', 'bc']
const manifest = await writeCorpus(join(folder, 'plain'), texts)
const archive = fileURLToPath(new URL('../../test/fixtures/model.nemo', import.meta.url))

function tiny(changes: ConfigObject = {}): EncDecCTCModel {
  seedInitialisation(3)
  return new EncDecCTCModel(tinyConfig(changes))
}

async function trainable(changes: ConfigObject = {}, manifestPath = manifest): Promise<EncDecCTCModel> {
  const model = tiny(changes)
  await model.setupTrainingData({ manifest_filepath: manifestPath, batch_size: 4 })
  return model
}

/** Keeps the losses of all steps and what was said. */
class Journal implements Callback {
  readonly losses: number[] = []
  readonly lines: string[] = []
  onTrainBatchEnd(_trainer: Trainer, _model: Model, { loss }: { readonly loss: number }): void {
    this.losses.push(loss)
  }
  onMessage(_trainer: Trainer, line: string): void {
    this.lines.push(line)
  }
}

async function train(model: EncDecCTCModel, config: TrainerConfigInput, callbacks: readonly Callback[] = []) {
  const journal = new Journal()
  const trainer = new Trainer({ num_sanity_val_steps: 0, ...config }, { runtime, callbacks: [journal, ...callbacks] })
  const result = await trainer.fit(model)
  return { ...journal, result, trainer }
}

const state = async (model: Model): Promise<Record<string, number[]>> =>
  Object.fromEntries([...(await model.stateDict())].map(([key, { data }]) => [key, Array.from(data as never, Number)]))

describe('the config', () => {
  const config = tinyConfig()
  const encoder = config.encoder as ConfigObject
  const preprocessor = config.preprocessor as ConfigObject

  it.each<[string, ConfigObject, new (...args: never[]) => Error, RegExp]>([
    ['a section missing', { encoder: null }, ConfigValidationError, /encoder: expected a section.*null/],
    [
      'labels missing',
      { labels: null, decoder: { _target_: 'x' } },
      ConfigValidationError,
      /labels: expected a list.*null/,
    ],
    ['labels of the wrong type', { labels: 'abc', decoder: { _target_: 'x' } }, ConfigValidationError, /labels.*"abc"/],
    ['a label twice', { labels: ['a', 'a'], decoder: { _target_: 'x' } }, ConfigValidationError, /labels.*"a" twice/],
    ['an unknown section', { augmentation: { x: 1 } }, ConfigValidationError, /augmentation: unknown key/],
    ['a misspelt section', { spec_augmnt: { x: 1 } }, ConfigValidationError, /spec_augmnt.*mean spec_augment/],
    ['a misspelt value', { sample_rat: 8000 }, ConfigValidationError, /sample_rat.*8000.*mean sample_rate/],
    [
      'an unknown key of a module',
      { encoder: { ...encoder, conv_maks: true } },
      ConfigValidationError,
      /ConvASREncoder[\s\S]*conv_maks[\s\S]*conv_mask/,
    ],
    [
      'a value of the wrong type',
      { encoder: { ...encoder, feat_in: 'many' } },
      ConfigValidationError,
      /ConvASREncoder[\s\S]*feat_in[\s\S]*"many"/,
    ],
    [
      'a window of the wrong name',
      { preprocessor: { ...preprocessor, window: 'round' } },
      ConfigValidationError,
      /AudioToMelSpectrogramPreprocessor[\s\S]*window[\s\S]*"round"/,
    ],
    [
      'an unknown _target_',
      { encoder: { ...encoder, _target_: 'nemo.Nothing' } },
      UnknownTargetError,
      /encoder\._target_[\s\S]*nemo\.Nothing/,
    ],
    ['no _target_', { encoder: { feat_in: 16 } }, UnknownTargetError, /encoder\._target_/],
    ['an unknown optimiser', { optim: { name: 'novagrad', lr: 1 } }, Error, /novagrad/],
  ])('%s is refused with key and value', async (_what, changes, type, message) => {
    const build = async () => {
      const model = tiny(changes)
      model.setupOptimization()
    }
    const error = await build().then(
      () => undefined,
      (thrown: Error) => thrown,
    )
    expect(error).toBeInstanceOf(type)
    expect(error?.message).toMatch(message)
  })

  it('may keep values that others refer to, as NeMo’s configs do', () => {
    expect(tiny({ repeat: 1, dropout: 0, separable: true, model_defaults: { se: true } }).labels).toEqual(tinyLabels)
  })

  it('labels may stand in the decoder alone', () => {
    const { labels: _, ...rest } = tinyConfig()
    expect(new EncDecCTCModel(rest).labels).toEqual(tinyLabels)
  })

  it('a data section with another rate or other labels than the model is refused', async () => {
    const model = tiny()
    const rate = model.setupTrainingData({ manifest_filepath: manifest, sample_rate: 16000 })
    await expect(rate).rejects.toThrow(/train_ds[\s\S]*sample_rate.*8000 Hz, found 16000/)
    const labels = model.setupValidationData({ manifest_filepath: manifest, labels: ['x'] })
    await expect(labels).rejects.toThrow(/validation_ds[\s\S]*labels.*"x"/)
    const unknown = model.setupTestData({ manifest_filepath: manifest, batchsize: 1 })
    await expect(unknown).rejects.toThrow(/test_ds[\s\S]*batchsize/)
  })
})

describe('forward', () => {
  const signal = input('signal', 'float32', ['B', 'T'])
  const features = input('features', 'float32', ['B', 16, 'F'])
  const length = input('length', 'int64', ['B'])

  it('takes either audio or features', () => {
    const model = tiny()
    const { logProbs } = model.forward({ inputSignal: signal, inputSignalLength: length } as never)
    expect(logProbs.shape.at(-1)).toBe(5)
    expect(model.forward({ processedSignal: features, processedSignalLength: length } as never).logProbs.rank).toBe(3)
    const both = {
      inputSignal: signal,
      inputSignalLength: length,
      processedSignal: features,
      processedSignalLength: length,
    }
    expect(() => model.forward(both as never)).toThrow(ModelError)
    expect(() => model.forward({} as never)).toThrow(/either inputSignal .* or processedSignal/)
    expect(() => model.forward({ inputSignal: signal } as never)).toThrow(ModelError)
  })

  it('refuses a tensor of another meaning while the graph is drawn', () => {
    const model = tiny()
    const { logProbs, encodedLengths } = model.forward({ inputSignal: signal, inputSignalLength: length } as never)
    const wrong = { processedSignal: logProbs, processedSignalLength: encodedLengths }
    expect(() => model.forward(wrong as never)).toThrow(NeuralPortNmTensorMismatchError)
    expect(() => model.forward(wrong as never)).toThrow(/processed_?[sS]ignal/)
  })

  it('refuses features of another size while the graph is drawn', () => {
    const narrow = input('features', 'float32', ['B', 12, 'F'])
    const wrong = { processedSignal: narrow, processedSignalLength: length }
    expect(() => tiny().forward(wrong as never)).toThrow(/12/)
  })

  it('knows how many frames the encoder makes', async () => {
    const model = tiny()
    const samples = tones('abc')
    const { encodedLengths } = await model.eval().run({
      inputSignal: { dtype: 'float32', shape: [1, samples.length], data: samples },
      inputSignalLength: [samples.length],
    })
    expect(await model.encodedFrames(samples.length)).toBe(Number(encodedLengths!.data[0]))
  })
})

describe('training', () => {
  it('learns one batch by heart', async () => {
    const model = await trainable()
    await model.setupValidationData({ manifest_filepath: manifest, batch_size: 2 })
    const { losses, result, trainer } = await train(model, { max_steps: 60, check_val_every_n_epoch: 60 })
    expect(losses.at(-1)).toBeLessThan(losses[0]! / 10)
    expect(result.metrics.val_wer).toBe(0)
    expect(await model.transcribe(texts.map((text) => tones(text)))).toEqual(texts)
    const loader = await model.createDataLoader({ manifest_filepath: manifest, batch_size: 3 }, 'test')
    const predictions = await trainer.predict(model, loader)
    const transcripts: readonly (readonly string[])[] = predictions.map(({ results }) => results)
    expect(transcripts).toEqual([texts.slice(0, 3), texts.slice(3)])
  })

  it('moves the decoder alone when the encoder is frozen', async () => {
    const model = await trainable()
    model.encoder.freeze()
    const before = await state(model)
    await train(model, { max_steps: 2 })
    const after = await state(model)
    const changed = Object.keys(after).filter((key) => after[key]!.some((value, i) => value !== before[key]![i]))
    expect(changed).toEqual(['decoder.decoder_layers.0.weight', 'decoder.decoder_layers.0.bias'])
    model.encoder.unfreeze()
    await train(model, { max_steps: 1 })
    expect((await state(model))['encoder.encoder.0.mconv.0.conv.weight']).not.toEqual(
      after['encoder.encoder.0.mconv.0.conv.weight'],
    )
  })

  it('validates on several sets, each under its own name', async () => {
    const model = await trainable()
    const other = await writeCorpus(join(folder, 'other'), ['aaa'])
    await writeManifest(join(folder, 'dev-other_manifest.json'), [
      { audio_filepath: join(folder, 'other/0.wav'), duration: 0.6, text: 'aaa' },
    ])
    expect(other).toContain('other')
    await model.setupMultipleValidationData({
      manifest_filepath: [manifest, join(folder, 'dev-other_manifest.json')],
      val_dl_idx: 1,
    })
    const metrics = await new Trainer({}, { runtime }).validate(model)
    expect(metrics.val_wer).toBe(metrics.dev_other_val_wer)
    expect(Object.keys(metrics).filter((name) => name.endsWith('val_loss'))).toHaveLength(3)
  })

  it('leaves out, counts and names utterances whose transcript is longer than their encoded audio', async () => {
    const path = await writeCorpus(
      join(folder, 'long'),
      ['ab', 'ba'],
      [{ audio_filepath: join(folder, 'plain/0.wav'), duration: 0.4, text: 'abc'.repeat(20) }],
    )
    const { lines, losses } = await train(await trainable({}, path), { max_epochs: 1 })
    expect(lines).toEqual([
      expect.stringMatching(/^1 utterance\(s\) left out.*longer than their encoded audio.*:3: 60 labels/),
    ])
    expect(losses.every(Number.isFinite)).toBe(true)
  })

  it('stops where not one utterance can be used, and says why', async () => {
    const path = await writeCorpus(
      join(folder, 'none'),
      [],
      [{ audio_filepath: join(folder, 'nowhere.wav'), duration: 0.4, text: 'ab' }],
    )
    await expect(train(await trainable({}, path), { max_epochs: 1 })).rejects.toThrow(/Not one sample.*nowhere\.wav/)
  })
})

describe('a loss that is no number', () => {
  it('stops training with the step and the learning rate', async () => {
    const model = await trainable({ optim: { name: 'sgd', lr: 1e30 } })
    const error = await train(model, { max_steps: 5 }).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(NonFiniteLossError)
    expect((error as NonFiniteLossError).step).toBeLessThan(3)
    expect((error as NonFiniteLossError).message).toMatch(/at step \d.*learning rate 1\.000e\+30.*NEMO_NON_FINITE_LOSS/)
  })

  it('leaves the last checkpoint good: training goes on from it when the audio is mended', async () => {
    const spoilt = join(folder, 'spoilt')
    const path = await writeCorpus(spoilt, ['ab', 'ba', 'ca', 'bc'])
    const bad = tones('ca')
    bad[100] = Number.NaN
    await writeWav(join(spoilt, '2.wav'), { sampleRate: 8000, channels: [bad] }, { encoding: 'float32' })
    const run = async (checkpoint?: string) => {
      const model = tiny()
      await model.setupTrainingData({ manifest_filepath: path, batch_size: 1 })
      const saved = new ModelCheckpoint({ dirpath: join(folder, 'checkpoints'), every_n_train_steps: 1, save_top_k: 0 })
      const trainer = new Trainer({ max_epochs: 1, num_sanity_val_steps: 0 }, { runtime, callbacks: [saved] })
      const fitted = trainer.fit(model, checkpoint === undefined ? {} : { checkpoint })
      return { model, saved, result: await fitted.catch((error: unknown) => error) }
    }
    const { result, saved } = await run()
    expect(result).toBeInstanceOf(NonFiniteLossError)
    expect((result as NonFiniteLossError).step).toBe(2)
    await writeWav(join(spoilt, '2.wav'), { sampleRate: 8000, channels: [tones('ca')] })
    const resumed = await run(saved.lastPath)
    expect(resumed.result).toMatchObject({ status: 'finished', globalStep: 4 })
    expect(Object.values(await state(resumed.model)).every((values) => values.every(Number.isFinite))).toBe(true)
  })
})

describe('archives', () => {
  it('a saved model is restored with config, weights and texts', async () => {
    const model = tiny().eval()
    const path = join(folder, 'tiny.nemo')
    await model.saveTo(path)
    const restored = await EncDecCTCModel.restoreFrom<EncDecCTCModel>(path)
    expect(await state(restored)).toEqual(await state(model))
    const { target, ...config } = restored.cfg
    expect(config).toEqual(tinyConfig())
    expect(target).toBe('nemo.collections.asr.models.ctc_models.EncDecCTCModel')
    expect(await restored.transcribe([tones('abc')])).toEqual(await model.transcribe([tones('abc')]))
    expect(await Model.restoreFrom<Model>(new Uint8Array(await readFile(path)))).toBeInstanceOf(EncDecCTCModel)
  })

  it('weights that do not fit are named with both shapes', async () => {
    const wide = tinyConfig()
    const decoder = { ...(wide.decoder as ConfigObject), num_classes: 5, vocabulary: [...tinyLabels, 'd'] }
    const path = join(folder, 'narrow.nemo')
    await tiny().saveTo(path)
    const restore = EncDecCTCModel.restoreFrom<EncDecCTCModel>(path, { overrideConfig: { ...wide, decoder } })
    await expect(restore).rejects.toThrow(StateDictError)
    await expect(restore).rejects.toThrow(/decoder_layers\.0\.weight.*\[5, 16, 1\].*6/)
  })

  it('weights of another model are refused by name', async () => {
    const foreign = await EncDecCTCModel.restoreFrom<EncDecCTCModel>(archive)
    const weights = await foreign.stateDict()
    expect(() => tiny().loadStateDict(weights)).toThrow(/Unexpected: encoder\.encoder\.1\.mconv\.5\.conv\.weight/)
  })
})
