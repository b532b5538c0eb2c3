import { SampleBuffer } from './sampleBuffer.js'

/** A stretch of a long recording with what surrounds it. */
export interface AudioChunk {
  /** Number of the chunk, from 0. */
  readonly index: number
  /** The stretch and its context. */
  readonly samples: Float32Array
  /** Encoder frames at the start of `samples` that belong to the chunk before. */
  readonly skipFrames: number
  /** Encoder frames of the stretch; undefined for the last chunk: all that are left. */
  readonly keepFrames: number | undefined
  /** Position in the recording after the last sample. */
  readonly endSample: number
}

/** How a recording is cut; all in samples that are whole encoder frames. */
export interface ChunkGeometry {
  readonly frame: number
  readonly chunk: number
  readonly left: number
  readonly right: number
}

/**
 * Cuts a stream of samples into stretches of `chunk` samples, each with `left` samples before it and `right` samples after it,
 * as far as there are any. No more than a chunk with its context is held.
 */
export async function* audioChunks(
  blocks: AsyncIterable<Float32Array> | Iterable<Float32Array>,
  { frame, chunk, left, right }: ChunkGeometry,
): AsyncGenerator<AudioChunk> {
  const buffer = new SampleBuffer()
  let index = 0
  const cut = (last: boolean): AudioChunk => {
    const start = index * chunk
    const from = Math.max(0, start - left)
    const samples = buffer.slice(from, start + chunk + right)
    const made: AudioChunk = {
      index,
      samples,
      skipFrames: (start - from) / frame,
      keepFrames: last ? undefined : chunk / frame,
      endSample: from + samples.length,
    }
    index++
    buffer.dropBefore(index * chunk - left)
    return made
  }
  for await (const block of blocks) {
    // A large block must not make the buffer large.
    for (let at = 0; at < block.length; at += chunk) {
      buffer.push(block.subarray(at, at + chunk))
      // Only once there is more is it known that this chunk is not the last one.
      while (buffer.end > (index + 1) * chunk && buffer.end >= (index + 1) * chunk + right) yield cut(false)
    }
  }
  while (buffer.end > (index + 1) * chunk) yield cut(false)
  if (buffer.end > index * chunk) yield cut(true)
}
