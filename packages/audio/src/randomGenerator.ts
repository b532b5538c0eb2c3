import { AudioArgumentError, shown } from './errors.js'

/**
 * A seeded random generator: xoshiro128** started from the seed and any further keys.
 *
 * Keys give independent streams, so that augmentation can be a pure function of (seed, epoch, sample): a run that is
 * resumed draws what one without a break would have drawn.
 *
 * Source: D. Blackman and S. Vigna, "Scrambled linear pseudorandom number generators" (2018).
 */
export class RandomGenerator {
  readonly #state: Uint32Array
  #spareNormal: number | undefined

  /** @param seed - And `keys`: whole numbers. @throws AudioArgumentError for others. */
  constructor(seed: number, ...keys: readonly number[]) {
    let hash = 0
    const words = [seed, ...keys].flatMap((key) => {
      if (!Number.isSafeInteger(key)) {
        throw new AudioArgumentError(`expected whole numbers as seed and keys, found ${shown(key)}.`)
      }
      return [key >>> 0, Math.floor(key / 2 ** 32) >>> 0]
    })
    for (const word of words) hash = mix(Math.imul(hash, 0x9e3779b1) + word + 0x7f4a7c15)
    this.#state = new Uint32Array(4)
    for (let i = 0; i < 4; i++) {
      hash = (hash + 0x9e3779b9) >>> 0
      // Seeds enter every word in full: a 32-bit hash alone would make different seeds meet.
      this.#state[i] = mix(hash ^ mix(words[i % words.length]! + i))
    }
    if (this.#state.every((word) => word === 0)) this.#state[0] = 1
  }

  /** 32 random bits. */
  uint32(): number {
    const s = this.#state
    const result = Math.imul(rotate(Math.imul(s[1]!, 5), 7), 9) >>> 0
    const shifted = s[1]! << 9
    s[2] = s[2]! ^ s[0]!
    s[3] = s[3]! ^ s[1]!
    s[1] = s[1]! ^ s[2]!
    s[0] = s[0]! ^ s[3]!
    s[2] = s[2]! ^ shifted
    s[3] = rotate(s[3]!, 11)
    return result
  }

  /** Uniform in [0, 1), 53 bits. */
  random(): number {
    return ((this.uint32() >>> 5) * 2 ** 26 + (this.uint32() >>> 6)) / 2 ** 53
  }

  /** Uniform between `a` and `b`, in either order. */
  uniform(a: number, b: number): number {
    return a + (b - a) * this.random()
  }

  /** A whole number from `low` to `high`, both included. */
  integer(low: number, high: number): number {
    return low + Math.floor(this.random() * (high - low + 1))
  }

  /** Standard normal, by the polar method. */
  normal(): number {
    if (this.#spareNormal !== undefined) {
      const spare = this.#spareNormal
      this.#spareNormal = undefined
      return spare
    }
    for (;;) {
      const x = 2 * this.random() - 1
      const y = 2 * this.random() - 1
      const radius = x * x + y * y
      if (radius >= 1 || radius === 0) continue
      const factor = Math.sqrt((-2 * Math.log(radius)) / radius)
      this.#spareNormal = y * factor
      return x * factor
    }
  }

  /** One of `items`, each as likely. @throws AudioArgumentError when there are none. */
  choice<T>(items: readonly T[]): T {
    if (items.length === 0) throw new AudioArgumentError('expected items to choose from, found none.')
    return items[this.integer(0, items.length - 1)]!
  }
}

/** Finaliser of MurmurHash3. */
function mix(value: number): number {
  let hash = value >>> 0
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits))
}
