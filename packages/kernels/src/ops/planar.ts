import { geometryOf, sizeOf } from '@nemo/graph'
import type { KernelBuilder } from '../kernelBuilder.js'
import type { OpContext } from '../planner.js'

/** A convolution over two axes; over one, the first of them has size 1. `x` is the data's side, `y` the result's. */
export interface Planar {
  readonly batch: number
  readonly group: number
  /** Channels of x and y per group. */
  readonly xChannels: number
  readonly yChannels: number
  readonly x: readonly [number, number]
  readonly y: readonly [number, number]
  readonly kernel: readonly [number, number]
  readonly strides: readonly [number, number]
  readonly dilations: readonly [number, number]
  /** At the begin of each axis. */
  readonly pads: readonly [number, number]
}

/** Sizes of a convolution, from the shapes of its data, weight and result. */
export function planarOf(op: OpContext, x: readonly number[], w: readonly number[], y: readonly number[]): Planar {
  const spatial = x.length - 2
  if (spatial > 2) op.refuse('convolutions over more than two axes are not there.')
  if (op.value(0).dtype !== 'float32') op.refuse(`convolutions of ${op.value(0).dtype} are not there; cast to float32.`)
  const geometry = geometryOf(op.node.attributes, spatial)
  const pair = (list: readonly number[], fill: number) =>
    (spatial === 1 ? [fill, list[0]!] : [list[0]!, list[1]!]) as [number, number]
  return {
    batch: x[0]!,
    group: geometry.group,
    xChannels: w[1]!,
    yChannels: w[0]! / geometry.group,
    x: pair(x.slice(2), 1),
    y: pair(y.slice(2), 1),
    kernel: pair(w.slice(2), 1),
    strides: pair(geometry.strides, 1),
    dilations: pair(geometry.dilations, 1),
    pads: pair(geometry.pads, 0),
  }
}

/** Forward and both gradients pair the same elements: each result's taps in all channels of its group. */
export const flopsOf = ({ batch, group, xChannels, yChannels, y, kernel }: Planar): number =>
  2 * batch * group * yChannels * sizeOf(y) * xChannels * sizeOf(kernel)

/** One tap, nothing skipped or padded: a matrix product per item. */
export const isPointwise = ({ group, kernel, strides, pads, x, y }: Planar): boolean =>
  group === 1 &&
  kernel.every((taps) => taps === 1) &&
  strides.every((stride) => stride === 1) &&
  pads.every((pad) => pad === 0) &&
  x.every((size, axis) => size === y[axis])

/** One data channel per group, over one axis. */
export const isDepthwise = ({ xChannels, group, x, y, kernel, pads }: Planar): boolean =>
  group > 1 && xChannels === 1 && x[0] === 1 && y[0] === 1 && kernel[0] === 1 && pads[0] === 0

/** The sizes as uniforms. */
export function uniforms(kernel: KernelBuilder, planar: Planar) {
  const pair = (values: readonly [number, number]) => values.map((value) => kernel.integer(value)) as [string, string]
  return {
    group: kernel.integer(planar.group),
    xChannels: kernel.integer(planar.xChannels),
    yChannels: kernel.integer(planar.yChannels),
    x: pair(planar.x),
    y: pair(planar.y),
    kernel: pair(planar.kernel),
    strides: pair(planar.strides),
    dilations: pair(planar.dilations),
    pads: pair(planar.pads),
  }
}
