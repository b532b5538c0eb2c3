import { mkdir, readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { seedInitialisation, Trainer } from '@nemo/core'
import { describe, expect, it } from 'vitest'
import { scratchFolder, tinyConfig, writeCorpus, writeTones } from '../../test/tinyRecogniser.js'
import { EncDecCTCModel } from '../index.js'
import { FeatureCache } from './featureCache.js'

const folder = await scratchFolder()
const manifest = await writeCorpus(join(folder, 'corpus'), ['ab', 'ba', 'c', 'abc'])
const model = new EncDecCTCModel(tinyConfig())
const feature_cache_dir = join(folder, 'features')
const section = { manifest_filepath: manifest, batch_size: 2, feature_cache_dir }
const files = async () =>
  (await readdir(feature_cache_dir, { recursive: true })).filter((name) => name.endsWith('.features'))

async function batches(change: object = {}, of = model) {
  const loader = await of.createDataLoader({ ...section, ...change }, 'train')
  const made = []
  for await (const { batch } of loader.epoch(0)) made.push(batch!.arrays)
  await loader.close()
  return made
}

describe('cached features', () => {
  it('are those of the audio, computed once, in worker threads too', async () => {
    const first = await batches()
    expect(await files()).toHaveLength(4)
    const written = await Promise.all((await files()).map((name) => readFile(join(feature_cache_dir, name))))
    expect(await batches({ num_workers: 2 })).toEqual(first)
    expect(await Promise.all((await files()).map((name) => readFile(join(feature_cache_dir, name))))).toEqual(written)
    const { processedSignal, processedSignalLength } = first[0]!
    const [plain] = await batches({ feature_cache_dir: null })
    const { processedSignal: want, processedLength } = await model.preprocessor.run({
      inputSignal: plain!.audioSignal!,
      length: plain!.aSigLength!,
    })
    expect(processedSignalLength!.data).toEqual(processedLength!.data)
    expect(processedSignal!.shape).toEqual(want!.shape)
    const [got, wanted] = [processedSignal!.data as Float32Array, want!.data as Float32Array]
    expect(got.every((value, i) => Math.abs(value - wanted[i]!) < 2e-3)).toBe(true)
  })

  it('train and validate', async () => {
    seedInitialisation(1)
    const trained = new EncDecCTCModel(tinyConfig())
    await trained.setupTrainingData(section)
    await trained.setupValidationData({ ...section, batch_size: 4 })
    const trainer = new Trainer({ max_epochs: 1, num_sanity_val_steps: 0 })
    expect((await trainer.fit(trained)).status).toBe('finished')
    const metrics = await trainer.validate(trained)
    expect(Object.values(metrics).every(Number.isFinite)).toBe(true)
  })

  it('are made anew when the recording or the preprocessor changes, and when a file was cut short', async () => {
    const before = (await files()).length
    await truncate(join(feature_cache_dir, (await files())[0]!), 50)
    const again = await batches()
    expect(again).toEqual(await batches())
    expect((await files()).length).toBe(before)
    const recording = join(folder, 'corpus', '0.wav')
    await writeTones(recording, 'cc')
    await utimes(recording, 1, 1)
    expect((await batches())[0]!.processedSignal).not.toEqual(again[0]!.processedSignal)
    expect((await files()).length).toBe(before + 1)
    const config = tinyConfig()
    ;(config.preprocessor as Record<string, unknown>).preemph = 0.5
    await batches({}, new EncDecCTCModel(config))
    expect((await files()).length).toBe(before + 5)
  })

  it('cannot be had of what changes waveforms', async () => {
    const augmentor = { gain: { prob: 1, min_gain_dbfs: 0, max_gain_dbfs: 1 } }
    await expect(batches({ augmentor })).rejects.toThrow(/feature_cache_dir.*augmentor/)
  })
})

it('processes that make one file at the same time leave it whole', async () => {
  const dir = join(folder, 'shared')
  await mkdir(dir)
  const file = join(dir, 'recording')
  await writeFile(file, 'x')
  const make = async (value: number) => ({ size: 2, frames: 3, data: new Float32Array(6).fill(value) })
  const caches = [1, 2, 3].map(() => new FeatureCache(join(dir, 'cache'), { a: 1 }))
  await Promise.all(caches.map((cache, i) => cache.get(file, null, () => make(i))))
  const kept = await caches[0]!.get(file, null, () => Promise.reject(new Error('made again')))
  expect(new Set(kept!.data).size).toBe(1)
  await rm(file)
  expect((await caches[0]!.get(file, null, () => make(9)))!.data[0]).toBe(9)
})
