import { encodePng } from '../../logging/png.js'

/** Options of {@link spectrogramImage}. */
export interface SpectrogramImageOptions {
  /** Rows of the matrix: frequency bands, or output steps of an attention map. */
  readonly rows: number
  /** Columns: frames of time. */
  readonly columns: number
  /** Draw row 0 at the bottom, as frequencies are. Default true. */
  readonly lowAtBottom?: boolean
  /** Values at the dark and bright end. Default the 1st and 99th percentile. */
  readonly range?: readonly [number, number]
  /** Pixels per value, across and up. Default: whole numbers that give about 900 x 160. */
  readonly scale?: readonly [number, number]
}

/** A dark-to-bright scale whose lightness grows evenly, so that it can also be read without colours. */
const COLORS = [
  [4, 5, 20],
  [34, 16, 84],
  [86, 18, 120],
  [137, 30, 116],
  [187, 47, 94],
  [226, 76, 66],
  [248, 123, 42],
  [252, 178, 50],
  [245, 232, 120],
  [255, 255, 230],
] as const

function colorTable(): Uint8Array {
  const table = new Uint8Array(256 * 3)
  for (let level = 0; level < 256; level += 1) {
    const position = (level / 255) * (COLORS.length - 1)
    const index = Math.min(COLORS.length - 2, Math.floor(position))
    const share = position - index
    for (let channel = 0; channel < 3; channel += 1) {
      const from = COLORS[index]![channel]!
      table[level * 3 + channel] = Math.round(from + share * (COLORS[index + 1]![channel]! - from))
    }
  }
  return table
}

function percentiles(values: ArrayLike<number>): [number, number] {
  const finite = Float64Array.from(Array.from(values).filter(Number.isFinite)).sort()
  if (finite.length === 0) return [0, 1]
  const at = (share: number): number => finite[Math.round(share * (finite.length - 1))]!
  return [at(0.01), at(0.99)]
}

/**
 * Draws a matrix (a spectrogram, an attention alignment) as a PNG file.
 *
 * @param values - `[rows, columns]`, row by row. NaN is drawn as the lowest value.
 */
export function spectrogramImage(
  values: ArrayLike<number>,
  { rows, columns, lowAtBottom = true, range, scale }: SpectrogramImageOptions,
): Uint8Array {
  const [low, high] = range ?? percentiles(values)
  const [across, up] = scale ?? [
    Math.min(12, Math.max(1, Math.round(900 / Math.max(1, columns)))),
    Math.min(12, Math.max(1, Math.round(160 / Math.max(1, rows)))),
  ]
  const table = colorTable()
  const width = columns * across
  const height = rows * up
  const data = new Uint8Array(width * height * 3)
  const span = high > low ? high - low : 1
  for (let row = 0; row < rows; row += 1) {
    const top = (lowAtBottom ? rows - 1 - row : row) * up
    for (let column = 0; column < columns; column += 1) {
      const share = (values[row * columns + column]! - low) / span
      const level = share > 0 ? Math.min(255, Math.round(share * 255)) : 0
      for (let x = column * across; x < (column + 1) * across; x += 1) {
        const at = (top * width + x) * 3
        data[at] = table[level * 3]!
        data[at + 1] = table[level * 3 + 1]!
        data[at + 2] = table[level * 3 + 2]!
      }
    }
    for (let y = top + 1; y < top + up; y += 1) data.copyWithin(y * width * 3, top * width * 3, (top + 1) * width * 3)
  }
  return encodePng({ width, height, channels: 3, data })
}
