/** A distribution as TensorBoard stores it: counts between limits, with the moments of the values. */
export interface Histogram {
  readonly min: number
  readonly max: number
  /** Number of values. */
  readonly count: number
  readonly sum: number
  readonly sumSquares: number
  /** Upper limit of each bucket, increasing. */
  readonly limits: readonly number[]
  /** Values in each bucket. */
  readonly counts: readonly number[]
}

let limits: number[] | undefined

/** TensorFlow's buckets: from 1e-12 on each 10 % wider, mirrored for negative values, up to the largest double. */
function bucketLimits(): number[] {
  if (limits !== undefined) return limits
  const positive: number[] = []
  for (let limit = 1e-12; limit < 1e20; limit *= 1.1) positive.push(limit)
  positive.push(Number.MAX_VALUE)
  limits = [...positive.map((limit) => -limit).reverse(), 0, ...positive]
  return limits
}

/** Counts values into TensorFlow's exponential buckets. NaN and infinities are left out. */
export function makeHistogram(values: ArrayLike<number>): Histogram {
  const all = bucketLimits()
  const counts = new Float64Array(all.length)
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  let count = 0
  let sum = 0
  let sumSquares = 0
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index]!
    if (!Number.isFinite(value)) continue
    count += 1
    sum += value
    sumSquares += value * value
    if (value < min) min = value
    if (value > max) max = value
    counts[firstAbove(all, value)]! += 1
  }
  if (count === 0) return { min: 0, max: 0, count: 0, sum: 0, sumSquares: 0, limits: [Number.MAX_VALUE], counts: [0] }
  let first = 0
  while (counts[first] === 0) first += 1
  let last = counts.length - 1
  while (counts[last] === 0) last -= 1
  // An empty bucket in front gives the first one its lower limit.
  const start = Math.max(0, first - 1)
  return {
    min,
    max,
    count,
    sum,
    sumSquares,
    limits: all.slice(start, last + 1),
    counts: [...counts.subarray(start, last + 1)],
  }
}

/** Index of the first limit greater than the value (the last bucket takes the rest). */
function firstAbove(sorted: readonly number[], value: number): number {
  let low = 0
  let high = sorted.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if (sorted[middle]! > value) high = middle
    else low = middle + 1
  }
  return low
}
