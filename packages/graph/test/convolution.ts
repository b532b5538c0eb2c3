import { array, at, type ReferenceArray } from './referenceArray.js'

/** Geometry of a convolution, per spatial axis; `pads` lists all begins, then all ends. */
export interface Geometry {
  readonly group: number
  readonly strides: readonly number[]
  readonly dilations: readonly number[]
  readonly pads: readonly number[]
}

/** Fills in what is left out. */
export function geometry(spatial: number, partial: Partial<Geometry>): Geometry {
  const ones = new Array<number>(spatial).fill(1)
  return { group: 1, strides: ones, dilations: ones, pads: new Array<number>(2 * spatial).fill(0), ...partial }
}

/** Every tuple of positions below `sizes`. */
function tuples(sizes: readonly number[]): number[][] {
  return sizes.reduce<number[][]>(
    (heads, size) => heads.flatMap((head) => Array.from({ length: size }, (_, i) => [...head, i])),
    [[]],
  )
}

/** Convolution (cross-correlation) of `[B, I, ...L]` with `[O, I / group, ...k]`, by its definition. */
export function convolve(
  x: ReferenceArray,
  w: ReferenceArray,
  bias: ReferenceArray | undefined,
  g: Geometry,
): ReferenceArray {
  const lengths = x.shape.slice(2)
  const kernel = w.shape.slice(2)
  const spatial = lengths.length
  const out = lengths.map((length, axis) => {
    const room = length + g.pads[axis]! + g.pads[axis + spatial]! - g.dilations[axis]! * (kernel[axis]! - 1) - 1
    return Math.floor(room / g.strides[axis]!) + 1
  })
  const [outChannels, perGroup] = w.shape as [number, number]
  const taps = tuples(kernel)
  return array([x.shape[0]!, outChannels, ...out], ([b, o, ...frame]) => {
    const firstChannel = Math.floor(o! / (outChannels / g.group)) * perGroup
    let sum = bias ? at(bias, [o!]) : 0
    for (const tap of taps) {
      const place = frame.map((f, axis) => f * g.strides[axis]! + tap[axis]! * g.dilations[axis]! - g.pads[axis]!)
      if (place.some((p, axis) => p < 0 || p >= lengths[axis]!)) continue
      for (let i = 0; i < perGroup; i++) sum += at(x, [b!, firstChannel + i, ...place]) * at(w, [o!, i, ...tap])
    }
    return sum
  })
}

/** Transposed convolution of `[B, I, ...L]` with `[I, O / group, ...k]`, by its definition: every input adds a scaled kernel. */
export function convolveTransposed(
  x: ReferenceArray,
  w: ReferenceArray,
  bias: ReferenceArray | undefined,
  g: Geometry,
  outputPadding: readonly number[],
): ReferenceArray {
  const lengths = x.shape.slice(2)
  const kernel = w.shape.slice(2)
  const spatial = lengths.length
  const out = lengths.map(
    (length, axis) =>
      (length - 1) * g.strides[axis]! +
      g.dilations[axis]! * (kernel[axis]! - 1) +
      1 +
      outputPadding[axis]! -
      g.pads[axis]! -
      g.pads[axis + spatial]!,
  )
  const [inChannels, perGroup] = w.shape as [number, number]
  const inPerGroup = inChannels / g.group
  const taps = tuples(kernel)
  return array([x.shape[0]!, perGroup * g.group, ...out], ([b, o, ...place]) => {
    const group = Math.floor(o! / perGroup)
    let sum = bias ? at(bias, [o!]) : 0
    for (const tap of taps) {
      const spread = place.map((p, axis) => p + g.pads[axis]! - tap[axis]! * g.dilations[axis]!)
      if (spread.some((s, axis) => s % g.strides[axis]! !== 0)) continue
      const frame = spread.map((s, axis) => s / g.strides[axis]!)
      if (frame.some((f, axis) => f < 0 || f >= lengths[axis]!)) continue
      for (let i = 0; i < inPerGroup; i++) {
        const channel = group * inPerGroup + i
        sum += at(x, [b!, channel, ...frame]) * at(w, [channel, o! % perGroup, ...tap])
      }
    }
    return sum
  })
}
