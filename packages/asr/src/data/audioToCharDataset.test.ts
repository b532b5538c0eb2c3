import { truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AudioArgumentError, AudioError, ManifestError, type ManifestRow, writeWav } from '@nemo/audio'
import { ConfigValidationError, DataLoader, validateConfig } from '@nemo/core'
import { describe, expect, it } from 'vitest'
import { scratchFolder, tinyLabels, tones, writeCorpus, writeTones } from '../../test/tinyRecogniser.js'
import { AsrError } from '../errors.js'
import { AudioToCharDataset } from './audioToCharDataset.js'
import { audioToCharConfigSchema, type FrameCount } from './audioToTextDataset.js'

const folder = await scratchFolder()
const manifest = await writeCorpus(join(folder, 'plain'), ['a', 'ab', 'abc', 'a b c'])

async function open(changes: Record<string, unknown> = {}, frames?: FrameCount): Promise<AudioToCharDataset> {
  const config = validateConfig(audioToCharConfigSchema, { manifest_filepath: manifest, sample_rate: 8000, ...changes })
  return AudioToCharDataset.open(config, tinyLabels, frames)
}

const context = (index: number, epoch = 0) => ({ seed: 7, epoch, index })

async function samples(dataset: AudioToCharDataset) {
  return Promise.all(Array.from({ length: dataset.length }, (_, i) => dataset.get(context(i))))
}

let corpora = 0
const corpus = (texts: readonly string[], more: readonly ManifestRow[]) =>
  writeCorpus(join(folder, `corpus${corpora++}`), texts, more)

describe('manifest filters', () => {
  it('max_duration, min_duration and max_utts leave entries out', async () => {
    expect((await open()).length).toBe(4)
    expect((await open({ max_duration: 0.5 })).length).toBe(2)
    expect((await open({ min_duration: 0.35 })).length).toBe(3)
    expect((await open({ max_utts: 3 })).length).toBe(3)
  })

  it('what they leave out is said once', async () => {
    const dataset = await open({ max_duration: 0.5 })
    expect(dataset.problems()).toEqual([expect.stringMatching(/^2 utterance\(s\).*0 too short, 2 too long/)])
    expect(dataset.problems()).toEqual([])
  })

  it('several manifests are joined, as a list or by comma', async () => {
    expect((await open({ manifest_filepath: [manifest, manifest] })).length).toBe(8)
    expect((await open({ manifest_filepath: `${manifest},${manifest}` })).length).toBe(8)
  })

  it('a bad line is an error that names its place, or is counted', async () => {
    const path = join(folder, 'bad.json')
    await writeFile(
      path,
      `{"audio_filepath": "${join(folder, 'plain/0.wav')}", "duration": 0.2, "text": "a"}\nno json\n`,
    )
    await expect(open({ manifest_filepath: path })).rejects.toThrow(ManifestError)
    await expect(open({ manifest_filepath: path })).rejects.toThrow(/bad\.json:2/)
    const dataset = await open({ manifest_filepath: path, on_bad_line: 'skip' })
    expect(dataset.length).toBe(1)
    expect(dataset.problems()[0]).toMatch(/^1 manifest line.*bad\.json:2/)
  })

  it('a manifest that is not there is named', async () => {
    await expect(open({ manifest_filepath: join(folder, 'none.json') })).rejects.toThrow(/none\.json/)
  })
})

