/** A part of a long recording that is looked at by itself. */
export interface VadChunk {
  /** Seconds. */
  readonly offset: number
  /** Seconds. */
  readonly duration: number
}

/**
 * Splits a long recording so that windows of `windowSeconds` cross every cut: all chunks but the first begin that much
 * earlier.
 *
 * A recording that fits into one chunk is left as it is; NeMo 1.0 lets it begin before its start.
 *
 * @param offset - Where the recording begins, in seconds.
 * @param duration - Seconds.
 *
 * Source: NeMo v1.0.0 `write_vad_infer_manifest`.
 */
export function vadChunks(
  offset: number,
  duration: number,
  options: { readonly splitSeconds: number; readonly windowSeconds: number },
): VadChunk[] {
  const { splitSeconds, windowSeconds } = options
  if (duration <= splitSeconds) return duration > 0 ? [{ offset, duration }] : []
  const chunks: VadChunk[] = []
  for (let start = 0; start < duration; start += splitSeconds) {
    const overlap = start === 0 ? 0 : windowSeconds
    chunks.push({
      offset: offset + start - overlap,
      duration: Math.min(splitSeconds, duration - start) + overlap,
    })
  }
  return chunks
}

/** Place of a chunk among those of its file. */
export type StreamStatus = 'single' | 'start' | 'next' | 'end'

/**
 * Place of each chunk among its neighbours of the same file.
 *
 * Source: NeMo v1.0.0 `get_vad_stream_status`.
 */
export function vadStreamStatus(files: readonly string[]): StreamStatus[] {
  return files.map((file, i) => {
    const [after, before] = [i > 0 && files[i - 1] === file, files[i + 1] === file]
    if (after) return before ? 'next' : 'end'
    return before ? 'start' : 'single'
  })
}
