import { constant, gather, type Tensor } from '@nemo/graph'

/** The hidden state of one token: `[B, T, D]` -> `[B, D]`. Negative indices count from the end. */
export const tokenAt = (hiddenStates: Tensor, index: number): Tensor =>
  gather(hiddenStates, constant(index, 'int64'), 1)
