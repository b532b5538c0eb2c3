import {
  addDims,
  concat,
  constant,
  type Dim,
  dimTensor,
  floorDivideDims,
  less,
  mod,
  multiplyDims,
  neg,
  padConstant,
  range,
  reshape,
  sub,
  type Tensor,
  unsqueeze,
} from '@nemo/graph'

/** Which frames of x `[B, D, T]` lie within each item's length, int64 `[B]`: bool `[B, 1, T]`. */
export function frameMask(x: Tensor, lengths: Tensor): Tensor {
  return less(range(dimTensor(x.dim(2), [x])), unsqueeze(lengths, [1, 2]))
}

/** x `[B, D, T]` with zero frames at the end, so that T is a multiple of `multiple`. */
export function padFramesToMultiple(x: Tensor, multiple: number): Tensor {
  const frames = x.dim(2)
  const padded = multiplyDims(floorDivideDims(addDims(frames, multiple - 1), multiple), multiple)
  // ONNX Mod has the sign of its divisor: -T mod m is what is missing.
  const missing = mod(neg(dimTensor(frames, [x])), constant(multiple, 'int64'))
  return padFrames(x, missing, padded)
}

/** x `[B, D, T]` with exactly `frames` frames: zeros at the end, or cut there. */
export function padFramesTo(x: Tensor, frames: number): Tensor {
  return padFrames(x, sub(constant(frames, 'int64'), dimTensor(x.dim(2), [x])), frames)
}

function padFrames(x: Tensor, amount: Tensor, frames: Dim): Tensor {
  const pads = concat([constant([0, 0, 0, 0, 0], 'int64'), reshape(amount, [1])], 0)
  return padConstant(x, pads, [x.dim(0), x.dim(1), frames])
}