describe('transcripts', () => {
  it('become ids of the labels, folded to lower case', async () => {
    const dataset = await open({
      manifest_filepath: await corpus(
        [],
        [{ audio_filepath: join(folder, 'plain/3.wav'), duration: 1, text: ' A b  C' }],
      ),
    })
    const sample = await dataset.get(context(0))
    expect(sample?.ids).toEqual([1, 0, 2, 0, 3])
    expect(sample?.info.text).toBe('a b c')
  })

  const strange = () => corpus(['a'], [{ audio_filepath: join(folder, 'plain/2.wav'), duration: 0.6, text: 'aéb!é' }])

  it('lose characters outside the labels, which are counted and said', async () => {
    const dataset = await open({ manifest_filepath: await strange() })
    const [, sample] = await samples(dataset)
    expect(sample?.info.text).toBe('ab')
    expect(dataset.problems()).toEqual([expect.stringMatching(/outside the labels.*"é" x2, "!" x1/)])
  })

  it('with characters outside the labels are an error that names the line, when asked', async () => {
    const dataset = await open({ manifest_filepath: await strange(), unknown_characters: 'error' })
    await expect(dataset.get(context(1))).rejects.toThrow(AsrError)
    await expect(dataset.get(context(1))).rejects.toThrow(/manifest\.json:2: .*"é".*NEMO_ASR_TRANSCRIPT/)
  })

  it('may be empty', async () => {
    const dataset = await open({
      manifest_filepath: await corpus([], [{ audio_filepath: join(folder, 'plain/0.wav'), duration: 0.2, text: '' }]),
    })
    const { arrays } = dataset.collate([(await dataset.get(context(0)))!])
    expect(arrays.transcripts).toEqual({ dtype: 'int64', shape: [1, 0], data: new BigInt64Array(0) })
    expect(arrays.transcriptLength!.data).toEqual(BigInt64Array.of(0n))
  })

  it('that are longer than their encoded audio are left out, counted and said', async () => {
    const dataset = await open({}, (count) => Math.floor(count / 1600))
    // One frame per label: enough for these texts, whose neighbours differ.
    expect((await samples(dataset)).every((sample) => sample !== undefined)).toBe(true)
    const tight = await open({}, (count) => Math.floor(count / 1600) - 1)
    expect((await samples(tight)).every((sample) => sample === undefined)).toBe(true)
    expect(tight.problems()).toEqual([expect.stringMatching(/^4 utterance.*infinite CTC loss.*1 labels need 1 frames/)])
  })
})

describe('audio that cannot be read', () => {
  const kinds: Readonly<Record<string, (path: string) => Promise<void>>> = {
    missing: async () => undefined,
    empty: (path) => writeFile(path, ''),
    truncated: async (path) => {
      await writeTones(path, 'abc')
      await truncate(path, 1000)
    },
    'not audio': (path) => writeFile(path, 'This is a letter, not a recording.'),
  }

  it.each(Object.entries(kinds))(
    '%s: is counted and said with its line, or an error with its path',
    async (kind, make) => {
      const audio = join(folder, `${kind}.wav`)
      await make(audio)
      const path = await corpus(['ab'], [{ audio_filepath: audio, duration: 0.6, text: 'abc' }])
      const dataset = await open({ manifest_filepath: path })
      const [good, bad] = await samples(dataset)
      expect(good).toBeDefined()
      expect(bad).toBeUndefined()
      expect(dataset.problems()).toEqual([expect.stringMatching(/^1 utterance\(s\) left out.*manifest\.json:2/)])
      const strict = await open({ manifest_filepath: path, on_bad_audio: 'error' })
      await expect(strict.get(context(1))).rejects.toThrow(AudioError)
      await expect(strict.get(context(1))).rejects.toThrow(audio)
    },
  )
})

describe('audio', () => {
  it('of another rate is resampled', async () => {
    const path = join(folder, 'fast.wav')
    await writeTones(path, 'ab', 16000)
    const dataset = await open({
      manifest_filepath: await corpus([], [{ audio_filepath: path, duration: 0.4, text: 'ab' }]),
    })
    const sample = await dataset.get(context(0))
    expect(sample?.samples.length).toBe(3200)
    const expected = tones('ab')
    const error = sample!.samples.map((value, t) => Math.abs(value - expected[t]!))
    // The tones begin and end abruptly; away from their edges the two agree.
    expect(Math.max(...error.subarray(600, 1500))).toBeLessThan(0.01)
  })

  it('loses its silence with trim_silence', async () => {
    const path = join(folder, 'rest.wav')
    const rest = new Float32Array(16000)
    rest.set(tones('a'), 8000)
    await writeWav(path, { sampleRate: 8000, channels: [rest] })
    const rested = await corpus([], [{ audio_filepath: path, duration: 2, text: 'a' }])
    const [sample] = await samples(await open({ manifest_filepath: rested, trim_silence: true }))
    expect(sample!.samples.length).toBeLessThan(6000)
    expect(sample!.samples.length).toBeGreaterThan(1200)
  })

  it('is varied as a function of seed, epoch and index alone', async () => {
    const augmentor = { white_noise: { prob: 1, min_level: -60, max_level: -30 }, gain: { prob: 0.5 } }
    const [first, second] = [await open({ augmentor }), await open({ augmentor })]
    const take = async (dataset: AudioToCharDataset, seed: number, epoch: number, index: number) =>
      (await dataset.get({ seed, epoch, index }))!.samples
    await take(first, 1, 0, 2)
    expect(await take(first, 7, 3, 1)).toEqual(await take(second, 7, 3, 1))
    expect(await take(first, 7, 3, 1)).not.toEqual(await take(first, 7, 4, 1))
    expect(await take(first, 7, 3, 1)).not.toEqual(await take(first, 8, 3, 1))
    const plain = await open()
    expect(await take(plain, 7, 3, 1)).toEqual(await take(plain, 8, 4, 1))
  })

  it('an unknown augmentation is refused when the set is opened', async () => {
    await expect(open({ augmentor: { echo: { prob: 1 } } })).rejects.toThrow(AudioArgumentError)
    await expect(open({ augmentor: { echo: { prob: 1 } } })).rejects.toThrow(/"echo"/)
  })
})

