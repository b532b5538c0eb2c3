import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CorpusFolderError } from '../corpus/errors.js'
import { fetchArchive } from './fetchArchive.js'
import { type CorpusFile, manifestOfFiles } from './manifestOfFiles.js'
import { archiveOf, type Preparation } from './preparation.js'

const url = 'http://www.speech.cs.cmu.edu/databases/an4/an4_sphere.tar.gz'

/**
 * Downloads AN4 and writes `an4/train_manifest.json` and `an4/test_manifest.json`. The SPHERE files stay as they are.
 *
 * @returns the manifests' paths.
 *
 * Source: http://www.speech.cs.cmu.edu/databases/an4; NeMo's `process_an4_data.py`.
 */
export async function prepareAn4(preparation: Preparation, sha256?: string): Promise<string[]> {
  const { dataRoot } = preparation
  await fetchArchive(archiveOf(preparation, { url, sha256, dir: dataRoot }))
  const folder = join(dataRoot, 'an4')
  const manifests: string[] = []
  for (const [set, wavs] of [
    ['train', 'an4_clstk'],
    ['test', 'an4test_clstk'],
  ] as const) {
    const files = await utterances(join(folder, 'etc', `an4_${set}.transcription`), join(folder, 'wav', wavs))
    manifests.push(await manifestOfFiles(join(folder, `${set}_manifest.json`), files, preparation))
  }
  return manifests
}

/** Lines are `<s> TRANSCRIPT </s> (FILE)`; a file lies in a folder named for its speaker. */
async function utterances(path: string, folder: string): Promise<CorpusFile[]> {
  const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line.trim() !== '')
  return lines.map((line, i) => {
    const match = /^(.*)\((\w+-(\w+)-\w+)\)\s*$/.exec(line)
    if (!match)
      throw new CorpusFolderError(`${path}:${i + 1}: expected a transcript and (FILE), found ${JSON.stringify(line)}.`)
    const text = match[1]!
      .replaceAll(/<\/?s>/g, '')
      .trim()
      .toLowerCase()
    return { audio_filepath: join(folder, match[3]!, `${match[2]}.sph`), text, speaker: match[3]! }
  })
}
