import { mkdtemp, readFile, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeAudio, loadManifest } from '@nemo/audio'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeFsddPretraining } from './fsddPretraining.js'
import { makeSpokenDigits, type SpokenDigitsCorpus, type SpokenDigitsOverrides } from './spokenDigits.js'
import { heldOutAccent, heldOutVariants, trainingVariants } from './voices.js'

let parent: string
let corpus: SpokenDigitsCorpus
const parameters: SpokenDigitsOverrides = {
  seed: 7,
  utterances: { train: 30, dev: 4, test: 8 },
  invented_speakers: 5,
  digits: [1, 4],
}
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'spoken-digits-'))
  corpus = await makeSpokenDigits({ dir: join(parent, 'digits'), parameters, workers: 2 })
})
afterAll(() => rm(parent, { recursive: true, force: true }))

describe('makeSpokenDigits', () => {
  it('writes manifests that NeMo data sets read, with digits as words', async () => {
    for (const [split, count] of Object.entries({ train: 30, dev: 4, test: 8 })) {
      const { entries } = await loadManifest(corpus.manifests[split as 'train'])
      expect(entries.length).toBe(count)
      for (const { text } of entries) {
        expect(text).toMatch(
          /^(zero|one|two|three|four|five|six|seven|eight|nine)( (zero|one|two|three|four|five|six|seven|eight|nine)){0,3}$/,
        )
      }
    }
  })

  it('writes 16 kHz mono 16-bit audio of the stated duration that is neither silent nor clipped', async () => {
    const rows = await readRows(corpus.manifests.train)
    for (const { audio_filepath, duration, text } of rows) {
      const bytes = await readFile(join(corpus.dir, audio_filepath))
      const { sampleRate, channels } = await decodeAudio(bytes)
      const samples = channels[0]!
      expect([sampleRate, channels.length, bytes.readUInt16LE(34)]).toEqual([16000, 1, 16])
      expect(samples.length / sampleRate).toBeCloseTo(duration, 3)
      expect(duration).toBeGreaterThan(0.1 * text.split(' ').length)
      const peak = samples.reduce((highest, sample) => Math.max(highest, Math.abs(sample)), 0)
      expect(peak).toBeGreaterThan(0.02)
      expect(peak).toBeLessThan(0.98)
    }
  })

  it('keeps the voices of dev and test, and one accent, out of training', async () => {
    const speakers = async (split: 'train' | 'dev' | 'test') =>
      new Set((await readRows(corpus.manifests[split])).map(({ speaker }) => speaker))
    const variants = (names: Set<string>) => new Set([...names].map((name) => name.split('+')[1]!))
    const train = await speakers('train')
    for (const split of ['dev', 'test'] as const) {
      const heldOut = await speakers(split)
      const allowed: readonly string[] = [...heldOutVariants[split].female, ...heldOutVariants[split].male]
      expect([...variants(heldOut)].filter((variant) => !allowed.includes(variant))).toEqual([])
      expect([...variants(heldOut)].filter((variant) => variants(train).has(variant))).toEqual([])
    }
    expect([...train].filter((name) => name.startsWith(heldOutAccent))).toEqual([])
    expect([...(await speakers('test'))].some((name) => name.startsWith(heldOutAccent))).toBe(true)
  })

  it('gives the same bytes in this thread as on workers, and others for another seed', async () => {
    const alone = await makeSpokenDigits({ dir: join(parent, 'alone'), parameters, workers: 0 })
    expect(alone.contentHash).toBe(corpus.contentHash)
    const small = { ...parameters, seed: 8, utterances: { train: 2, dev: 0, test: 0 } }
    const other = await makeSpokenDigits({ dir: join(parent, 'other'), parameters: small, workers: 0 })
    expect(other.files[0]!.sha256).not.toBe(corpus.files[0]!.sha256)
  })

  it('reuses the corpus, and rebuilds it once a file is cut', async () => {
    const again = { dir: corpus.dir, parameters, workers: 0 }
    expect((await makeSpokenDigits(again)).reused).toBe(true)
    await truncate(join(corpus.dir, 'wavs/test/000003.wav'), 100)
    const rebuilt = await makeSpokenDigits(again)
    expect(rebuilt).toMatchObject({ reused: false, rebuiltBecause: 'wavs/test/000003.wav was changed' })
    expect(rebuilt.contentHash).toBe(corpus.contentHash)
  })

  it('tells how far it is', async () => {
    const seen: number[][] = []
    await makeSpokenDigits({
      dir: join(parent, 'progress'),
      parameters: { ...parameters, utterances: { train: 26, dev: 1, test: 1 } },
      workers: 0,
      onProgress: (...counts) => seen.push(counts),
    })
    expect(seen).toEqual([
      [25, 28],
      [26, 28],
      [27, 28],
      [28, 28],
    ])
  })

  it.each([
    [{ digits: [0, 3] }, /key digits.0: .*>=1; found 0/],
    [{ digits: [3, 1] }, 'key digits: expected the lower number first; found [3,1]'],
    [{ utterances: { train: 1.5 } }, /key utterances.train: .*found 1.5/],
    [{ foreign_share: 2 }, /key foreign_share: .*<=1; found 2/],
    [{ acoustics: { snr_db: [30, 'x'] } }, /key acoustics.snr_db.1: .*found "x"/],
    [{ acoustics: { loudness: 3 } }, /key acoustics: .*"loudness"/],
  ])('refuses %j', async (wrong, message) => {
    await expect(makeSpokenDigits({ dir: join(parent, 'wrong'), parameters: wrong as object })).rejects.toThrow(message)
  })

  it('passes the error of a worker on', async () => {
    const missing = { dir: join(parent, 'digits', 'corpus.json', 'below'), parameters, workers: 1 }
    await expect(makeSpokenDigits(missing)).rejects.toThrow('ENOTDIR')
  })
})