it('a batch has one row per utterance, padded to the longest', async () => {
  const dataset = await open({ pad_id: 9 })
  const all = (await samples(dataset)).map((sample) => sample!)
  const { arrays, samples: infos } = dataset.collate(all)
  expect(arrays.audioSignal!.shape).toEqual([4, 8000])
  expect(arrays.aSigLength!.data).toEqual(BigInt64Array.of(1600n, 3200n, 4800n, 8000n))
  expect(arrays.transcripts!.shape).toEqual([4, 5])
  expect(Array.from(arrays.transcripts!.data as BigInt64Array, Number).slice(5, 10)).toEqual([1, 2, 9, 9, 9])
  expect(arrays.transcriptLength!.data).toEqual(BigInt64Array.of(1n, 2n, 3n, 5n))
  expect(infos.map(({ text }) => text)).toEqual(['a', 'ab', 'abc', 'a b c'])
  expect((arrays.audioSignal!.data as Float32Array).subarray(1600, 8000).every((value) => value === 0)).toBe(true)
})

it('worker threads give the same batches and problems', async () => {
  const audio = join(folder, 'unreadable.wav')
  await writeFile(audio, '')
  const path = await corpus(['ab', 'a b', 'abc'], [{ audio_filepath: audio, duration: 0.6, text: 'é' }])
  const settings = { manifest_filepath: path, augmentor: { white_noise: { prob: 1, min_level: -60, max_level: -30 } } }
  // The second utterance has too many labels.
  const frames = (count: number) => Math.floor(count / 1600) - (count === 4800 ? 1 : 0)
  const collect = async (num_workers: number) => {
    const dataset = await open({ ...settings }, frames)
    const loader = new DataLoader(dataset, { batch_size: 2, num_workers, seed: 3 })
    const batches: unknown[] = []
    for await (const { batch } of loader.epoch(1)) batches.push(batch)
    for await (const { batch } of loader.epoch(0)) batches.push(batch)
    await loader.close()
    return { batches, problems: dataset.problems() }
  }
  const threaded = await collect(1)
  expect(threaded).toEqual(await collect(0))
  expect(threaded.batches).toHaveLength(4)
  expect(threaded.problems).toHaveLength(3)
})

it('sizes for bucketing are the durations of the manifest', async () => {
  const dataset = await open()
  expect([0, 1, 2, 3].map((index) => dataset.sizeOf(index))).toEqual([0.2, 0.4, expect.closeTo(0.6), 1])
})

it('settings of the wrong name or type are named', () => {
  const check = (config: object) => () => validateConfig(audioToCharConfigSchema, config, { source: 'train_ds' })
  expect(check({ manifest_filepath: 'm', batchsize: 4 })).toThrow(ConfigValidationError)
  expect(check({ manifest_filepath: 'm', batchsize: 4 })).toThrow(/train_ds[\s\S]*batchsize.*batch_size/)
  expect(check({ manifest_filepath: 'm', batch_size: 'many' })).toThrow(/batch_size.*"many"/)
  expect(check({})).toThrow(/manifest_filepath/)
})
