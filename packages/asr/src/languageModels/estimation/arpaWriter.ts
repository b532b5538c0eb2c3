import { closeSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { gzipSync } from 'node:zlib'

const BUFFER_BYTES = 1 << 20
// A number takes at most so many bytes.
const NUMBER_BYTES = 32

/** Takes the n-grams of a model, order by order, shortest first. */
export interface NGramSink {
  /** N-grams of each order that will come. */
  begin(counts: readonly number[]): void
  beginOrder(order: number): void
  /**
   * @param words - Bytes of each word.
   * @param backoff - log10; none at the longest order.
   */
  add(words: readonly Uint8Array[], log10Prob: number, backoff: number | undefined): void
  end(): void
}

/** Writes an ARPA file, gzipped if its name ends in `.gz`. It has its name only when it is complete. */
export class ArpaWriter implements NGramSink {
  readonly #path: string
  readonly #partial: string
  readonly #file: number
  readonly #gzip: boolean
  readonly #buffer = new Uint8Array(BUFFER_BYTES)
  #used = 0
  #open = true

  constructor(path: string) {
    this.#path = path
    this.#partial = `${path}.partial`
    this.#gzip = path.endsWith('.gz')
    this.#file = openSync(this.#partial, 'w')
  }

  begin(counts: readonly number[]): void {
    this.#text('\\data\\\n')
    for (const [i, count] of counts.entries()) this.#text(`ngram ${i + 1}=${count}\n`)
  }

  beginOrder(order: number): void {
    this.#text(`\n\\${order}-grams:\n`)
  }

  add(words: readonly Uint8Array[], log10Prob: number, backoff: number | undefined): void {
    if (this.#used + 3 * NUMBER_BYTES > BUFFER_BYTES) this.#flush()
    this.#number(log10Prob)
    for (const [i, word] of words.entries()) {
      if (this.#used + word.length + 2 * NUMBER_BYTES > BUFFER_BYTES) this.#flush()
      this.#buffer[this.#used++] = i === 0 ? 9 : 32
      if (word.length + 2 * NUMBER_BYTES > BUFFER_BYTES) {
        this.#flush()
        this.#write(word)
      } else {
        // Words are short; `set` costs more.
        for (let k = 0; k < word.length; k++) this.#buffer[this.#used + k] = word[k]!
        this.#used += word.length
      }
    }
    if (backoff !== undefined) {
      this.#buffer[this.#used++] = 9
      this.#number(backoff)
    }
    this.#buffer[this.#used++] = 10
  }

  end(): void {
    this.#text('\n\\end\\\n')
    this.#flush()
    closeSync(this.#file)
    this.#open = false
    renameSync(this.#partial, this.#path)
  }

  /** Leaves nothing behind of a file that was not ended. */
  abandon(): void {
    if (!this.#open) return
    closeSync(this.#file)
    rmSync(this.#partial, { force: true })
    this.#open = false
  }

  #text(text: string): void {
    if (this.#used + text.length > BUFFER_BYTES) this.#flush()
    for (let i = 0; i < text.length; i++) this.#buffer[this.#used++] = text.charCodeAt(i)
  }

  #flush(): void {
    if (this.#used > 0) this.#write(this.#buffer.subarray(0, this.#used))
    this.#used = 0
  }

  // Packed pieces one after another are a packed file.
  #write(bytes: Uint8Array): void {
    const out = this.#gzip ? gzipSync(bytes) : bytes
    for (let at = 0; at < out.length; ) at += writeSync(this.#file, out, at)
  }

  // The shortest decimal that reads back as the same number in single precision.
  #number(value: number): void {
    const size = Math.abs(value)
    if (size === 0) {
      this.#buffer[this.#used++] = 0x30
      return
    }
    let before = 1
    for (let bound = 10; size >= bound; bound *= 10) before++
    if (!(size >= 1e-3 && before <= 6)) {
      this.#text(shortest(value))
      return
    }
    // Decimals after the point; those of numbers below 1 are not all significant.
    for (let decimals = 6 - before + 1; decimals <= 12; decimals++) {
      const scale = 10 ** decimals
      const digits = Math.round(size * scale)
      if (Math.fround(digits / scale) === size) {
        this.#decimal(value < 0, digits, decimals)
        return
      }
    }
    this.#text(shortest(value))
  }

  #decimal(negative: boolean, scaled: number, places: number): void {
    let digits = scaled
    let decimals = places
    while (decimals > 0 && digits % 10 === 0) {
      digits /= 10
      decimals--
    }
    if (negative) this.#buffer[this.#used++] = 0x2d
    let length = 1
    for (let rest = 10; rest <= digits; rest *= 10) length++
    const whole = Math.max(1, length - decimals)
    const end = this.#used + whole + (decimals > 0 ? decimals + 1 : 0)
    let at = end
    for (let i = 0; i < decimals; i++) {
      const next = Math.floor(digits / 10)
      this.#buffer[--at] = 0x30 + digits - next * 10
      digits = next
    }
    if (decimals > 0) this.#buffer[--at] = 0x2e
    for (let i = 0; i < whole; i++) {
      const next = Math.floor(digits / 10)
      this.#buffer[--at] = 0x30 + digits - next * 10
      digits = next
    }
    this.#used = end
  }
}

function shortest(value: number): string {
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : 'inf'
  for (let precision = 6; precision < 9; precision++) {
    const text = Number(value.toPrecision(precision))
    if (Math.fround(text) === value) return String(text)
  }
  return String(Number(value.toPrecision(9)))
}
