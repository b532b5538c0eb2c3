/** Places and texts of an axis's ticks. */
export interface Tick {
  readonly value: number
  readonly label: string
}

/** Rounds a step up to 1, 2 or 5 times a power of ten. */
function niceStep(raw: number): number {
  const power = 10 ** Math.floor(Math.log10(raw))
  const share = raw / power
  return (share <= 1 ? 1 : share <= 2 ? 2 : share <= 5 ? 5 : 10) * power
}

/** A tick's text: `0.25`, `1,200`, `15k`, `3e-5`. `step` says how many decimals tell neighbours apart. */
export function formatTick(value: number, step: number): string {
  if (value === 0) return '0'
  const size = Math.abs(value)
  if (size < 1e-4) return value.toExponential(Math.max(0, decimals(step, value))).replace('e+', 'e')
  if (size >= 1e6) return `${trim(value / 1e6, step / 1e6)}M`
  if (size >= 1e4) return `${trim(value / 1e3, step / 1e3)}k`
  return trim(value, step)
}

const decimals = (step: number, value: number): number =>
  Math.floor(Math.log10(Math.abs(value))) - Math.floor(Math.log10(step) + 1e-9)

function trim(value: number, step: number): string {
  const places = Math.min(6, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)))
  return value.toFixed(places)
}

/** About `count` round ticks that lie within the range. */
export function linearTicks(min: number, max: number, count: number): Tick[] {
  const step = niceStep((max - min) / Math.max(1, count))
  const ticks: Tick[] = []
  for (let index = Math.ceil(min / step - 1e-9); index * step <= max + step * 1e-9; index += 1) {
    const value = index * step
    ticks.push({ value, label: formatTick(Math.abs(value) < step * 1e-9 ? 0 : value, step) })
  }
  return ticks
}

/** The powers of ten within the range; with few of them also 2 and 5 times each. */
export function logTicks(min: number, max: number): Tick[] {
  const low = Math.floor(Math.log10(min))
  const high = Math.ceil(Math.log10(max))
  const every = Math.max(1, Math.ceil((high - low) / 6))
  const factors = Math.log10(max / min) <= 2 ? [1, 2, 5] : [1]
  const ticks: Tick[] = []
  for (let power = low; power <= high; power += every) {
    for (const factor of factors) {
      const value = factor * 10 ** power
      if (value < min * 0.9999 || value > max * 1.0001) continue
      ticks.push({ value, label: formatTick(value, 10 ** power) })
    }
  }
  // Less than one decade may hold no such value.
  return ticks.length >= 2 ? ticks : linearTicks(min, max, 4)
}

/** The data's range with a little room, never empty. */
export function paddedRange(min: number, max: number, padding: number): [number, number] {
  if (min === max) {
    const room = min === 0 ? 1 : Math.abs(min) * 0.1
    return [min - room, max + room]
  }
  const room = (max - min) * padding
  return [min - room, max + room]
}
