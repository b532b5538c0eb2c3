import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type ConfigObject,
  instantiate,
  Model,
  ModelError,
  readNemo,
  seedInitialisation,
  Trainer,
  writeNemo,
} from '@nemo/core'
import { ort } from '@nemo/graph'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { scratchFolder, tinyConfig, tinyLabels, tones, writeCorpus } from '../../test/tinyRecogniser.js'
import { buildTokenizer, EncDecCTCModel, EncDecCTCModelBPE, EncDecRNNTBPEModel, EncDecRNNTModel } from '../index.js'

const runtime = ort({ threads: 1 })
afterAll(() => runtime.dispose())
const folder = await scratchFolder()
const texts = ['ab', 'ba', 'ca', 'bc']
let manifest_filepath: string
let spe: string
let wpe: string
let larger: string

beforeAll(async () => {
  manifest_filepath = await writeCorpus(join(folder, 'plain'), texts)
  const from = { manifest: manifest_filepath, data_root: join(folder, 'tokenizers') }
  // Words do not begin with a sound of their own, so each sub-word sounds like its letters.
  spe = await buildTokenizer({ ...from, tokenizer: 'spe', spe_type: 'unigram', vocab_size: 9 })
  larger = await buildTokenizer({ ...from, tokenizer: 'spe', vocab_size: 8 })
  wpe = await buildTokenizer({ ...from, tokenizer: 'wpe', vocab_size: 12 })
})

const subwordConfig = (dir: string, type: string, changes: ConfigObject = {}): ConfigObject => {
  const { labels: _, ...config } = tinyConfig()
  const decoder = {
    _target_: 'nemo.collections.asr.modules.ConvASRDecoder',
    feat_in: 16,
    num_classes: -1,
    vocabulary: [],
  }
  return { ...config, tokenizer: { dir, type }, decoder, ...changes }
}

const transducer: ConfigObject = {
  model_defaults: { enc_hidden: 16, pred_hidden: 12 },
  decoder: { _target_: 'nemo.collections.asr.modules.RNNTDecoder', prednet: { pred_hidden: 12, pred_rnn_layers: 1 } },
  joint: {
    _target_: 'nemo.collections.asr.modules.RNNTJoint',
    jointnet: { joint_hidden: 24, activation: 'relu', dropout: 0 },
  },
  decoding: { strategy: 'greedy_batch', greedy: { max_symbols: 5 } },
  optim: { name: 'adam', lr: 0.02 },
}

async function train(model: EncDecCTCModel | EncDecRNNTModel, steps: number): Promise<number> {
  await model.setupTrainingData({ manifest_filepath, batch_size: 4, use_start_end_token: false })
  await model.setupValidationData({ manifest_filepath, batch_size: 4, use_start_end_token: false })
  const config = { max_steps: steps, num_sanity_val_steps: 0, check_val_every_n_epoch: steps, log_every_n_steps: steps }
  const trainer = new Trainer(config, { runtime })
  const { metrics } = await trainer.fit(model)
  await trainer.dispose()
  return metrics.val_wer!
}

const audio = texts.map((text) => tones(text))
const shapeOf = (model: Model, name: string) => model.namedParameters().get(name)!.shape

