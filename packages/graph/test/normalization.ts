import { elementwise, type ReferenceArray, reduceWith, total } from './referenceArray.js'

/** x less its mean over axes, divided by the root of its population variance + epsilon. */
export function normalized(x: ReferenceArray, axes: readonly number[], epsilon: number): ReferenceArray {
  const mean = reduceWith(x, axes, true, (v) => total(v) / v.length)
  const variance = populationVariance(x, axes)
  return elementwise((v, m, s) => (v - m) / Math.sqrt(s + epsilon), x, mean, variance)
}

/** Mean of squared distances from the mean over axes, which stay as size 1. */
export function populationVariance(x: ReferenceArray, axes: readonly number[]): ReferenceArray {
  return reduceWith(x, axes, true, (v) => {
    const mean = total(v) / v.length
    return total(v.map((e) => (e - mean) ** 2)) / v.length
  })
}
