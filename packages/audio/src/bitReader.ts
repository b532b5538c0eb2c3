/** Thrown by {@link BitReader} at the end of its bytes; readers turn it into an error that names the file. */
export class EndOfBits extends Error {
  override readonly name = 'EndOfBits'
}

/** Reads big-endian bit fields, most significant bit first. */
export class BitReader {
  readonly #bytes: Uint8Array
  /** Index of the next byte to load. */
  #next: number
  /** Loaded bits that are not read yet, left-aligned in 32. */
  #cache = 0
  #cacheBits = 0

  constructor(bytes: Uint8Array, offset = 0) {
    this.#bytes = bytes
    this.#next = offset
  }

  /** Byte offset of the next unread bit's byte; only meaningful on a byte boundary. */
  get byteOffset(): number {
    return this.#next - (this.#cacheBits >> 3)
  }

  /** An unsigned field of 0 to 32 bits. */
  unsigned(bits: number): number {
    if (bits > 24) return this.unsigned(bits - 16) * 0x10000 + this.unsigned(16)
    if (bits === 0) return 0
    if (this.#cacheBits < bits) this.#refill(bits)
    const value = this.#cache >>> (32 - bits)
    this.#cache <<= bits
    this.#cacheBits -= bits
    return value
  }

  /** A two's complement field of 0 to 33 bits. */
  signed(bits: number): number {
    if (bits === 0) return 0
    const high = this.unsigned(1)
    return this.#low(bits - 1) - high * 2 ** (bits - 1)
  }

  /** The number of zero bits before the next one bit, which is read too. */
  unary(): number {
    let zeros = 0
    for (;;) {
      if (this.#cacheBits === 0) this.#refill(1)
      const leading = Math.min(Math.clz32(this.#cache), this.#cacheBits)
      zeros += leading
      if (leading < this.#cacheBits) {
        // Two steps: a shift by 32 would be a shift by 0.
        this.#cache = (this.#cache << leading) << 1
        this.#cacheBits -= leading + 1
        return zeros
      }
      this.#cache = 0
      this.#cacheBits = 0
    }
  }

  /**
   * Rice codes into `out[from, to)`: a unary quotient, `parameter` low bits (0 to 30), signs folded into the lowest bit.
   * The loop keeps the reader's state in local variables; it is where a FLAC decoder spends its time.
   */
  rice(out: Float64Array, from: number, to: number, parameter: number): void {
    const bytes = this.#bytes
    const end = bytes.length
    let next = this.#next
    let cache = this.#cache
    let cacheBits = this.#cacheBits
    for (let t = from; t < to; t++) {
      let quotient = 0
      for (;;) {
        while (cacheBits <= 24 && next < end) {
          cache |= bytes[next++]! << (24 - cacheBits)
          cacheBits += 8
        }
        if (cacheBits === 0) throw new EndOfBits()
        const leading = Math.min(Math.clz32(cache), cacheBits)
        quotient += leading
        if (leading < cacheBits) {
          // Two steps: a shift by 32 would be a shift by 0.
          cache = (cache << leading) << 1
          cacheBits -= leading + 1
          break
        }
        cache = 0
        cacheBits = 0
      }
      if (parameter > cacheBits || quotient >= 1 << 16 || parameter > 14) {
        this.#next = next
        this.#cache = cache
        this.#cacheBits = cacheBits
        out[t] = unfold(quotient * 2 ** parameter + this.unsigned(parameter))
        next = this.#next
        cache = this.#cache
        cacheBits = this.#cacheBits
        continue
      }
      // Two steps again, for parameter 0.
      const folded = (quotient << parameter) | ((cache >>> 1) >>> (31 - parameter))
      cache <<= parameter
      cacheBits -= parameter
      out[t] = (folded >>> 1) ^ -(folded & 1)
    }
    this.#next = next
    this.#cache = cache
    this.#cacheBits = cacheBits
  }

  /** Skips to the next byte boundary. */
  align(): void {
    const rest = this.#cacheBits & 7
    this.#cache <<= rest
    this.#cacheBits -= rest
  }

  #low(bits: number): number {
    return bits === 0 ? 0 : this.unsigned(bits)
  }

  #refill(wanted: number): void {
    while (this.#cacheBits <= 24 && this.#next < this.#bytes.length) {
      this.#cache |= this.#bytes[this.#next++]! << (24 - this.#cacheBits)
      this.#cacheBits += 8
    }
    if (this.#cacheBits < wanted) throw new EndOfBits()
  }
}

/** 0, 1, 2, 3 ... to 0, -1, 1, -2 ...; for values beyond 32 bits too. */
function unfold(folded: number): number {
  return folded % 2 === 0 ? folded / 2 : -(folded + 1) / 2
}