describe('EncDecCTCModelBPE', () => {
  it('learns sub-words; the tokenizer travels in the archive', async () => {
    seedInitialisation(3)
    const model = new EncDecCTCModelBPE(subwordConfig(spe, 'bpe'))
    expect(model.labels[0]).toBe('<unk>')
    expect(shapeOf(model, 'decoder.decoder_layers.0.weight')).toEqual([model.labels.length + 1, 16, 1])
    expect(await train(model, 200)).toBe(0)
    expect(await model.transcribe(audio, { runtime })).toEqual(texts)

    const path = join(folder, 'subwords.nemo')
    await model.saveTo(path)
    const archive = await readNemo(path)
    const [file] = [...archive.artifacts.keys()].filter((name) => name.endsWith('_tokenizer.model'))
    expect(file).toMatch(/^[0-9a-f]{32}_tokenizer\.model$/)
    expect(archive.config).toContain(`model_path: nemo:${file}`)
    expect(archive.config).toMatch(/vocab_path: nemo:[0-9a-f]{32}_vocab\.txt/)
    // Somewhere else, where the tokenizer's folder is not.
    const moved = { ...archive, config: archive.config.replaceAll(spe, '/nowhere') }
    await writeNemo(path, moved)
    const restored = (await Model.restoreFrom(path)) as EncDecCTCModelBPE
    expect(restored).toBeInstanceOf(EncDecCTCModelBPE)
    expect(await EncDecCTCModel.restoreFrom(path)).toBeInstanceOf(EncDecCTCModelBPE)
    expect(restored.tokenizer.textToIds('ab')).toEqual(model.tokenizer.textToIds('ab'))
    expect(await restored.transcribe(audio, { runtime })).toEqual(texts)
  }, 180_000)

  it('restores archives that name the tokenizer by its path, as NeMo before 1.0 did', async () => {
    seedInitialisation(3)
    const model = new EncDecCTCModelBPE(subwordConfig(spe, 'bpe'))
    const path = join(folder, 'older.nemo')
    await model.saveTo(path)
    const archive = await readNemo(path)
    const config = archive.config
      .replace(/nemo:[0-9a-f]{32}_tokenizer\.model/, '/workspace/tokenizer.model')
      .replace(/nemo:[0-9a-f]{32}_vocab\.txt/, '/workspace/vocab.txt')
      .replaceAll(spe, '/nowhere')
    const artifacts = new Map(
      [...archive.artifacts].map(([name, contents]) => [name.replace(/^[0-9a-f]{32}_/, ''), contents]),
    )
    await writeNemo(path, { ...archive, config, artifacts })
    expect((await EncDecCTCModelBPE.restoreFrom(path)).labels).toEqual(model.labels)
  })

  it('takes WordPiece vocabularies too', async () => {
    const model = new EncDecCTCModelBPE(subwordConfig(wpe, 'wpe'))
    expect(model.labels.slice(0, 5)).toEqual(['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'])
    expect(await train(model, 1)).toBeGreaterThanOrEqual(0)
  }, 120_000)

  it('changes its tokenizer: a fresh decoder, the same encoder, and the archive has the new files alone', async () => {
    seedInitialisation(3)
    const model = new EncDecCTCModelBPE(subwordConfig(spe, 'bpe'))
    const before = await model.stateDict()
    model.changeVocabulary(larger, 'bpe')
    const after = await model.stateDict()
    expect([...after.keys()]).toEqual([...before.keys()])
    for (const [name, value] of before) if (!name.startsWith('decoder.')) expect(after.get(name)).toEqual(value)
    expect(shapeOf(model, 'decoder.decoder_layers.0.bias')).toEqual([model.labels.length + 1])
    expect(model.cfg.tokenizer).toMatchObject({ dir: larger, type: 'bpe' })
    expect((model.cfg.decoder as ConfigObject).num_classes).toBe(model.labels.length)
    expect([...model.artifacts.keys()]).toHaveLength(3)
    const path = join(folder, 'changed.nemo')
    await model.saveTo(path)
    expect((await EncDecCTCModelBPE.restoreFrom(path)).labels).toEqual(model.labels)

    model.changeVocabulary(wpe, 'wpe')
    await model.saveTo(path)
    expect([...(await readNemo(path)).artifacts.keys()]).toEqual([expect.stringMatching(/_vocab\.txt$/)])
    expect((await EncDecCTCModelBPE.restoreFrom(path)).labels).toEqual(model.labels)
    expect(await train(model, 1)).toBeGreaterThanOrEqual(0)
  }, 120_000)

  it('exports symbols as other decoders spell them', async () => {
    const model = new EncDecCTCModelBPE(subwordConfig(spe, 'bpe'))
    const out = join(folder, 'onnx')
    await mkdir(out, { recursive: true })
    await model.export(join(out, 'model.onnx'))
    const tokens = (await readFile(join(out, 'tokens.txt'), 'utf8')).trim().split('\n')
    expect(tokens[0]).toBe('<unk> 0')
    expect(tokens.at(-1)).toBe(`<blk> ${model.labels.length}`)
    expect(tokens.some((line) => line.startsWith('\u2581'))).toBe(true)
    expect((await readFile(join(out, 'model.onnx'))).includes('EncDecCTCModelBPE')).toBe(true)
  })

  it('says what is missing', async () => {
    expect(() => new EncDecCTCModelBPE(tinyConfig())).toThrow(/tokenizer: expected a section with dir and type/)
    expect(() => new EncDecCTCModelBPE(subwordConfig('/nowhere', 'bpe'))).toThrow(
      /\/nowhere\/tokenizer\.model is not there/,
    )
    expect(() => new EncDecCTCModelBPE(subwordConfig(spe, 'spe'))).toThrow(/type/)
    const wrong = { _target_: 'nemo.collections.asr.modules.ConvASRDecoder', feat_in: 16, num_classes: 77 }
    expect(() => new EncDecCTCModelBPE(subwordConfig(spe, 'bpe', { decoder: wrong }))).toThrow(/the decoder 77 classes/)
    const model = new EncDecCTCModelBPE(subwordConfig(spe, 'bpe'))
    expect(() => model.changeVocabulary('/nowhere', 'bpe')).toThrow(/expected the folder of a tokenizer/)
    expect(() => model.changeVocabulary(['a'])).toThrow(/expected the folder of a tokenizer/)
    const junk = join(folder, 'junk')
    await mkdir(junk, { recursive: true })
    await writeFile(join(junk, 'tokenizer.model'), 'no model')
    expect(() => model.changeVocabulary(junk, 'bpe')).toThrow(/SentencePiece/)
  })

  it('is found by NeMo’s names', () => {
    for (const name of ['ctc_bpe_models.EncDecCTCModelBPE', 'EncDecCTCModelBPE']) {
      const made = instantiate({ _target_: `nemo.collections.asr.models.${name}` }, { cfg: subwordConfig(spe, 'bpe') })
      expect(made).toBeInstanceOf(EncDecCTCModelBPE)
    }
  })
})

