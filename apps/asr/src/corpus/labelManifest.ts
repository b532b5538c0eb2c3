import { readFile, rename, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { formatManifestRow, readManifest } from '@nemo/audio'

/** What a line of a manifest of transcripts says, for those who choose its label. */
export interface Utterance {
  readonly text: string
  readonly speaker: string
}

/**
 * Writes a manifest of labels from manifests of transcripts; audio paths become absolute.
 *
 * @param label - The label of an utterance; undefined leaves it out.
 * @returns how many lines were written.
 */
export async function writeLabelManifest(
  path: string,
  manifests: readonly string[],
  label: (utterance: Utterance) => string | undefined,
): Promise<number> {
  const lines: string[] = []
  for await (const { audioFile, duration, offset, text = '', speaker } of readManifest([...manifests])) {
    const found = label({ text, speaker: String(speaker) })
    if (found === undefined) continue
    lines.push(formatManifestRow({ audio_filepath: resolve(audioFile), duration, offset, label: found, speaker }))
  }
  await writeIfChanged(path, lines.join(''))
  return lines.length
}

/** Writes a file whole or not at all; leaves it alone where it has that content. */
export async function writeIfChanged(path: string, content: string): Promise<void> {
  if ((await readFile(path, 'utf8').catch(() => undefined)) === content) return
  const partial = `${path}.partial-${process.pid}`
  await writeFile(partial, content)
  await rename(partial, path)
}
