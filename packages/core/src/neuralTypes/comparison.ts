/**
 * What `a.compare(b)` says about two neural types, `a` being the wanted one and `b` the offered one. The numbers are
 * NeMo's. A port takes a tensor when the result is `SAME` or `GREATER`.
 *
 * Source: NeMo v1.0.0 `nemo.core.neural_types.comparison`.
 */
export enum NeuralTypeComparisonResult {
  /** Equal, or close enough to connect. */
  SAME = 0,
  /** The wanted type is a subtype of the offered one. */
  LESS = 1,
  /** The offered type is a subtype of the wanted one. */
  GREATER = 2,
  /** The same axes with other sizes: a resize or projection would connect them. */
  DIM_INCOMPATIBLE = 3,
  /** The same axes in another order, or as a list where a tensor is wanted. */
  TRANSPOSE_SAME = 4,
  /** A container of another size. Kept for completeness: comparing two types never gives it, as in NeMo 1.0. */
  CONTAINER_SIZE_MISMATCH = 5,
  /** Nothing simple connects them. */
  INCOMPATIBLE = 6,
  /** One element type with other parameters, such as another sampling rate. */
  SAME_TYPE_INCOMPATIBLE_PARAMS = 7,
  /** No comparison was made. Kept for completeness: comparing two types never gives it, as in NeMo 1.0. */
  UNCHECKED = 8,
}

/** Whether a port takes a tensor after this comparison: `SAME` or `GREATER`. */
export function isAccepted(result: NeuralTypeComparisonResult): boolean {
  return result === NeuralTypeComparisonResult.SAME || result === NeuralTypeComparisonResult.GREATER
}
