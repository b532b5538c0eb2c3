/** Upper half of the last product. In an array, as engines box numbers of 32 bits in variables of modules. */
export const productHigh = new Uint32Array(1)

const SCALE = 2 ** -32

/**
 * Lower half of the product of two 64-bit numbers, modulo 2^64, as an unsigned 32-bit number; `productHigh` is the upper
 * half. Halves are given as unsigned numbers. Without BigInt, which is some fifty times slower.
 */
export function multiply64(aLow: number, aHigh: number, bLow: number, bHigh: number): number {
  const low = Math.imul(aLow, bLow) >>> 0
  // The double product is off by at most 2^11, so what is left of it after the lower half is within 2^-20 of an integer.
  const carry = Math.floor((aLow * bLow - low) * SCALE + 0.5)
  productHigh[0] = (carry + Math.imul(aLow, bHigh) + Math.imul(aHigh, bLow)) >>> 0
  return low
}
