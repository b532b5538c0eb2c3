import { LanguageModelFileError } from './errors.js'
import type { KenLmHeader } from './kenLmHeader.js'

/** Words at the end of a binary, read when asked for: NUL-terminated, `<unk>` first. */
export function storedWords(
  bytes: Uint8Array,
  header: KenLmHeader,
  start: number,
  source: string,
): () => readonly string[] | undefined {
  let words: readonly string[] | undefined
  return () => {
    if (!header.hasVocabulary) return undefined
    if (words) return words
    const read = new TextDecoder().decode(bytes.subarray(start)).split('\0').slice(0, -1)
    if (read[0] !== '<unk>' && read[0] !== '<UNK>')
      throw new LanguageModelFileError(
        'NEMO_ASR_KENLM',
        `${source}: expected <unk> as the first word, found ${JSON.stringify(read[0])}. The file is damaged.`,
      )
    words = read
    return words
  }
}
