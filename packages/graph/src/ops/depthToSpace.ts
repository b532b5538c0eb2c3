import { type Dim, floorDivideDims, multiplyDims } from '../dim.js'
import { apply1, defineOp } from '../op.js'
import type { Tensor } from '../tensor.js'
import { reshapeTo } from './reshape.js'
import { transpose } from './transpose.js'

/**
 * Moves channels `[B, C b², H, W]` into blocks of the plane `[B, C, H b, W b]`; in mode DCR the block's position varies
 * slowest among the channels, in mode CRD fastest (PyTorch's pixel shuffle). ONNX DepthToSpace-13.
 */
export const DepthToSpace = defineOp({
  type: 'DepthToSpace',
  since: 13,
  attributes: { blocksize: { kind: 'int' }, mode: { kind: 'string', default: 'DCR' } },
  infer: (context) => {
    const x = context.input(0)
    const block = context.attributes.blocksize as number
    if (x.rank !== 4) context.fail('expected data [B, C, H, W].')
    const [B, C, H, W] = x.shape as [Dim, Dim, Dim, Dim]
    if (typeof C === 'number' && C % (block * block) !== 0)
      context.fail(`${C} channels cannot form blocks of ${block} x ${block}.`)
    return [
      { dtype: x.dtype, shape: [B, floorDivideDims(C, block * block), multiplyDims(H, block), multiplyDims(W, block)] },
    ]
  },
  grad: ({ dy, x, node }) => {
    const b = node.attribute<number>('blocksize')
    const [B, C, H, W] = x.shape as [Dim, Dim, Dim, Dim]
    const blocks = reshapeTo(dy, [B, floorDivideDims(C, b * b), H, b, W, b], [x])
    const perm = node.attributes.mode === 'DCR' ? [0, 3, 5, 1, 2, 4] : [0, 1, 3, 5, 2, 4]
    return [reshapeTo(transpose(blocks, perm), x.shape, [x])]
  },
})

/** Moves blocks of the plane into channels: the inverse of DepthToSpace in mode DCR. ONNX SpaceToDepth-13. */
export const SpaceToDepth = defineOp({
  type: 'SpaceToDepth',
  since: 13,
  attributes: { blocksize: { kind: 'int' } },
  infer: (context) => {
    const x = context.input(0)
    const block = context.attributes.blocksize as number
    if (x.rank !== 4) context.fail('expected data [B, C, H, W].')
    const [B, C, H, W] = x.shape as [Dim, Dim, Dim, Dim]
    if ([H, W].some((size) => typeof size === 'number' && size % block !== 0))
      context.fail(`the plane is not made of blocks of ${block}.`)
    return [
      {
        dtype: x.dtype,
        shape: [B, multiplyDims(C, block * block), floorDivideDims(H, block), floorDivideDims(W, block)],
      },
    ]
  },
  grad: ({ dy, x, node }) => [
    reshapeTo(apply1(DepthToSpace, [dy], { blocksize: node.attributes.blocksize }), x.shape, [x]),
  ],
})

/** Channels moved into blocks of the plane; `mode` CRD is PyTorch's `pixel_shuffle`. */
export const depthToSpace = (x: Tensor, blocksize: number, mode: 'DCR' | 'CRD' = 'DCR'): Tensor =>
  apply1(DepthToSpace, [x], { blocksize, mode })
/** Blocks of the plane moved into channels. */
export const spaceToDepth = (x: Tensor, blocksize: number): Tensor => apply1(SpaceToDepth, [x], { blocksize })
