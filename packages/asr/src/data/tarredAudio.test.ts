import { execFileSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeManifest } from '@nemo/audio'
import { ConcatDataset, type DataLoader, loadYaml } from '@nemo/core'
import { describe, expect, it } from 'vitest'
import { scratchFolder, tinyConfig, tinyLabels, tones, writeCorpus } from '../../test/tinyRecogniser.js'
import {
  AudioToCharDataset,
  audioToCharConfigSchema,
  convertToTarredAudioDataset,
  EncDecCTCModel,
  expandBraces,
  shardPaths,
  type TarredSettings,
  type UtteranceInfo,
} from '../index.js'

const folder = await scratchFolder()
const texts = ['ab', 'ba', 'c', 'abc', 'cab', 'a', 'b', 'ac', 'bc', 'ca', 'aa b']
const manifest = await writeCorpus(join(folder, 'corpus'), texts)
const target_dir = join(folder, 'tarred')
const made = await convertToTarredAudioDataset({ manifest_path: manifest, target_dir, num_shards: 3, workers: 2 })
const rowsOf = async (path: string) =>
  (await readFile(path, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
const tarred = {
  manifest_filepath: made.manifest,
  is_tarred: true,
  tarred_audio_filepaths: join(target_dir, 'audio__OP_0..2_CL_.tar'),
  sample_rate: 8000,
}

async function epochOf(loader: DataLoader, epoch = 0) {
  const batches: { texts: string[]; signals: Float32Array }[] = []
  for await (const { batch } of loader.epoch(epoch))
    batches.push({
      texts: (batch!.samples as readonly UtteranceInfo[]).map(({ text }) => text),
      signals: batch!.arrays.audioSignal!.data as Float32Array,
    })
  return batches
}

describe('expandBraces', () => {
  it.each([
    ['audio_{0..3}.tar', ['audio_0.tar', 'audio_1.tar', 'audio_2.tar', 'audio_3.tar']],
    ['audio__OP_08..10_CL_.tar', ['audio_08.tar', 'audio_09.tar', 'audio_10.tar']],
    ['{b..a}/x(1,2)', ['b/x1', 'b/x2', 'a/x1', 'a/x2']],
    ['a<1,b[2..3]>', ['a1', 'ab2', 'ab3']],
    ['{2..0}', ['2', '1', '0']],
    ['plain.tar', ['plain.tar']],
  ])('%s', (pattern, want) => {
    expect(expandBraces(pattern)).toEqual(want)
  })

  it.each(['a{1', 'a}', 'x{1..b}', '{0..99999999}', '{0..9999}{0..9999}'])('%s is refused', (pattern) => {
    expect(() => expandBraces(pattern)).toThrow(/tarred_audio_filepaths/)
  })
})

describe('shards of a process', () => {
  const settings: TarredSettings = {
    tarred_audio_filepaths: ['a_{0..5}.tar,b.tar'],
    tarred_shard_strategy: 'scatter',
    global_rank: 1,
    world_size: 2,
  }

  it('scattered, each has an equal part', () => {
    expect(shardPaths(settings)).toEqual(['a_3.tar', 'a_4.tar', 'a_5.tar'])
    expect(shardPaths({ ...settings, tarred_shard_strategy: 'replicate' })).toHaveLength(7)
    expect(
      shardPaths({ ...settings, world_size: 1, global_rank: 0, tarred_audio_filepaths: [['x.tar'], ['y_{a,b}.tar']] }),
    ).toEqual(['x.tar', 'y_a.tar', 'y_b.tar'])
  })

  it.each([
    [{ world_size: 9 }, /9, found 7.*replicate/],
    [{ global_rank: 2 }, /global_rank.*2/],
    [{ tarred_audio_filepaths: null }, /found none/],
  ])('%o is refused', (change, message) => {
    expect(() => shardPaths({ ...settings, ...change } as TarredSettings)).toThrow(message)
  })
})

describe('convertToTarredAudioDataset', () => {
  it('gives archives that tar lists, of equal numbers, and their manifest', async () => {
    expect(made).toMatchObject({ samples: 9, leftOver: 2, filtered: 0 })
    const listed = made.archives.map((path) =>
      execFileSync('tar', ['tf', path], { encoding: 'utf8' }).trim().split('\n'),
    )
    const rows = await rowsOf(made.manifest)
    expect(rows.map(({ text, shard_id }) => [text, shard_id])).toEqual(
      texts.slice(0, 9).map((text, i) => [text, Math.floor(i / 3)]),
    )
    expect(rows.map(({ audio_filepath }) => audio_filepath)).toEqual(listed.flat())
    expect(loadYaml(made.metadata)).toMatchObject({
      version: 0,
      num_samples_per_shard: 3,
      dataset_config: { num_shards: 3, shuffle: false },
    })
  })

  it('adds other manifests to a dataset, in archives of the same size, with the history', async () => {
    const added = await convertToTarredAudioDataset({
      manifest_path: made.manifest,
      metadata_path: made.metadata,
      concat_manifest_paths: [manifest],
      target_dir,
      num_shards: 3,
      shuffle: true,
      shuffle_seed: 5,
    })
    expect(added.archives.map((path) => path.slice(target_dir.length + 1))).toEqual([
      'audio_3.tar',
      'audio_4.tar',
      'audio_5.tar',
    ])
    const rows = await rowsOf(added.manifest)
    expect(rows).toHaveLength(18)
    expect(rows.slice(0, 9)).toEqual(await rowsOf(made.manifest))
    expect(rows.slice(9).map(({ text }) => text)).not.toEqual(texts.slice(0, 9))
    expect(loadYaml(added.metadata)).toMatchObject({
      version: 1,
      is_concatenated_manifest: true,
      history: [{ version: 0 }],
    })
  })

  it('leaves out what is too short or too long', async () => {
    const options = { manifest_path: manifest, target_dir: join(folder, 'filtered'), num_shards: 1 }
    const { samples, filtered } = await convertToTarredAudioDataset({
      ...options,
      min_duration: 0.3,
      max_duration: 0.5,
    })
    expect([samples, filtered]).toEqual([5, 6])
    await expect(convertToTarredAudioDataset({ ...options, min_duration: 9 })).rejects.toThrow(/num_shards.*0 entries/)
    await expect(convertToTarredAudioDataset({ ...options, num_shards: 0 })).rejects.toThrow(/num_shards/)
  })

  it('two parts of one file are packed once, and files of one name apart', async () => {
    const rows = [
      { audio_filepath: join(folder, 'corpus', '3.wav'), duration: 0.2, text: 'a', offset: 0 },
      { audio_filepath: join(folder, 'corpus', '3.wav'), duration: 0.2, text: 'b', offset: 0.2 },
    ]
    const parts = join(folder, 'parts.json')
    await writeManifest(parts, rows)
    const { archives, manifest: of } = await convertToTarredAudioDataset({
      manifest_path: parts,
      target_dir: join(folder, 'parts'),
      num_shards: 1,
    })
    expect(execFileSync('tar', ['tf', archives[0]!], { encoding: 'utf8' }).trim().split('\n')).toHaveLength(1)
    const config = audioToCharConfigSchema.parse({ ...tarred, manifest_filepath: of, tarred_audio_filepaths: archives })
    const dataset = await AudioToCharDataset.open(config, tinyLabels)
    const second = await dataset.get({ seed: 0, epoch: 0, index: 1 })
    const want = tones('abc').subarray(1600, 3200)
    expect(second!.samples.length).toBe(want.length)
    for (const [i, sample] of want.entries()) expect(Math.abs(second!.samples[i]! - sample)).toBeLessThan(1e-4)
  })
})

describe('training data in archives', () => {
  const model = new EncDecCTCModel(tinyConfig())

  it('is the data that was packed, archive by archive', async () => {
    const loader = await model.createDataLoader({ ...tarred, batch_size: 2 }, 'validation')
    const batches = await epochOf(loader)
    expect(loader.length).toBe(6)
    // One batch of each archive in turn.
    expect(batches.map((batch) => batch.texts.join())).toEqual(['ab,ba', 'abc,cab', 'b,ac', 'c', 'a', 'bc'])
    const plain = await epochOf(
      await model.createDataLoader({ manifest_filepath: manifest, sample_rate: 8000, batch_size: 2 }, 'validation'),
    )
    expect(batches[0]!.signals).toEqual(plain[0]!.signals)
  })

  it('is shuffled within archives, in another order each epoch, the same in worker threads', async () => {
    const section = { ...tarred, batch_size: 3, shuffle: true, shuffle_n: 3 }
    const loader = await model.createDataLoader(section, 'train')
    const [first, second] = [await epochOf(loader, 0), await epochOf(loader, 1)]
    expect(first.map((batch) => batch.texts)).not.toEqual(second.map((batch) => batch.texts))
    expect(first.map((batch) => [...batch.texts].sort())).toEqual(second.map((batch) => [...batch.texts].sort()))
    const threaded = await model.createDataLoader({ ...section, num_workers: 2 }, 'train')
    expect(await epochOf(threaded, 1)).toEqual(second)
    await threaded.close()
  })

  it('archives that are missing, damaged or belong to another manifest are refused', async () => {
    const open = (change: object) => model.createDataLoader({ ...tarred, ...change }, 'train')
    await expect(open({ tarred_audio_filepaths: join(folder, 'none_{0..1}.tar') })).rejects.toThrow(/none_0.tar/)
    const bad = join(folder, 'bad.tar')
    await writeFile(bad, new Uint8Array(2000).fill(7))
    await expect(open({ tarred_audio_filepaths: bad })).rejects.toThrow(/bad.tar.*damaged/)
    const other = await writeCorpus(join(folder, 'other'), ['a'])
    await writeManifest(other, [{ audio_filepath: 'elsewhere.wav', duration: 1, text: 'a' }])
    await expect(open({ manifest_filepath: other })).rejects.toThrow(/belong together/)
    await expect(open({ bucketing: 2 })).rejects.toThrow(/bucketing.*is_tarred/)
  })
})

describe('mixed manifests', () => {
  const model = new EncDecCTCModel(tinyConfig())

  it('appear in their shares, all utterances of one before any comes again', async () => {
    const [many, few] = [
      await writeCorpus(join(folder, 'many'), new Array(30).fill('a')),
      await writeCorpus(join(folder, 'few'), ['b', 'bb', 'bc']),
    ]
    const section = {
      manifest_filepath: [many, few],
      sample_rate: 8000,
      batch_size: 11,
      shuffle: true,
      is_concat: true,
      concat_sampling_technique: 'random',
      concat_sampling_probabilities: [1, 3],
    }
    const loader = await model.createDataLoader(section, 'train')
    expect(loader.dataset).toBeInstanceOf(ConcatDataset)
    const heard = (await epochOf(loader)).flatMap((batch) => batch.texts)
    expect(heard).toHaveLength(33)
    const counts = ['b', 'bb', 'bc'].map((text) => heard.filter((each) => each === text).length)
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)
    expect(counts.reduce((a, b) => a + b)).toBeGreaterThan(17)
    expect((await epochOf(loader, 1)).flatMap((batch) => batch.texts)).not.toEqual(heard)
    const threaded = await model.createDataLoader({ ...section, num_workers: 2 }, 'train')
    expect((await epochOf(threaded)).flatMap((batch) => batch.texts)).toEqual(heard)
    await threaded.close()
    await expect(model.createDataLoader({ ...section, concat_sampling_probabilities: [1] }, 'train')).rejects.toThrow(
      /2 numbers/,
    )
  })
})

it('an indexed manifest gives the batches of one in memory, and leaves lines out that cannot be used', async () => {
  const model = new EncDecCTCModel(tinyConfig())
  const lines = await readFile(manifest, 'utf8')
  const path = join(folder, 'corpus', 'with-bad-line.json')
  await writeFile(path, `${lines}{"audio_filepath": 5, "duration": 1, "text": ""}\n`)
  const section = {
    manifest_filepath: path,
    sample_rate: 8000,
    batch_size: 4,
    shuffle: true,
    bucketing: 2,
    on_bad_line: 'skip',
  }
  const loader = await model.createDataLoader({ ...section, manifest_index: true, num_workers: 1 }, 'validation')
  const heard = (await epochOf(loader)).flatMap((batch) => batch.texts)
  expect([...heard].sort()).toEqual([...texts].sort())
  expect((loader.dataset.problems?.() ?? []).join()).toMatch(/with-bad-line.json:12.*audio/)
  await loader.close()
  const whole = { ...section, manifest_filepath: manifest }
  const [indexed, loaded] = await Promise.all(
    [true, false].map(async (manifest_index) =>
      epochOf(await model.createDataLoader({ ...whole, manifest_index }, 'validation')),
    ),
  )
  expect(indexed).toEqual(loaded)
  await expect(
    epochOf(await model.createDataLoader({ ...section, manifest_index: true, on_bad_line: 'error' }, 'validation')),
  ).rejects.toThrow(/with-bad-line.json:12/)
})
