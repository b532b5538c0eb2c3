import { TokenizerError } from '../errors.js'

// A unit of the double array, as darts-clone packs it.
const HAS_LEAF = 1 << 8
const VALUE = 0x7fffffff
const LABEL = (0x80000000 | 0xff) >>> 0

/** A replacement that fits. */
export interface CharsMapMatch {
  /** Bytes of the input that it replaces. */
  readonly length: number
  readonly replacement: string
}

/**
 * Rules that replace UTF-8 byte strings by texts, compiled to a double-array trie: `precompiled_charsmap` of a
 * SentencePiece model. Layout: bytes of the trie (uint32), the trie's units (uint32 each, little-endian), then the
 * replacements, each ended by a zero byte; a rule's value is where its replacement starts.
 */
export class CharsMap {
  readonly #units: Uint32Array
  readonly #replacements: Uint8Array
  readonly #decoded = new Map<number, string>()

  /** @throws TokenizerError for bytes of another layout. */
  constructor(bytes: Uint8Array) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const size = bytes.length < 4 ? -1 : view.getUint32(0, true)
    if (size < 4 || size % 4 !== 0 || size + 4 > bytes.length) {
      throw new TokenizerError(`precompiled_charsmap: ${bytes.length} bytes do not hold a trie of ${size} bytes.`)
    }
    this.#units = Uint32Array.from({ length: size / 4 }, (_, i) => view.getUint32(4 + 4 * i, true))
    this.#replacements = bytes.subarray(4 + size)
  }

  /** The longest rule for the bytes that start at `at`. */
  longestMatch(bytes: Uint8Array, at: number): CharsMapMatch | undefined {
    let position = offsetOf(this.#units[0]!)
    let length = 0
    let value = 0
    for (let i = at; i < bytes.length; i++) {
      position ^= bytes[i]!
      const unit = this.#units[position]
      if (unit === undefined || (unit & LABEL) >>> 0 !== bytes[i]) break
      position ^= offsetOf(unit)
      if (unit & HAS_LEAF) {
        length = i + 1 - at
        value = (this.#units[position] ?? 0) & VALUE
      }
    }
    return length === 0 ? undefined : { length, replacement: this.#replacement(value) }
  }

  #replacement(start: number): string {
    let text = this.#decoded.get(start)
    if (text === undefined) {
      const end = this.#replacements.indexOf(0, start)
      text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(
        this.#replacements.subarray(start, end < 0 ? undefined : end),
      )
      this.#decoded.set(start, text)
    }
    return text
  }
}

const offsetOf = (unit: number): number => (unit >>> 10) << ((unit & (1 << 9)) >>> 6)
