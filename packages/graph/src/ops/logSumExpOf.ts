import type { Tensor } from '../tensor.js'
import { add, maximum, sub, sum } from './arithmetic.js'
import { exp, log } from './exponential.js'

/** ln(e^a + e^b + ...) of tensors of one shape, whose elements are finite. */
export function logSumExpOf(terms: readonly Tensor[]): Tensor {
  const peak = terms.reduce((a, b) => maximum(a, b))
  return add(peak, log(sum(terms.map((term) => exp(sub(term, peak))))))
}
