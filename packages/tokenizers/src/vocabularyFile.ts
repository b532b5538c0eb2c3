/** Entries of a `vocab.txt`: one a line, in the order of their ids. */
export function parseVocabularyFile(text: string): string[] {
  const lines = text.replace(/^\ufeff/, '').split(/\r\n|\n|\r/)
  if (lines.at(-1) === '') lines.pop()
  return lines
}
