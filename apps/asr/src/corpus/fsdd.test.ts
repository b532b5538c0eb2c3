import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeWav, loadManifest, readAudio } from '@nemo/audio'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadFsdd } from './fsdd.js'
import { fsddSplits, prepareFsdd } from './fsddCorpus.js'

const indices = [0, 1, 5, 7]
let parent: string
let dataDir: string

/** A tone stands for a recording: each digit has its pitch, each speaker a length. */
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'fsdd-'))
  dataDir = join(parent, 'data')
  await mkdir(join(dataDir, 'recordings'), { recursive: true })
  for (const [speaker, length] of [
    ['ann', 2000],
    ['bob', 3000],
    ['eve', 2500],
  ] as const) {
    for (let digit = 0; digit < 10; digit++) {
      for (const index of indices) {
        const step = (2 * Math.PI * (300 + 100 * digit)) / 8000
        const samples = Float32Array.from({ length: length + index }, (_, t) => 0.3 * Math.sin(step * t))
        const bytes = encodeWav({ sampleRate: 8000, channels: [samples] })
        await writeFile(join(dataDir, 'recordings', `${digit}_${speaker}_${index}.wav`), bytes)
      }
    }
  }
})
afterAll(() => rm(parent, { recursive: true, force: true }))

describe('loadFsdd', () => {
  it('finds digit, speaker, index and the official split in the file names', async () => {
    const { recordings, speakers, ignored } = await loadFsdd(dataDir)
    expect(speakers).toEqual(['ann', 'bob', 'eve'])
    expect(recordings.length).toBe(120)
    expect(ignored).toEqual([])
    expect(recordings.filter(({ split }) => split === 'test').every(({ index }) => index <= 4)).toBe(true)
    expect(recordings.find(({ path }) => path.endsWith('7_bob_7.wav'))).toMatchObject({
      digit: 7,
      speaker: 'bob',
      index: 7,
      split: 'train',
    })
  })

  it('takes the folder of recordings itself or one above a release', async () => {
    expect((await loadFsdd(join(dataDir, 'recordings'))).recordings.length).toBe(120)
    expect((await loadFsdd(parent)).recordings.length).toBe(120)
  })

  it('names files that it leaves out', async () => {
    const path = join(dataDir, 'recordings', 'notes.txt')
    await writeFile(path, '')
    expect((await loadFsdd(dataDir)).ignored).toEqual(['notes.txt'])
    await rm(path)
  })

  it('says what it expects of a folder without recordings, a missing one and an incomplete one', async () => {
    const empty = join(parent, 'empty')
    await mkdir(empty)
    await expect(loadFsdd(empty)).rejects.toThrow('expected recordings/{digit}_{speaker}_{index}.wav')
    await expect(loadFsdd(join(parent, 'nowhere'))).rejects.toThrow('as --data_dir')
    await writeFile(join(empty, '3_ann_0.wav'), '')
    await expect(loadFsdd(empty)).rejects.toThrow('ann has no train recordings')
  })
})