describe('EncDecRNNTBPEModel', () => {
  it('learns sub-words, is restored with its tokenizer, and changes it', async () => {
    seedInitialisation(3)
    const model = new EncDecRNNTBPEModel(subwordConfig(spe, 'bpe', transducer))
    expect(await train(model, 120)).toBe(0)
    const path = join(folder, 'transducer.nemo')
    await model.saveTo(path)
    const restored = (await Model.restoreFrom(path)) as EncDecRNNTBPEModel
    expect(restored).toBeInstanceOf(EncDecRNNTBPEModel)
    expect(await restored.transcribe(audio, { runtime })).toEqual(texts)

    const encoder = await restored.encoder.stateDict()
    await restored.changeVocabulary(larger, 'bpe')
    expect(await restored.encoder.stateDict()).toEqual(encoder)
    expect(shapeOf(restored, 'decoder.prediction.embed.weight')).toEqual([restored.labels.length + 1, 12])
    expect(shapeOf(restored, 'joint.joint_net.1.bias')).toEqual([restored.labels.length + 1])
    expect(await train(restored, 2)).toBeGreaterThanOrEqual(0)
    await restored.changeDecodingStrategy({ strategy: 'beam', beam: { beam_size: 2 } })
    await restored.saveTo(path)
    const again = (await Model.restoreFrom(path)) as EncDecRNNTBPEModel
    expect([again.labels, again.decoding.config.strategy]).toEqual([restored.labels, 'beam'])
  }, 240_000)
})

describe('changeVocabulary of characters', () => {
  const other = [' ', 'a', 'b', 'c', 'd', 'é']

  it('gives a CTC model a fresh decoder and loss; the encoder stays, the archive says so', async () => {
    seedInitialisation(3)
    const model = new EncDecCTCModel(tinyConfig({ train_ds: { manifest_filepath, labels: tinyLabels } }))
    const { decoder } = model
    model.changeVocabulary([...tinyLabels])
    expect(model.decoder).toBe(decoder)
    const encoder = await model.encoder.stateDict()
    await model.transcribe(audio.slice(0, 1), { runtime })
    model.changeVocabulary(other)
    expect(await model.encoder.stateDict()).toEqual(encoder)
    expect(shapeOf(model, 'decoder.decoder_layers.0.bias')).toEqual([7])
    const [logProbs] = await model.transcribe(audio.slice(0, 1), { runtime, logprobs: true })
    expect(logProbs!.shape[1]).toBe(7)
    expect(await train(model, 1)).toBeGreaterThanOrEqual(0)
    const path = join(folder, 'characters.nemo')
    await model.saveTo(path)
    const restored = (await Model.restoreFrom(path)) as EncDecCTCModel
    expect(restored.labels).toEqual(other)
    expect(restored.cfg.train_ds).toMatchObject({ labels: other })
    expect(() => model.changeVocabulary([])).toThrow(/newVocabulary: expected a list/)
    expect(() => model.changeVocabulary(['a', 'a'])).toThrow(/found "a" twice/)
    await expect(EncDecRNNTModel.restoreFrom(path)).rejects.toThrow(ModelError)
  }, 120_000)

  it('gives a transducer a fresh prediction network, joint network and loss', async () => {
    seedInitialisation(3)
    const model = new EncDecRNNTModel(tinyConfig(transducer))
    const encoder = await model.encoder.stateDict()
    await model.transcribe(audio.slice(0, 1), { runtime })
    await model.changeVocabulary(other)
    expect(await model.encoder.stateDict()).toEqual(encoder)
    expect(shapeOf(model, 'joint.joint_net.1.weight')).toEqual([7, 24])
    await model.transcribe(audio.slice(0, 1), { runtime })
    expect(await train(model, 1)).toBeGreaterThanOrEqual(0)
    expect(model.cfg).toMatchObject({ labels: other, decoder: { vocab_size: 6 }, joint: { num_classes: 6 } })
  }, 120_000)
})
