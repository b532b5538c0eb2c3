import { readdir, readFile, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { atomicWriteFile } from '@nemo/core'
import { CorpusFolderError } from '../corpus/errors.js'
import { fetchArchive, unpackTarGz } from './fetchArchive.js'
import { inParallel } from './inParallel.js'
import { type CorpusFile, manifestOfFiles } from './manifestOfFiles.js'
import { archiveOf, type Preparation } from './preparation.js'

const url = 'https://www.openslr.org/resources/33/data_aishell.tgz'

/**
 * Downloads AISHELL-1 and writes `train.json`, `dev.json`, `test.json` and `vocab.txt`, the characters of its training
 * transcripts from the most frequent on.
 *
 * @returns the manifests' paths.
 *
 * Source: https://www.openslr.org/33; NeMo's `get_aishell_data.py`.
 */
export async function prepareAishell(preparation: Preparation, sha256?: string): Promise<string[]> {
  const { dataRoot, workers } = preparation
  await fetchArchive(archiveOf(preparation, { url, sha256, dir: dataRoot }))
  const folder = join(dataRoot, 'data_aishell')
  // Each speaker is an archive of its own within.
  const wavs = join(folder, 'wav')
  const inner = (await readdir(wavs)).filter((name) => name.endsWith('.tar.gz')).sort()
  await inParallel(inner, workers, async (name) => {
    await unpackTarGz(join(wavs, name), wavs)
    await rm(join(wavs, name))
  })
  const texts = await transcripts(join(folder, 'transcript', 'aishell_transcript_v0.8.txt'))
  const manifests: string[] = []
  for (const set of ['train', 'dev', 'test']) {
    const files = await utterances(join(wavs, set), texts)
    manifests.push(await manifestOfFiles(join(dataRoot, `${set}.json`), files, preparation))
    if (set === 'train') await atomicWriteFile(join(dataRoot, 'vocab.txt'), vocabularyOf(files))
  }
  return manifests
}

/** Lines are `ID WORDS`; Chinese is written without spaces between words. */
async function transcripts(path: string): Promise<Map<string, string>> {
  const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line.trim() !== '')
  return new Map(
    lines.map((line) => {
      const [id, ...words] = line.trim().split(/\s+/)
      return [id!, words.join('')]
    }),
  )
}

async function utterances(folder: string, texts: ReadonlyMap<string, string>): Promise<CorpusFile[]> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.wav')).sort()
  // A few recordings have no transcript.
  const files = names.flatMap((name) => {
    const text = texts.get(basename(name, '.wav'))
    return text === undefined ? [] : [{ audio_filepath: join(folder, name), text }]
  })
  if (files.length === 0) throw new CorpusFolderError(`${folder}: expected recordings with transcripts, found none.`)
  return files
}

function vocabularyOf(files: readonly CorpusFile[]): string {
  const counts = new Map<string, number>()
  for (const { text = '' } of files)
    for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1)
  return [...counts]
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .map(([character]) => `${character}\n`)
    .join('')
}
