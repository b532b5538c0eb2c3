import { readdir, readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { CorpusFolderError } from '../corpus/errors.js'
import { fetchArchive } from './fetchArchive.js'
import { inParallel } from './inParallel.js'
import { type CorpusFile, manifestOfFiles } from './manifestOfFiles.js'
import { archiveOf, type Preparation } from './preparation.js'

/** The sets of LibriSpeech by NeMo's names, with the SHA-256 of their archives (torchaudio's list). */
export const librispeechSets = {
  dev_clean: '76f87d090650617fca0cac8f88b9416e0ebf80350acb97b343a85fa903728ab3',
  dev_other: '12661c48e8c3fe1de2c1caa4c3e135193bfb1811584f11f569dd12645aa84365',
  test_clean: '39fde525e59672dc6d1551919b1478f724438a95aa55f874b576be21967e6c23',
  test_other: 'd09c181bba5cf717b3dee7d4d592af11a3ee3a09e08ae025c5506f6ebe961c29',
  train_clean_100: 'd4ddd1d5a6ab303066f14971d768ee43278a5f2a0aa43dc716b0e64ecbbbf6e2',
  train_clean_360: '146a56496217e96c14334a160df97fffedd6e0a04e66b9c5af0d40be3c792ecf',
  train_other_500: 'ddb22f27f96ec163645d53215559df6aa36515f26e01dd70798188350adcb6d2',
} as const

/** One of `librispeechSets`. */
export type LibrispeechSet = keyof typeof librispeechSets

/** Set names of `dev_clean,test_other` or `ALL`. @throws RangeError for another name. */
export function librispeechSetsOf(names: string): LibrispeechSet[] {
  const known = Object.keys(librispeechSets) as LibrispeechSet[]
  if (names.toUpperCase() === 'ALL') return known
  return names.split(',').map((name) => {
    const set = name.trim().toLowerCase().replaceAll('-', '_')
    if (known.includes(set as LibrispeechSet)) return set as LibrispeechSet
    throw new RangeError(`data_sets: expected ALL or some of ${known.join(', ')}, found ${JSON.stringify(name)}.`)
  })
}

/**
 * Downloads sets of LibriSpeech and writes a manifest `SET.json` for each. The FLAC files stay as they are.
 *
 * @param checksums - Of the archives; default the published ones.
 * @returns the manifests' paths.
 *
 * Source: https://www.openslr.org/12; NeMo's `get_librispeech_data.py`.
 */
export async function prepareLibrispeech(
  preparation: Preparation,
  sets: readonly LibrispeechSet[],
  checksums: Readonly<Partial<Record<LibrispeechSet, string>>> = librispeechSets,
): Promise<string[]> {
  const { dataRoot, workers } = preparation
  const folderOf = (set: string) => join(dataRoot, 'LibriSpeech', set.replaceAll('_', '-'))
  await inParallel(sets, workers, (set) => {
    const url = `https://www.openslr.org/resources/12/${set.replaceAll('_', '-')}.tar.gz`
    return fetchArchive(archiveOf(preparation, { url, sha256: checksums[set], dir: dataRoot }))
  })
  const manifests: string[] = []
  for (const set of sets)
    manifests.push(await manifestOfFiles(join(dataRoot, `${set}.json`), await utterances(folderOf(set)), preparation))
  return manifests
}

async function utterances(folder: string): Promise<CorpusFile[]> {
  const names = await readdir(folder, { recursive: true })
  const transcripts = names.filter((name) => name.endsWith('.trans.txt')).sort()
  if (transcripts.length === 0) throw new CorpusFolderError(`${folder}: expected *.trans.txt, found none.`)
  const files: CorpusFile[] = []
  for (const name of transcripts) {
    const path = join(folder, name)
    for (const line of (await readFile(path, 'utf8')).split('\n')) {
      const match = /^(\S+) (.*)$/.exec(line.trim())
      if (!match) continue
      files.push({
        audio_filepath: join(dirname(path), `${match[1]}.flac`),
        text: match[2]!.trim().toLowerCase(),
        speaker: basename(dirname(dirname(path))),
      })
    }
  }
  return files
}
