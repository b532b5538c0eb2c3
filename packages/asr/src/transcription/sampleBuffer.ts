/** The latest samples of a stream, by their position in it. */
export class SampleBuffer {
  #data = new Float32Array(1 << 14)
  #start = 0
  #end = 0

  /** Position after the last sample. */
  get end(): number {
    return this.#end
  }

  /** Position of the first sample that is still there. */
  get start(): number {
    return this.#start
  }

  /** Adds samples at the end. */
  push(samples: Float32Array): void {
    const held = this.#end - this.#start
    if (held + samples.length > this.#data.length) {
      const grown = new Float32Array(Math.max(2 * this.#data.length, held + samples.length))
      grown.set(this.#data.subarray(0, held))
      this.#data = grown
    }
    this.#data.set(samples, held)
    this.#end += samples.length
  }

  /** A copy of the samples `[from, to)`, as far as there are any. */
  slice(from: number, to: number): Float32Array {
    return this.#data.slice(Math.max(from, this.#start) - this.#start, Math.min(to, this.#end) - this.#start)
  }

  /** Forgets what lies before a position. */
  dropBefore(position: number): void {
    const drop = Math.min(Math.max(0, position - this.#start), this.#end - this.#start)
    this.#data.copyWithin(0, drop, this.#end - this.#start)
    this.#start += drop
  }
}
