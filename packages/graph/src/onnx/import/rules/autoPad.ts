import type { Tensor } from '../../../tensor.js'
import type { ImportedNode } from '../importedNode.js'

/** The windows of a convolution or pooling, per spatial axis. */
export interface Windows {
  readonly kernel: readonly number[]
  readonly strides: readonly number[]
  readonly dilations: readonly number[]
  /** All begins, then all ends. */
  readonly pads: readonly number[]
}

/** Strides, dilations and pads of a node over `kernel`, with `auto_pad` worked out as explicit pads. */
export function windowsOf(node: ImportedNode, x: Tensor, kernel: readonly number[]): Windows {
  const spatial = kernel.length
  if (x.rank !== spatial + 2) return node.fail(`a kernel of ${spatial} sizes does not fit data of rank ${x.rank}.`)
  const strides = perAxis(node, 'strides', spatial)
  const dilations = perAxis(node, 'dilations', spatial)
  const given = node.ints('pads')
  if (given && given.length !== 2 * spatial) return node.fail(`expected ${2 * spatial} pads, found ${given.length}.`)
  const mode = node.choice('auto_pad', ['NOTSET', 'VALID', 'SAME_UPPER', 'SAME_LOWER'], 'NOTSET')
  const zeros = new Array<number>(2 * spatial).fill(0)
  if (mode === 'NOTSET') return { kernel, strides, dilations, pads: given ?? zeros }
  if (mode === 'VALID') return { kernel, strides, dilations, pads: zeros }
  const pads = zeros
  kernel.forEach((taps, axis) => {
    const total = samePadding(node, x.shape[axis + 2]!, taps, strides[axis]!, dilations[axis]!)
    const [less, more] = [Math.floor(total / 2), Math.ceil(total / 2)]
    pads[axis] = mode === 'SAME_UPPER' ? less : more
    pads[axis + spatial] = mode === 'SAME_UPPER' ? more : less
  })
  return { kernel, strides, dilations, pads }
}

// Padding that gives ceil(size / stride) windows.
function samePadding(
  node: ImportedNode,
  size: number | string,
  taps: number,
  stride: number,
  dilation: number,
): number {
  const reach = dilation * (taps - 1) + 1
  if (stride === 1) return reach - 1
  if (typeof size !== 'number')
    return node.unsupported(
      `auto_pad with a stride of ${stride} needs a fixed size, found ${size}. Pass the size by dims or inputShapes.`,
    )
  return Math.max(0, (Math.ceil(size / stride) - 1) * stride + reach - size)
}

function perAxis(node: ImportedNode, name: string, spatial: number): readonly number[] {
  const values = node.ints(name) ?? new Array<number>(spatial).fill(1)
  if (values.length !== spatial || values.some((value) => value < 1))
    return node.fail(`expected ${spatial} ${name} of 1 or more, found [${values.join(', ')}].`)
  return values
}
