import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeManifest, writeWav } from '@nemo/audio'
import { type ConfigObject, ConfigValidationError, Model, seedInitialisation, Trainer } from '@nemo/core'
import { compile, importOnnx, ort } from '@nemo/graph'
import { afterAll, describe, expect, it } from 'vitest'
import { scratchFolder, tinyConfig, tones } from '../../test/tinyRecogniser.js'
import { AsrError, EncDecClassificationModel, type LabelMetrics } from '../index.js'

const runtime = ort({ threads: 1 })
afterAll(() => runtime.dispose())
const folder = await scratchFolder()
const labels = ['low', 'middle', 'high']
const letterOf: Readonly<Record<string, string>> = { low: ' ', middle: 'a', high: 'c' }

function config(changes: ConfigObject = {}): ConfigObject {
  const { labels: _, decoder: __, ...rest } = tinyConfig()
  return {
    ...rest,
    // Where features are filled up decides where the middle is.
    preprocessor: { ...(rest.preprocessor as ConfigObject), pad_to: 0 },
    labels: [...labels],
    timesteps: 16,
    labels_full: [...labels],
    crop_or_pad_augment: {
      _target_: 'nemo.collections.asr.modules.CropOrPadSpectrogramAugmentation',
      audio_length: 16,
    },
    decoder: {
      _target_: 'nemo.collections.asr.modules.ConvASRDecoderClassification',
      feat_in: 16,
      return_logits: true,
      pooling_type: 'avg',
    },
    ...changes,
  }
}

function tiny(changes: ConfigObject = {}): EncDecClassificationModel {
  seedInitialisation(3)
  return new EncDecClassificationModel(config(changes))
}

async function corpus(name: string, wanted: readonly string[]): Promise<string> {
  await mkdir(join(folder, name), { recursive: true })
  const rows = []
  for (const [i, label] of wanted.entries()) {
    const path = join(folder, name, `${i}.wav`)
    await writeWav(path, { sampleRate: 8000, channels: [tones(letterOf[label]!)] })
    rows.push({ audio_filepath: path, duration: 0.2, command: label })
  }
  const manifest = join(folder, name, 'manifest.json')
  await writeManifest(manifest, rows)
  return manifest
}
const manifest = await corpus('plain', [...labels, ...labels])

describe('the config', () => {
  it('has NeMo’s keys; the labels say how many classes there are', () => {
    const model = tiny()
    expect(model.labels).toEqual(labels)
    expect([...model.namedTensors().keys()].filter((key) => key.startsWith('decoder.'))).toEqual([
      'decoder.decoder_layers.0.weight',
      'decoder.decoder_layers.0.bias',
    ])
    expect(model.decoder.parameters()[0]!.shape).toEqual([3, 16])
    expect(tiny({ labels: [0, 1] }).labels).toEqual(['0', '1'])
  })

  it.each<[string, ConfigObject, RegExp]>([
    ['no labels', { labels: null }, /labels: expected a list of labels, found null/],
    ['a label twice', { labels: ['a', 'a'] }, /labels: expected each label once, found "a" twice/],
    ['a misspelt section', { crop_or_pad_augmnt: { audio_length: 3 } }, /mean crop_or_pad_augment/],
  ])('%s is refused', (_what, changes, message) => {
    expect(() => tiny(changes)).toThrow(ConfigValidationError)
    expect(() => tiny(changes)).toThrow(message)
  })

  it('regression is another model', () => {
    expect(() => tiny({ is_regression_task: true })).toThrow('is_regression_task must be false')
  })

  it('a manifest with another label is refused by line and label', async () => {
    const model = tiny({ labels: ['low', 'middle'] })
    const error = await model.setupTrainingData({ manifest_filepath: manifest }).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(AsrError)
    expect(String(error)).toContain(`${manifest}:3: expected one of the labels low, middle, found "high"`)
  })

  it('a data section with other labels or another rate than the model’s is refused', async () => {
    const other = tiny().setupTestData({ manifest_filepath: manifest, labels: ['high', 'low'] })
    await expect(other).rejects.toThrow(/test_ds[\s\S]*labels/)
    const rate = tiny().setupTrainingData({ manifest_filepath: manifest, sample_rate: 16000 })
    await expect(rate).rejects.toThrow(/train_ds[\s\S]*8000 Hz, found 16000/)
  })
})

