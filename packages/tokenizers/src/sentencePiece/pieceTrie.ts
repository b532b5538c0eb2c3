/** A node that holds no value. */
const NONE = -1

/** Prefix tree of strings with values, walked one UTF-16 code unit at a time. */
export class PieceTrie {
  // One table for all edges: a map for each node would need much more memory.
  readonly #edges = new Map<number, number>()
  readonly #values: number[] = [NONE]

  /** Sets a string's value. */
  set(text: string, value: number): void {
    let node = 0
    for (let i = 0; i < text.length; i++) {
      const edge = node * 0x10000 + text.charCodeAt(i)
      let next = this.#edges.get(edge)
      if (next === undefined) {
        next = this.#values.push(NONE) - 1
        this.#edges.set(edge, next)
      }
      node = next
    }
    this.#values[node] = value
  }

  /** The node behind `node` (0 is the root) for a code unit, or -1. */
  step(node: number, unit: number): number {
    return this.#edges.get(node * 0x10000 + unit) ?? -1
  }

  /** Value of a node, or -1. */
  value(node: number): number {
    return this.#values[node]!
  }

  /** Length of the longest string that `text` has at `at`; 0 if none. */
  longestMatch(text: string, at: number): number {
    let length = 0
    for (let node = 0, i = at; i < text.length; ) {
      node = this.step(node, text.charCodeAt(i++))
      if (node < 0) break
      if (this.value(node) !== NONE) length = i - at
    }
    return length
  }
}
