import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { CorpusFolderError } from './errors.js'

/** One recording of the Free Spoken Digit Dataset: one digit, one person, mono 8 kHz, hardly any silence around it. */
export interface FsddRecording {
  path: string
  /** 0 to 9. */
  digit: number
  speaker: string
  /** 0 to 49 for each digit and speaker. */
  index: number
  /** The official split: index 0 to 4 is the test set. */
  split: 'train' | 'test'
}

/** The data set as found in a folder. */
export interface Fsdd {
  /** The folder that holds the recordings. */
  dir: string
  /** In the order of speaker, digit, index. */
  recordings: FsddRecording[]
  /** Sorted. */
  speakers: string[]
  /** Files in the folder whose names are not `{digit}_{speaker}_{index}.wav`; they are left out. */
  ignored: string[]
}

const recordingName = /^(\d)_([A-Za-z][A-Za-z0-9-]*)_(\d+)\.wav$/
const testIndices = 5

/**
 * Finds the recordings of the Free Spoken Digit Dataset.
 *
 * @param dir - The data set's folder (with `recordings/` in it), the `recordings` folder itself, or a folder that holds one
 *   unpacked release (`free-spoken-digit-dataset-1.0.10/recordings`).
 * @throws CorpusFolderError when there are no recordings, or a speaker lacks a digit in the training or test part.
 *
 * Source: github.com/Jakobovski/free-spoken-digit-dataset, CC BY-SA 4.0.
 */
export async function loadFsdd(dir: string): Promise<Fsdd> {
  const folder = await findRecordings(dir)
  const names = (await readdir(folder)).sort()
  const recordings: FsddRecording[] = []
  const ignored: string[] = []
  for (const name of names) {
    const [, digit, speaker, index] = recordingName.exec(name) ?? []
    if (digit === undefined || speaker === undefined || index === undefined) {
      if (!name.startsWith('.')) ignored.push(name)
      continue
    }
    recordings.push({
      path: join(folder, name),
      digit: Number(digit),
      speaker,
      index: Number(index),
      split: Number(index) < testIndices ? 'test' : 'train',
    })
  }
  recordings.sort((a, b) => compare(a.speaker, b.speaker) || a.digit - b.digit || a.index - b.index)
  const speakers = [...new Set(recordings.map(({ speaker }) => speaker))].sort(compare)
  for (const speaker of speakers) checkSpeaker(folder, speaker, recordings)
  return { dir: folder, recordings, speakers, ignored }
}

async function findRecordings(dir: string): Promise<string> {
  const nested = await readdir(dir, { withFileTypes: true }).catch((cause: NodeJS.ErrnoException) => {
    throw new CorpusFolderError(
      `${dir} cannot be read as a folder (${cause.code}). Give the folder of the Free Spoken Digit Dataset as --data_dir.`,
      { cause },
    )
  })
  const below = nested.filter((entry) => entry.isDirectory()).map((entry) => join(dir, entry.name))
  for (const folder of [join(dir, 'recordings'), dir, ...below.map((path) => join(path, 'recordings'))]) {
    const names = await readdir(folder).catch(() => [])
    if (names.some((name) => recordingName.test(name))) return folder
  }
  throw new CorpusFolderError(
    `${dir} holds no recordings: expected recordings/{digit}_{speaker}_{index}.wav such as recordings/7_jackson_32.wav, ` +
      `found ${
        nested.length === 0
          ? 'an empty folder'
          : nested
              .slice(0, 3)
              .map((entry) => entry.name)
              .join(', ')
      }. ` +
      'Give the folder of the Free Spoken Digit Dataset as --data_dir.',
  )
}

function checkSpeaker(folder: string, speaker: string, recordings: readonly FsddRecording[]): void {
  for (const split of ['train', 'test'] as const) {
    const digits = new Set(
      recordings
        .filter((recording) => recording.speaker === speaker && recording.split === split)
        .map(({ digit }) => digit),
    )
    const missing = Array.from({ length: 10 }, (_, digit) => digit).filter((digit) => !digits.has(digit))
    if (missing.length > 0) {
      throw new CorpusFolderError(
        `${folder}: ${speaker} has no ${split} recordings (index ${split === 'test' ? '0 to 4' : '5 and up'}) of ` +
          `digit(s) ${missing.join(', ')}. The data set is incomplete; download it again or remove this speaker's files.`,
      )
    }
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