describe('prepareFsdd', () => {
  const small = { joined: { train: 8, dev: 3, test: 5 } }

  it('divides by the official split and joins recordings of one speaker', async () => {
    const corpus = await prepareFsdd({ dataDir, dir: join(parent, 'all'), parameters: small })
    const [train, dev, test, joined] = await Promise.all(fsddSplits.map((split) => readRows(corpus.manifests[split])))
    expect([train!.length, dev!.length, test!.length, joined!.length]).toEqual([30 + 8, 30 + 3, 60, 5])
    expect(test!.every(({ audio_filepath }) => /\d_\w+_[01]\.wav$/.test(audio_filepath))).toBe(true)
    expect(joined!.every(({ text }) => text.split(' ').length >= 2 && text.split(' ').length <= 7)).toBe(true)
    for (const split of fsddSplits) {
      expect((await loadManifest(corpus.manifests[split])).entries.length).toBeGreaterThan(0)
    }
  })

  it('joins what the transcript says: each digit its tone, in order', async () => {
    const corpus = await prepareFsdd({ dataDir, dir: join(parent, 'all'), parameters: small })
    expect(corpus.reused).toBe(true)
    const words = 'zero one two three four five six seven eight nine'.split(' ')
    for (const { audio_filepath, text, speaker, duration } of await readRows(corpus.manifests.test_joined)) {
      const { samples, sampleRate } = await readAudio(join(corpus.dir, audio_filepath))
      expect(sampleRate).toBe(16000)
      expect(samples.length / sampleRate).toBeCloseTo(duration, 3)
      const digits = text.split(' ').map((word) => words.indexOf(word))
      const seconds = { ann: 0.25, bob: 0.375, eve: 0.3125 }[speaker]!
      expect(duration).toBeGreaterThanOrEqual(seconds * digits.length)
      expect(tonesOf(samples, sampleRate)).toEqual(digits.filter((digit, at) => digit !== digits[at - 1]))
    }
  })

  it('leaves a held-out speaker to the test set alone', async () => {
    const parameters = { ...small, holdout: 'bob', sample_rate: 8000 }
    const corpus = await prepareFsdd({ dataDir, dir: join(parent, 'bob'), parameters })
    const speakers = async (split: 'train' | 'dev' | 'test' | 'test_joined') =>
      [...new Set((await readRows(corpus.manifests[split])).map(({ speaker }) => speaker))].sort()
    expect(await speakers('train')).toEqual(['ann', 'eve'])
    expect(await speakers('dev')).not.toContain('bob')
    expect(await speakers('test')).toEqual(['bob'])
    expect(await speakers('test_joined')).toEqual(['bob'])
    expect((await readRows(corpus.manifests.test)).length).toBe(40)
  })

  it('adds augmented copies to training only', async () => {
    const parameters = { ...small, copies: 2 }
    const corpus = await prepareFsdd({ dataDir, dir: join(parent, 'copies'), parameters })
    const train = await readRows(corpus.manifests.train)
    expect(train.length).toBe(2 * 38)
    expect((await readRows(corpus.manifests.dev)).length).toBe(33)
    expect(new Set(corpus.files.map(({ sha256 }) => sha256)).size).toBe(corpus.files.length)
  })

  it('gives the same bytes for the same seed', async () => {
    const first = await prepareFsdd({ dataDir, dir: join(parent, 'first'), parameters: { ...small, copies: 2 } })
    const second = await prepareFsdd({ dataDir, dir: join(parent, 'second'), parameters: { ...small, copies: 2 } })
    expect(second.contentHash).toBe(first.contentHash)
  })

  it('rebuilds when a recording changes', async () => {
    const path = join(dataDir, 'recordings', '0_ann_5.wav')
    const bytes = await readFile(path)
    await prepareFsdd({ dataDir, dir: join(parent, 'changing'), parameters: small })
    await writeFile(path, encodeWav({ sampleRate: 8000, channels: [new Float32Array(2500).fill(0.1)] }))
    const rebuilt = await prepareFsdd({ dataDir, dir: join(parent, 'changing'), parameters: small })
    await writeFile(path, bytes)
    expect(rebuilt).toMatchObject({ reused: false, rebuiltBecause: 'its parameters are others' })
  })

  it('names a damaged recording', async () => {
    const path = join(dataDir, 'recordings', '0_ann_5.wav')
    const bytes = await readFile(path)
    await writeFile(path, 'no audio')
    await expect(prepareFsdd({ dataDir, dir: join(parent, 'damaged') })).rejects.toThrow('0_ann_5.wav')
    await writeFile(path, bytes)
  })

  it.each([
    [{ holdout: 'zoe' }, '"zoe" is no speaker of'],
    [{ dev_indices: [3] }, /key dev_indices.0: .*found 3/],
    [{ copies: 0 }, /key copies: .*found 0/],
    [{ joined_digits: [4, 2] }, 'key joined_digits: expected the lower number first; found [4,2]'],
    [{ holdOut: 'bob' }, /"holdOut"/],
  ])('refuses %j', async (parameters, message) => {
    await expect(
      prepareFsdd({ dataDir, dir: join(parent, 'wrong'), parameters: parameters as object }),
    ).rejects.toThrow(message)
  })
})

interface Row {
  audio_filepath: string
  duration: number
  text: string
  speaker: string
}

async function readRows(path: string): Promise<Row[]> {
  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n')
  return lines.map((line) => JSON.parse(line) as Row)
}

/** The digits of the tones in a string, equal neighbours told once, by the zero crossings of 50 ms windows. */
function tonesOf(samples: Float32Array, sampleRate: number): number[] {
  const frame = Math.round(0.05 * sampleRate)
  const found: number[] = []
  let previous = -1
  for (let start = 0; start + frame <= samples.length; start += frame) {
    let crossings = 0
    let power = 0
    for (let t = start + 1; t < start + frame; t++) {
      if (samples[t - 1]! < 0 && samples[t]! >= 0) crossings++
      power += samples[t]! ** 2
    }
    const digit = power / frame < 0.002 ? -1 : Math.round((crossings / 0.05 - 300) / 100)
    // A window that lies over two digits shows neither: a digit must show twice in a row.
    if (digit >= 0 && digit === previous && found.at(-1) !== digit) found.push(digit)
    previous = digit
  }
  return found
}
