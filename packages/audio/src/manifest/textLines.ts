import { ManifestError } from '../errors.js'

/** No manifest line is this long; a binary file given by mistake may be. */
const MAX_LINE_BYTES = 16 * 1024 * 1024
const NEWLINE = 0x0a

/** A line, or why it is none: not UTF-8, or far too long. Line ends are left out. */
export interface TextLine {
  /** 1-based. */
  readonly number: number
  readonly text: string | ManifestError
}

/** Splits UTF-8 bytes, which arrive in pieces, into lines; a last line without line end counts. */
export async function* textLines(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  source: string,
): AsyncGenerator<TextLine> {
  // Drops a byte order mark; Windows line ends go with the white space around the line.
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let number = 0
  let pending: Uint8Array[] = []
  let pendingBytes = 0
  const finish = (): TextLine => {
    number++
    const line = { number, text: decodeLine(decoder, pending, pendingBytes, { source, line: number }) }
    pending = []
    pendingBytes = 0
    return line
  }
  for await (const chunk of chunks) {
    let start = 0
    for (;;) {
      const end = chunk.indexOf(NEWLINE, start)
      const part = chunk.subarray(start, end < 0 ? chunk.length : end)
      if (part.length > 0) pending.push(part)
      pendingBytes += part.length
      if (pendingBytes > MAX_LINE_BYTES) {
        throw new ManifestError(
          `expected one JSON object a line, found a line of more than ${MAX_LINE_BYTES} bytes. Check that this is a manifest.`,
          { source, line: number + 1 },
        )
      }
      if (end < 0) break
      yield finish()
      start = end + 1
    }
  }
  if (pendingBytes > 0) yield finish()
}

function decodeLine(
  decoder: InstanceType<typeof TextDecoder>,
  parts: readonly Uint8Array[],
  size: number,
  at: { readonly source: string; readonly line: number },
): string | ManifestError {
  const bytes = parts.length === 1 ? parts[0]! : new Uint8Array(size)
  if (parts.length > 1) {
    let offset = 0
    for (const part of parts) {
      bytes.set(part, offset)
      offset += part.length
    }
  }
  try {
    return decoder.decode(bytes).trim()
  } catch (cause) {
    return new ManifestError(
      'expected UTF-8 text, found other bytes. Convert the manifest to UTF-8, or skip bad lines.',
      {
        ...at,
        cause,
      },
    )
  }
}
