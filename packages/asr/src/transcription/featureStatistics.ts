import { STD_GUARD } from '@nemo/audio'
import { int64Vector } from '@nemo/core'
import type { Program } from '@nemo/graph'
import { SampleBuffer } from './sampleBuffer.js'

/** What features are normalised by: one number per feature, the guard against division by 0 included. */
export interface FeatureNorm {
  readonly mean: Float32Array
  readonly deviation: Float32Array
}

/** Mean and deviation of the features of a recording that arrives in pieces, as if they were computed of it as a whole. */
export class FeatureStatistics {
  readonly #program: Program
  readonly #type: 'per_feature' | 'all_features'
  readonly #hop: number
  readonly #margin: number
  readonly #buffer = new SampleBuffer()
  #sums = new Float64Array(0)
  #squares = new Float64Array(0)
  #frames = 0

  /**
   * @param program - From `input_signal` `[1, T]` and `length` `[1]` to `features` `[1, D, T]`, not normalised, and `lengths`.
   * @param hop - Samples from one feature frame to the next.
   * @param reach - Samples that a frame reaches to either side.
   */
  constructor(program: Program, type: 'per_feature' | 'all_features', hop: number, reach: number) {
    this.#program = program
    this.#type = type
    this.#hop = hop
    this.#margin = Math.ceil(reach / hop) * hop
  }

  /** Takes the next samples. Frames that reach beyond them are counted with the next ones, or with `last`. */
  async add(samples: Float32Array, last: boolean): Promise<void> {
    this.#buffer.push(samples)
    const { end } = this.#buffer
    const known = Math.floor((end - this.#margin) / this.#hop)
    if (!last && known <= this.#frames) return
    const from = Math.max(0, this.#frames * this.#hop - this.#margin)
    await this.#count(this.#buffer.slice(from, end), this.#frames - from / this.#hop, last ? undefined : known)
    this.#buffer.dropBefore(this.#frames * this.#hop - this.#margin)
  }

  async #count(signal: Float32Array, skip: number, until: number | undefined): Promise<void> {
    // A transform's reflected margin needs some samples.
    const padded = new Float32Array(Math.max(signal.length, 2 * this.#margin))
    padded.set(signal)
    const { features, lengths } = await this.#program.run({
      input_signal: { dtype: 'float32', shape: [1, padded.length], data: padded },
      length: int64Vector([signal.length]),
    })
    const [, size, frames] = features!.shape as readonly [number, number, number]
    const data = features!.data as Float32Array
    const first = this.#frames
    const end = until === undefined ? Number(lengths!.data[0]) : skip + until - first
    if (this.#sums.length === 0) {
      this.#sums = new Float64Array(size)
      this.#squares = new Float64Array(size)
    }
    for (let d = 0; d < size; d++) {
      for (let t = d * frames + skip; t < d * frames + end; t++) {
        this.#sums[d] = this.#sums[d]! + data[t]!
        this.#squares[d] = this.#squares[d]! + data[t]! * data[t]!
      }
    }
    this.#frames += Math.max(0, end - skip)
  }

  /** Statistics of the frames so far; the deviation is unbiased. */
  norm(): FeatureNorm {
    const size = this.#sums.length
    if (this.#type === 'all_features') {
      const [sum, squares] = [this.#sums, this.#squares].map((values) => values.reduce((a, b) => a + b, 0))
      const { mean, deviation } = moments(sum!, squares!, this.#frames * size)
      return { mean: new Float32Array(size).fill(mean), deviation: new Float32Array(size).fill(deviation) }
    }
    const each = Array.from(this.#sums, (sum, d) => moments(sum, this.#squares[d]!, this.#frames))
    return {
      mean: Float32Array.from(each, ({ mean }) => mean),
      deviation: Float32Array.from(each, ({ deviation }) => deviation),
    }
  }
}

function moments(sum: number, squares: number, count: number): { mean: number; deviation: number } {
  const mean = count === 0 ? 0 : sum / count
  const variance = Math.max(0, squares - mean * sum) / Math.max(1, count - 1)
  return { mean, deviation: Math.sqrt(variance) + STD_GUARD }
}
