/** A TypeScript example of a Markdown file. */
export interface Example {
  /** Line of its first line of code, counted from 1. */
  readonly line: number
  readonly code: string
}

const fence = /^```(\S*)(.*)$/

/**
 * The examples of a Markdown text: its blocks of `ts`. A block marked `ts fragment` leaves out what an earlier one or the text says, and is
 * not one of them.
 */
export function examplesOf(markdown: string): Example[] {
  const examples: Example[] = []
  let open: { readonly wanted: boolean; readonly line: number; readonly lines: string[] } | undefined
  for (const [index, text] of markdown.split('\n').entries()) {
    const mark = fence.exec(text)
    if (open === undefined) {
      if (mark) open = { wanted: mark[1] === 'ts' && mark[2]!.trim() !== 'fragment', line: index + 2, lines: [] }
    } else if (mark) {
      if (open.wanted) examples.push({ line: open.line, code: open.lines.join('\n') })
      open = undefined
    } else {
      open.lines.push(text)
    }
  }
  return examples
}
