/** Points of a line. */
export interface Points {
  readonly x: readonly number[]
  readonly y: readonly number[]
}

/**
 * Thins a line to at most about `limit` points so that it looks the same: of each stretch the first, lowest, highest
 * and last point stay, so no spike is lost. Gaps (NaN) stay gaps.
 */
export function downsample(x: ArrayLike<number>, y: ArrayLike<number>, limit: number): Points {
  const count = Math.min(x.length, y.length)
  if (count <= limit) return { x: Array.from(x).slice(0, count), y: Array.from(y).slice(0, count) }
  const stretches = Math.max(1, Math.floor(limit / 4))
  const keptX: number[] = []
  const keptY: number[] = []
  for (let stretch = 0; stretch < stretches; stretch += 1) {
    const start = Math.floor((stretch * count) / stretches)
    const end = Math.floor(((stretch + 1) * count) / stretches)
    let low = -1
    let high = -1
    let gap = -1
    for (let index = start; index < end; index += 1) {
      if (!Number.isFinite(y[index]!)) gap = index
      else {
        if (low < 0 || y[index]! < y[low]!) low = index
        if (high < 0 || y[index]! > y[high]!) high = index
      }
    }
    const kept = new Set([start, low, high, gap, end - 1].filter((index) => index >= 0))
    for (const index of [...kept].sort((a, b) => a - b)) {
      keptX.push(x[index]!)
      keptY.push(y[index]!)
    }
  }
  return { x: keptX, y: keptY }
}

/** Exponential moving average, corrected for its start. `weight` is the share of the past. NaN is passed through. */
export function smooth(y: ArrayLike<number>, weight: number): number[] {
  let average = 0
  let total = 0
  return Array.from(y, (value) => {
    if (!Number.isFinite(value)) return value
    average = weight * average + (1 - weight) * value
    total = weight * total + (1 - weight)
    return average / total
  })
}
