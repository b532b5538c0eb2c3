import { apply1, applyOp } from '../../../op.js'
import { Max } from '../../../ops/arithmetic.js'
import { BatchNormalization } from '../../../ops/batchNormalization.js'
import { constant } from '../../../ops/leaves.js'
import type { RewriteRule } from '../../../rewrite/rebuild.js'
import type { Tensor } from '../../../tensor.js'

/**
 * ONNX Runtime's BatchNormalization in training mode writes the new statistics over the tensors that hold the old ones,
 * parameters and shared constants included. So each node gets copies of its own, which no optimiser can merge or elide:
 * the maximum with a number below all others that is different every time.
 */
export const batchNormTraining: RewriteRule = (node, inputs) => {
  if (node.op !== BatchNormalization || node.attributes.training_mode !== 1) return undefined
  const [x, scale, bias, mean, variance] = inputs as readonly [Tensor, Tensor, Tensor, Tensor, Tensor]
  if (isCopy(mean)) return undefined
  return applyOp(
    BatchNormalization,
    [x, scale, bias, copy(mean, 2 * node.id), copy(variance, 2 * node.id + 1)],
    node.attributes,
    3,
  )
}

// Neighbouring floats from the lowest on: distinct for every salt below 2^22, all below -1e38.
const lowFloat = (salt: number): number => new Float32Array(Uint32Array.of(0xff7fffff - (salt % 2 ** 22)).buffer)[0]!
const copy = (x: Tensor, salt: number): Tensor => apply1(Max, [x, constant(lowFloat(salt), x.dtype)])
const isCopy = (x: Tensor): boolean => x.node.op === Max && Number(x.node.inputs[1]?.constant?.data[0]) < -1e38
