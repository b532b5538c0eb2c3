import type { OpKernel } from '../opKernel.js'
import { permute, reshaped } from '../value.js'
import { reshapedOrMoved } from './reduction.js'

/** Channels into blocks of the plane: axes split, permuted and joined. */
export const DepthToSpace: OpKernel = (op) => {
  const [B, C, H, W] = op.shape(0) as [number, number, number, number]
  const b = op.attribute<number>('blocksize')
  const blocks = op.attribute<string>('mode') === 'DCR' ? [B, b, b, C / (b * b), H, W] : [B, C / (b * b), b, b, H, W]
  const perm = op.attribute<string>('mode') === 'DCR' ? [0, 3, 4, 1, 5, 2] : [0, 1, 4, 2, 5, 3]
  return [reshapedOrMoved(op.planner, permute(reshaped(op.dense(0), blocks)!, perm), op.outputShape())]
}

/** Blocks of the plane into channels. */
export const SpaceToDepth: OpKernel = (op) => {
  const [B, C, H, W] = op.shape(0) as [number, number, number, number]
  const b = op.attribute<number>('blocksize')
  const split = reshaped(op.dense(0), [B, C, H / b, b, W / b, b])!
  return [reshapedOrMoved(op.planner, permute(split, [0, 3, 5, 1, 2, 4]), op.outputShape())]
}
