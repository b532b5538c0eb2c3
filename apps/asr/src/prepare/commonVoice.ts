import { readFile } from 'node:fs/promises'
import { basename, extname, join } from 'node:path'
import { CorpusFolderError } from '../corpus/errors.js'
import { fetchArchive } from './fetchArchive.js'
import { type CorpusFile, manifestOfFiles } from './manifestOfFiles.js'
import { archiveOf, type Preparation } from './preparation.js'

/** What of Common Voice is wanted. */
export interface CommonVoiceChoice {
  /** Such as `cv-corpus-5.1-2020-06-22`. */
  readonly version: string
  /** Language code, such as `en`. */
  readonly language: string
  /** Lists of utterances, such as `train.tsv`. */
  readonly files: readonly string[]
  /** Folder of the manifests. */
  readonly manifestDir: string
  /** Address of the archive, which Mozilla gives after one has agreed to its terms. */
  readonly url?: string | undefined
}

const bundler = 'https://voice-prod-bundler-ee1969a6ce8178826482b88e843c335139bd3fb4.s3.amazonaws.com'

/**
 * Fetches a language of Common Voice and writes `commonvoice_SET_manifest.json` for each list. The MP3 files stay as they are:
 * they are decoded and resampled when they are read.
 *
 * @returns the manifests' paths.
 *
 * Source: https://commonvoice.mozilla.org; NeMo's `get_commonvoice_data.py`.
 */
export async function prepareCommonVoice(preparation: Preparation, choice: CommonVoiceChoice): Promise<string[]> {
  const { dataRoot } = preparation
  const { version, language, files, manifestDir } = choice
  const url = choice.url ?? `${bundler}/${version}/${language}.tar.gz`
  const dir = join(dataRoot, 'CV_unpacked')
  await fetchArchive(archiveOf(preparation, { url, dir }))
  const folder = join(dir, version, language)
  const manifests: string[] = []
  for (const file of files) {
    const rows = await utterances(join(folder, file), join(folder, 'clips'))
    const set = basename(file, extname(file))
    manifests.push(await manifestOfFiles(join(manifestDir, `commonvoice_${set}_manifest.json`), rows, preparation))
  }
  return manifests
}

async function utterances(path: string, clips: string): Promise<CorpusFile[]> {
  const [head = '', ...lines] = (await readFile(path, 'utf8')).split(/\r?\n/)
  const columns = head.split('\t')
  const [at, text, speaker] = ['path', 'sentence', 'client_id'].map((name) => columns.indexOf(name)) as [
    number,
    number,
    number,
  ]
  if (at < 0 || text < 0)
    throw new CorpusFolderError(`${path}: expected columns path and sentence, found ${columns.join(', ')}.`)
  return lines
    .filter((line) => line !== '')
    .map((line) => {
      const cells = line.split('\t')
      const name = cells[at]!
      return {
        audio_filepath: join(clips, extname(name) === '' ? `${name}.mp3` : name),
        text: (cells[text] ?? '').trim().toLowerCase(),
        ...(speaker >= 0 && { speaker: cells[speaker]! }),
      }
    })
}
