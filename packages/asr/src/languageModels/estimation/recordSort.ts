// 2^11 buckets of a pass stay in the processor's first cache.
const MOST_BITS = 11

/**
 * Sorts records by some of their columns, by counting digits from the least significant column to the most: linear, and
 * stable.
 *
 * @param records - `count * stride` numbers; overwritten.
 * @param columns - Columns to sort by, the most significant first.
 * @param largest - No value in these columns is larger.
 * @returns the sorted records: `records` or another array as large.
 */
export function sortRecords(
  records: Uint32Array,
  count: number,
  stride: number,
  columns: readonly number[],
  largest: number,
): Uint32Array {
  const bits = Math.max(1, 32 - Math.clz32(largest))
  const passes = Math.ceil(bits / MOST_BITS)
  const digit = Math.ceil(bits / passes)
  const mask = (1 << digit) - 1
  const starts = new Uint32Array(1 << digit)
  const end = count * stride
  let from = records
  let to: Uint32Array | undefined
  for (const column of [...columns].reverse()) {
    for (let pass = 0; pass < passes; pass++) {
      const shift = pass * digit
      starts.fill(0)
      for (let at = column; at < end; at += stride) starts[(from[at]! >>> shift) & mask]!++
      if (starts.some((size) => size === count)) continue
      let sum = 0
      for (let i = 0; i < starts.length; i++) {
        const size = starts[i]!
        starts[i] = sum
        sum += size
      }
      to ??= new Uint32Array(end)
      for (let at = 0; at < end; at += stride) {
        let target = starts[(from[at + column]! >>> shift) & mask]!++ * stride
        for (let i = at; i < at + stride; i++) to[target++] = from[i]!
      }
      const free = from
      from = to
      to = free
    }
  }
  return from
}

/**
 * Columns of n-grams in context order: by their context, its last word first, then by their last word. N-grams of one
 * context are neighbours, and contexts with the same end are too.
 */
export function contextOrder(words: number): number[] {
  return [...Array.from({ length: words - 1 }, (_, i) => words - 2 - i), words - 1]
}
