import { join } from 'node:path'
import { type Callback, type ConfigObject, ConfigValidationError, Model, seedInitialisation, Trainer } from '@nemo/core'
import { ort } from '@nemo/graph'
import { afterAll, describe, expect, it } from 'vitest'
import { scratchFolder, tinyConfig, tinyLabels, tones, writeCorpus } from '../../test/tinyRecogniser.js'
import { EncDecRNNTModel } from '../index.js'

const runtime = ort({ threads: 1 })
afterAll(() => runtime.dispose())
const folder = await scratchFolder()
const texts = ['ab', 'ba', 'ca', 'bc']
const manifest_filepath = await writeCorpus(join(folder, 'plain'), texts)

const transducerConfig = (changes: ConfigObject = {}): ConfigObject =>
  tinyConfig({
    model_defaults: { enc_hidden: 16, pred_hidden: 12 },
    decoder: {
      _target_: 'nemo.collections.asr.modules.RNNTDecoder',
      prednet: { pred_hidden: 12, pred_rnn_layers: 1 },
    },
    joint: {
      _target_: 'nemo.collections.asr.modules.RNNTJoint',
      jointnet: { joint_hidden: 24, activation: 'relu', dropout: 0 },
    },
    decoding: { strategy: 'greedy_batch', greedy: { max_symbols: 5 } },
    optim: { name: 'adam', lr: 0.02 },
    ...changes,
  })

function tiny(changes: ConfigObject = {}): EncDecRNNTModel {
  seedInitialisation(3)
  return new EncDecRNNTModel(transducerConfig(changes))
}

describe('EncDecRNNTModel', () => {
  it('learns tones, reports its error rate, and recognises the same after saving and restoring', async () => {
    const model = tiny()
    await model.setupTrainingData({ manifest_filepath, batch_size: 4 })
    await model.setupValidationData({ manifest_filepath, batch_size: 4 })
    const losses: number[] = []
    const journal: Callback = {
      onTrainBatchEnd(_trainer: Trainer, _model: Model, { loss }: { readonly loss: number }) {
        losses.push(loss)
      },
    }
    const config = { max_steps: 160, num_sanity_val_steps: 0, check_val_every_n_epoch: 160, log_every_n_steps: 40 }
    const trainer = new Trainer(config, { runtime, callbacks: [journal] })
    const { metrics } = await trainer.fit(model)
    expect(losses.at(-1)!).toBeLessThan(losses[0]! / 4)
    expect(metrics.val_wer).toBe(0)
    expect(metrics.training_batch_wer).toBeGreaterThanOrEqual(0)

    const predictions = await trainer.predict(model, model.validationLoaders[0]!.loader)
    const transcripts: readonly string[] = predictions.flatMap(({ results }) => results)
    expect(transcripts).toEqual(texts)

    const audio = texts.map((text) => tones(text))
    expect(await model.transcribe(audio, { runtime })).toEqual(texts)
    const path = join(folder, 'transducer.nemo')
    await model.saveTo(path)
    const restored = await Model.restoreFrom(path)
    expect(restored).toBeInstanceOf(EncDecRNNTModel)
    expect(await (restored as EncDecRNNTModel).transcribe(audio, { runtime, batchSize: 3 })).toEqual(texts)

    await model.changeDecodingStrategy({ strategy: 'beam', beam: { beam_size: 3 } })
    const [transcript] = await model.transcribe(audio.slice(0, 1), { runtime, returnHypotheses: true })
    expect(transcript!.nBest.length).toBe(3)
    expect(transcript!.nBest.map(({ text }) => text)).toContain(texts[0])
    expect(transcript!.timesteps.length).toBe(transcript!.ids.length)
  }, 180_000)

  it('sizes the joint network from model_defaults, the classes from labels', () => {
    const model = tiny()
    const shapes = Object.fromEntries([...model.namedParameters()].map(([name, { shape }]) => [name, shape]))
    expect(shapes['joint.enc.weight']).toEqual([24, 16])
    expect(shapes['joint.pred.weight']).toEqual([24, 12])
    expect(shapes['joint.joint_net.1.weight']).toEqual([tinyLabels.length + 1, 24])
    expect(shapes['decoder.prediction.embed.weight']).toEqual([tinyLabels.length + 1, 12])
    expect(model.blank).toBe(tinyLabels.length)
  })

  it.each<[string, ConfigObject, RegExp]>([
    ['labels missing', { labels: null }, /labels: expected a list/],
    ['an unknown strategy', { decoding: { strategy: 'best' } }, /decoding[\s\S]*strategy[\s\S]*"best"/],
    ['a section missing', { joint: null }, /joint: expected a section/],
    ['changes of gradients that NeMo knows', { normalize_joint_txu: true }, /normalize_joint_txu: expected false/],
    ['noise on gradients', { variational_noise: { std: 0.1 } }, /variational_noise\.std: expected 0, found 0.1/],
  ])('%s: refused with key and value', (_what, changes, message) => {
    expect(() => tiny(changes)).toThrow(ConfigValidationError)
    expect(() => tiny(changes)).toThrow(message)
  })
})