describe('makeFsddPretraining', () => {
  it('has foreign accents and nothing above 4 kHz', async () => {
    const { manifests, dir } = await makeFsddPretraining({
      dir: join(parent, 'pretraining'),
      parameters: {
        utterances: { train: 12, dev: 0, test: 0 },
        foreign_share: 0.5,
        acoustics: { clean: 1, telephone: 0 },
      },
      workers: 0,
    })
    const rows = await readRows(manifests.train)
    expect(rows.some(({ speaker }) => !speaker.startsWith('en'))).toBe(true)
    const { channels } = await decodeAudio(await readFile(join(dir, rows[0]!.audio_filepath)))
    expect(shareAbove(channels[0]!, 4300)).toBeLessThan(1e-4)
  })
})

describe('voices', () => {
  it('are in one split only', () => {
    const all = [trainingVariants, heldOutVariants.dev, heldOutVariants.test].flatMap(({ female, male }) => [
      ...female,
      ...male,
    ])
    expect(new Set(all).size).toBe(all.length)
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

/** Part of the power above a frequency, of 16 kHz audio, by a discrete Fourier transform of 1,024 samples from the middle. */
function shareAbove(samples: Float32Array, hz: number): number {
  const size = 1024
  const start = Math.floor((samples.length - size) / 2)
  let [above, all] = [0, 0]
  for (let bin = 0; bin < size / 2; bin++) {
    let [re, im] = [0, 0]
    for (let t = 0; t < size; t++) {
      const windowed = samples[start + t]! * (1 - Math.cos((2 * Math.PI * t) / size))
      re += windowed * Math.cos((2 * Math.PI * bin * t) / size)
      im += windowed * Math.sin((2 * Math.PI * bin * t) / size)
    }
    all += re * re + im * im
    if ((bin * 16000) / size > hz) above += re * re + im * im
  }
  return above / all
}
