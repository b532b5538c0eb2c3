/**
 * Seeded source of random numbers on the host, for initial weights and data order. The stream depends on the seed alone
 * (splitmix32 state, mulberry32 output), on every platform.
 */
export class RandomGenerator {
  #state: number

  constructor(seed: number) {
    this.#state = seed | 0
    // Seeds that differ in few bits must not give related streams.
    for (let i = 0; i < 4; i++) this.uint32()
  }

  /** Whole number in [0, 2^32). */
  uint32(): number {
    this.#state = (this.#state + 0x9e3779b9) | 0
    let z = this.#state
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b)
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35)
    return (z ^ (z >>> 16)) >>> 0
  }

  /** Uniform in [low, high). */
  uniform(low = 0, high = 1): number {
    const u = (this.uint32() * 2 ** 21 + (this.uint32() >>> 11)) / 2 ** 53
    return low + u * (high - low)
  }

  /** Standard normal, by Box-Muller. */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()))
    return radius * Math.cos(2 * Math.PI * this.uniform())
  }

  /** Whole number in [0, limit). */
  integer(limit: number): number {
    return Math.floor(this.uniform() * limit)
  }

  /** A shuffled copy (Fisher-Yates). */
  shuffle<T>(items: readonly T[]): T[] {
    const result = [...items]
    for (let i = result.length - 1; i > 0; i--) {
      const j = this.integer(i + 1)
      ;[result[i], result[j]] = [result[j]!, result[i]!]
    }
    return result
  }

  /** A generator of its own for a purpose: equal seeds and keys give equal streams. */
  static forKey(...key: readonly number[]): RandomGenerator {
    let hash = 0x811c9dc5
    for (const part of key) {
      for (const word of [part | 0, Math.floor(part / 2 ** 32) | 0]) {
        hash = Math.imul(hash ^ word, 0x01000193)
        hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
      }
    }
    return new RandomGenerator(hash)
  }
}

let initialisation = new RandomGenerator(0)

/** The generator that initialisers draw from while modules are built. */
export function initialisationGenerator(): RandomGenerator {
  return initialisation
}

/** Fixes the initial weights of modules that are built from now on (PyTorch's `manual_seed`). */
export function seedInitialisation(seed: number): void {
  initialisation = new RandomGenerator(seed)
}
