import { AsrError } from '../../errors.js'

/** What is taken off the count of an n-gram: nothing of 0, then of 1, 2, and 3 or more. */
export type Discounts = readonly [zero: number, one: number, two: number, more: number]

/** Discounts for orders whose counts of counts give none. */
export type DiscountFallback = readonly [one: number, two: number, more: number]

/** Fallback of lmplz. */
export const defaultDiscountFallback: DiscountFallback = [0.5, 1, 1.5]

/**
 * Discounts of modified Kneser-Ney smoothing.
 *
 * @param countsOfCounts - Number of n-grams whose count is 1, 2, 3 and 4, at those indices.
 * @returns the discounts, and whether they are the fallback.
 * @throws AsrError if there are none in closed form and no fallback was given.
 *
 * Source: Chen & Goodman 1998, equation 26.
 */
export function kneserNeyDiscounts(
  countsOfCounts: readonly number[],
  order: number,
  fallback: DiscountFallback | undefined,
): { discounts: Discounts; fallback: boolean } {
  const [, n1, n2, n3, n4] = countsOfCounts as readonly [number, number, number, number, number]
  const y = n1 / (n1 + 2 * n2)
  const closed = [1, 2, 3].map((j) => j - ((j + 1) * y * [n1, n2, n3, n4][j]!) / [n1, n2, n3][j - 1]!)
  const usable = n1 > 0 && n2 > 0 && n3 > 0 && closed.every((discount, i) => discount >= 0 && discount <= i + 1)
  if (usable) return { discounts: [0, ...(closed as [number, number, number])], fallback: false }
  if (!fallback) {
    throw new AsrError(
      'NEMO_ASR_DISCOUNTS',
      `The discounts of order ${order} cannot be computed: there are ${n1}, ${n2}, ${n3} and ${n4} n-grams with the adjusted counts 1 to 4. ` +
        'This happens with little text, or with text that was made up. Use more, or discountFallback.',
    )
  }
  return { discounts: [0, ...fallback], fallback: true }
}
