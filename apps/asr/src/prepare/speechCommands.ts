import { mkdir, readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { readAudio, writeWav } from '@nemo/audio'
import { RandomGenerator } from '@nemo/core'
import { CorpusFolderError } from '../corpus/errors.js'
import { fetchArchive } from './fetchArchive.js'
import { type CorpusFile, manifestOfFiles } from './manifestOfFiles.js'
import { archiveOf, type Preparation } from './preparation.js'

/** What of Speech Commands is wanted. */
export interface SpeechCommandsChoice {
  readonly version: 1 | 2
  /** All 30 or 35 words, or ten of them with `unknown` for the others and `silence`. */
  readonly classes: 'all' | 'sub'
  /** Repeat utterances of rarer classes of the training set until all have as many. */
  readonly rebalance: boolean
  /** Of the archive; default the published one (torchaudio's list). */
  readonly sha256?: string | undefined
}

/** SHA-256 of the archives. */
export const speechCommandsChecksums = {
  1: '743935421bb51cccdb6bdd152e04c5c70274e935c82119ad7faeec31780d811d',
  2: 'af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58',
} as const

const subset = ['yes', 'no', 'up', 'down', 'left', 'right', 'on', 'off', 'stop', 'go']
// Shares of silence and of other words beside the ten, of all utterances of the ten.
const EXTRA_SHARE = 0.1
const SAMPLE_RATE = 16000

interface Spoken extends CorpusFile {
  readonly command: string
}

type Splits = Record<'train' | 'validation' | 'test', Spoken[]>

/**
 * Downloads Speech Commands and writes `train_manifest.json`, `validation_manifest.json` and `test_manifest.json` into its
 * folder `google_speech_recognition_vN`. Which utterance belongs where is the publisher's list.
 *
 * @returns the manifests' paths.
 *
 * Source: Warden 2018; NeMo's `process_speech_commands_data.py`.
 */
export async function prepareSpeechCommands(preparation: Preparation, choice: SpeechCommandsChoice): Promise<string[]> {
  const { version, classes, rebalance, sha256 = speechCommandsChecksums[version] } = choice
  const folder = join(preparation.dataRoot, `google_speech_recognition_v${version}`)
  const url = `https://storage.googleapis.com/download.tensorflow.org/data/speech_commands_v0.0${version}.tar.gz`
  await fetchArchive(archiveOf(preparation, { url, sha256, dir: folder }))
  const all = await splitsOf(folder)
  const splits = classes === 'all' ? all : await tenWords(all, folder)
  if (rebalance) splits.train = balanced(splits.train)
  const manifests: string[] = []
  for (const set of ['train', 'validation', 'test'] as const)
    manifests.push(await manifestOfFiles(join(folder, `${set}_manifest.json`), splits[set], preparation))
  return manifests
}

async function splitsOf(folder: string): Promise<Splits> {
  const listed = async (name: string) =>
    new Set((await readFile(join(folder, name), 'utf8')).split('\n').map((line) => line.trim()))
  const [validation, test] = [await listed('validation_list.txt'), await listed('testing_list.txt')]
  const splits: Splits = { train: [], validation: [], test: [] }
  const words = (await readdir(folder, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('_') && entry.name !== 'silence')
    .map(({ name }) => name)
    .sort()
  for (const command of words) {
    for (const name of (await readdir(join(folder, command))).filter((each) => each.endsWith('.wav')).sort()) {
      const key = `${command}/${name}`
      const set = test.has(key) ? 'test' : validation.has(key) ? 'validation' : 'train'
      splits[set].push({ audio_filepath: join(folder, command, name), command })
    }
  }
  if (splits.train.length === 0) throw new CorpusFolderError(`${folder}: expected folders of words, found none.`)
  return splits
}

async function tenWords(all: Splits, folder: string): Promise<Splits> {
  const random = RandomGenerator.forKey(0, 0x5c)
  const noises = (await readdir(join(folder, '_background_noise_'))).filter((name) => name.endsWith('.wav')).sort()
  if (noises.length === 0) throw new CorpusFolderError(`${folder}: _background_noise_ has no wav files.`)
  await mkdir(join(folder, 'silence'), { recursive: true })
  const recordings = await Promise.all(
    noises.map(async (name) => ({
      name: basename(name, '.wav'),
      samples: (await readAudio(join(folder, '_background_noise_', name), { sampleRate: SAMPLE_RATE })).samples,
    })),
  )
  const splits: Splits = { train: [], validation: [], test: [] }
  for (const set of ['train', 'validation', 'test'] as const) {
    const known = all[set].filter(({ command }) => subset.includes(command))
    const extra = Math.ceil(EXTRA_SHARE * known.length)
    const others = random.shuffle(all[set].filter(({ command }) => !subset.includes(command))).slice(0, extra)
    const silence: Spoken[] = []
    for (let i = 0; i < extra; i++) {
      const { name, samples } = recordings[random.integer(recordings.length)]!
      const length = Math.min(SAMPLE_RATE, samples.length)
      const start = random.integer(samples.length - length + 1)
      const gain = random.uniform()
      const path = join(folder, 'silence', `${set}_${i}_${name}.wav`)
      const channel = samples.slice(start, start + length).map((sample) => sample * gain)
      await writeWav(path, { sampleRate: SAMPLE_RATE, channels: [channel] })
      silence.push({ audio_filepath: path, command: 'silence' })
    }
    splits[set] = [...known, ...silence, ...others.map((other) => ({ ...other, command: 'unknown' }))]
  }
  return splits
}

function balanced(files: readonly Spoken[]): Spoken[] {
  const classes = new Map<string, Spoken[]>()
  for (const file of files) {
    const known = classes.get(file.command)
    if (known) known.push(file)
    else classes.set(file.command, [file])
  }
  const most = Math.max(...[...classes].flatMap(([name, each]) => (name === 'unknown' ? [] : [each.length])))
  return [...classes.values()].flatMap((each) =>
    Array.from({ length: Math.max(most, each.length) }, (_, i) => each[i % each.length]!),
  )
}
