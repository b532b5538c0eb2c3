import {
  ChannelType,
  type Inputs,
  LogitsType,
  Loss,
  LossType,
  type Outputs,
  port,
  registerTarget,
  typecheck,
} from '@nemo/core'
import {
  add,
  cast,
  constant,
  dimTensor,
  div,
  equal,
  gatherElements,
  logicalNot,
  logSoftmax,
  maximum,
  minimum,
  mul,
  neg,
  reduceSum,
  split,
  squeeze,
  type Tensor,
  unsqueeze,
  where,
  zerosLike,
} from '@nemo/graph'

/**
 * Cross entropy of where a span starts and where it ends, as for answers in a text; the mean of both.
 *
 * Positions before 0 count as 0. Those from T on do not count; if none counts, the loss is NaN, as in PyTorch.
 * Source: NeMo v1.0.0 `SpanningLoss`, which also overwrites its inputs by the limited positions.
 */
export class SpanningLoss extends Loss {
  static readonly inputTypes = {
    logits: port('B T D', LogitsType),
    startPositions: port('B', ChannelType),
    endPositions: port('B', ChannelType),
  }
  static readonly outputTypes = {
    loss: port(null, LossType),
    startLogits: port('B T', LogitsType),
    endLogits: port('B T', LogitsType),
  }

  /**
   * @param inputs.logits - `[B, T, 2]`: of starts and of ends.
   * @param inputs.startPositions - `[B]`; no answer is position 0.
   * @param inputs.endPositions - `[B]`, inclusive.
   */
  @typecheck()
  forward({ logits, startPositions, endPositions }: Inputs<typeof SpanningLoss>): Outputs<typeof SpanningLoss> {
    const [startLogits, endLogits] = split(logits, [1, 1], -1).map((half) => squeeze(half, -1)) as [Tensor, Tensor]
    const total = add(positionLoss(startLogits, startPositions), positionLoss(endLogits, endPositions))
    return { loss: div(total, constant(2, logits.dtype)), startLogits, endLogits }
  }
}

/** Mean cross entropy of logits `[B, T]` and positions `[B]`, those from T on left out. */
function positionLoss(logits: Tensor, positions: Tensor): Tensor {
  const length = dimTensor(logits.shape[1]!, [logits])
  const limited = minimum(maximum(cast(positions, 'int64'), constant(0, 'int64')), length)
  const counts = logicalNot(equal(limited, length))
  const index = where(counts, limited, zerosLike(limited))
  const picked = squeeze(gatherElements(logSoftmax(logits, -1), unsqueeze(index, 1), 1), 1)
  const weights = cast(counts, logits.dtype)
  return neg(div(reduceSum(mul(picked, weights)), reduceSum(weights)))
}

registerTarget(
  ['nemo.collections.common.losses.SpanningLoss', 'nemo.collections.common.losses.spanning_loss.SpanningLoss'],
  () => new SpanningLoss(),
)