describe('a trained classifier', () => {
  it('learns tones, tells them apart the same way after saving, and in its ONNX file', async () => {
    const model = tiny()
    model.topK = [1, 2]
    await model.setupTrainingData({ manifest_filepath: manifest, batch_size: 6, labels: [...labels] })
    await model.setupTestData({ manifest_filepath: await corpus('test', labels), batch_size: 2 })
    const trainer = new Trainer({ max_epochs: 40, num_sanity_val_steps: 0 }, { runtime })
    await trainer.fit(model)
    expect(await trainer.test(model)).toMatchObject({ 'test_epoch_top@1': 1, 'test_epoch_top@2': 1 })

    const audio = labels.map((label) => tones(letterOf[label]!))
    expect(await model.transcribe(audio)).toEqual(labels)
    const best = await model.transcribe(audio, { topK: 2 })
    expect(best.map((list) => [list.length, list[0]])).toEqual(labels.map((label) => [2, label]))
    const scores = await model.transcribe(audio, { logprobs: true })
    expect(scores.map(({ shape }) => shape)).toEqual([[3], [3], [3]])

    const path = join(folder, 'model.nemo')
    await model.saveTo(path)
    const restored = await Model.restoreFrom(path)
    expect(restored).toBeInstanceOf(EncDecClassificationModel)
    const again = await (restored as EncDecClassificationModel).transcribe(audio, { logprobs: true })
    expect(again).toEqual(scores)

    await model.export(join(folder, 'model.onnx'), { preprocessor: true })
    const imported = importOnnx(await readFile(join(folder, 'model.onnx')))
    const program = await compile(imported.outputs, { runtime })
    const { logits } = await program.run({
      input_signal: { dtype: 'float32', shape: [1, audio[2]!.length], data: audio[2]! },
      length: [audio[2]!.length],
    })
    expect(logits!.shape).toEqual([1, 3])
    for (const [i, score] of Array.from(scores[2]!.data).entries()) expect(logits!.data[i]).toBeCloseTo(score, 3)
    await program.dispose()
  })

  it('reports each class, confusions and sounds', async () => {
    const model = tiny()
    await model.setupTestData({ manifest_filepath: manifest, batch_size: 4 })
    const metrics = model.validationMetrics() as LabelMetrics
    const batch = await firstBatch(model)
    const logits = {
      dtype: 'float32' as const,
      shape: [4, 3],
      data: new Float32Array([9, 0, 0, 9, 0, 0, 0, 0, 9, 9, 0, 0]),
    }
    metrics.update({ logits, loss: { dtype: 'float32', shape: [], data: new Float32Array([2]) } }, batch as never)
    expect(metrics.compute()).toEqual({ loss: 2, 'epoch_top@1': 0.75 })
    expect(metrics.perClass().map(({ count, correct, predicted }) => [count, correct, predicted])).toEqual([
      [2, 2, 3],
      [1, 0, 0],
      [1, 1, 1],
    ])
    const [classes, confusions, wrong] = await metrics.reportSections('test')
    expect(classes).toMatchObject({
      kind: 'table',
      rows: [['low', 2, 2, 1, 0.6667, 0.8], ['middle', 1, 0, 0, 0, 0], expect.anything()],
    })
    expect(confusions).toMatchObject({ rows: [expect.anything(), ['middle', 1, null, null], expect.anything()] })
    expect((wrong as unknown as { samples: { reference: string }[] }).samples[0]).toMatchObject({
      reference: 'middle',
      hypothesis: 'low',
    })
  })
})

describe('changeLabels', () => {
  it('gives a decoder for other classes, and leaves the encoder alone', async () => {
    const model = tiny({ train_ds: { manifest_filepath: 'x', labels: [...labels] } })
    const before = await model.stateDict()
    model.changeLabels(labels)
    expect([...(await model.stateDict())]).toEqual([...before])
    model.changeLabels(['yes', 'no'])
    expect(model.labels).toEqual(['yes', 'no'])
    expect(model.cfg).toMatchObject({
      labels: ['yes', 'no'],
      decoder: { num_classes: 2 },
      train_ds: { labels: ['yes', 'no'] },
    })
    const after = await model.stateDict()
    for (const [key, value] of after) if (!key.startsWith('decoder.')) expect(value).toEqual(before.get(key))
    expect(after.get('decoder.decoder_layers.0.weight')!.shape).toEqual([2, 16])
    expect(await model.transcribe([tones('a')])).toHaveLength(1)
    expect(() => model.changeLabels([])).toThrow(ConfigValidationError)
    const path = join(folder, 'changed.nemo')
    await model.saveTo(path)
    expect((await EncDecClassificationModel.restoreFrom<EncDecClassificationModel>(path)).labels).toEqual(['yes', 'no'])
  })
})

async function firstBatch(model: EncDecClassificationModel): Promise<unknown> {
  const { loader } = model.testLoaders[0]!
  const order = loader.order(0)[0]!
  const dataset = loader.dataset as never as {
    get(context: object): Promise<unknown>
    collate(samples: unknown[]): unknown
  }
  return dataset.collate(await Promise.all(order.map((index) => dataset.get({ seed: 0, epoch: 0, index }))))
}
