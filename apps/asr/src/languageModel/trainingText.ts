import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { createGunzip } from 'node:zlib'
import { readManifest } from '@nemo/audio'

/** What the words of a language model are. */
export type LanguageModelLevel = 'word' | 'char' | 'subword'

/** Lines of text files (`.gz` too) and transcripts of manifests (`.json`, `.jsonl`), file by file. */
export async function* trainingLines(files: readonly string[]): AsyncGenerator<string> {
  for (const file of files) {
    if (/\.jsonl?$/.test(file)) {
      for await (const entry of readManifest(file)) yield entry.text ?? ''
      continue
    }
    const raw = createReadStream(file)
    const input = file.endsWith('.gz') ? raw.pipe(createGunzip()) : raw
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) yield line
  }
}

/**
 * Lines as a language model of a level reads them: words as they are, characters one by one with `▁` for spaces, or sub-words.
 *
 * @param subWords - Sub-words of a line, each as one character.
 */
export async function* levelLines(
  lines: AsyncIterable<string> | Iterable<string>,
  level: LanguageModelLevel,
  subWords: (line: string) => string[] = () => [],
): AsyncGenerator<string> {
  let block = ''
  for await (const line of lines) {
    const text = line.trim()
    if (text === '') continue
    if (level === 'word') block += text
    else if (level === 'char') block += [...text.replace(/\s+/g, '▁')].join(' ')
    else block += subWords(text).join(' ')
    block += '\n'
    if (block.length > 1 << 16) {
      yield block
      block = ''
    }
  }
  if (block !== '') yield block
}
