/** ln(e^a + e^b) */
export function logAddExp(a: number, b: number): number {
  const peak = Math.max(a, b)
  return peak === Number.NEGATIVE_INFINITY ? peak : peak + Math.log1p(Math.exp(-Math.abs(a - b)))
}
