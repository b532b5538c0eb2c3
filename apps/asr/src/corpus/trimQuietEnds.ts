/**
 * Speech without what is fainter at both ends than so many decibels below its peak. A recording that was cut by a threshold has
 * lost the fricatives of "six" and "four" in this way.
 *
 * @returns a copy.
 */
export function trimQuietEnds(samples: Float32Array, decibels: number): Float32Array {
  let peak = 0
  for (const sample of samples) peak = Math.max(peak, Math.abs(sample))
  const threshold = peak * 10 ** (-decibels / 20)
  const isLoud = (sample: number) => Math.abs(sample) >= threshold
  return samples.slice(samples.findIndex(isLoud), samples.findLastIndex(isLoud) + 1)
}
