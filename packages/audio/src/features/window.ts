import { AudioArgumentError, shown } from '../errors.js'

/** Names of window functions; `ones` and `none` are rectangular. */
export type WindowName = 'hann' | 'hamming' | 'blackman' | 'bartlett' | 'ones' | 'none'

const shapes: Readonly<Record<WindowName, (x: number) => number>> = {
  hann: (x) => 0.5 - 0.5 * Math.cos(2 * Math.PI * x),
  hamming: (x) => 0.54 - 0.46 * Math.cos(2 * Math.PI * x),
  blackman: (x) => 0.42 - 0.5 * Math.cos(2 * Math.PI * x) + 0.08 * Math.cos(4 * Math.PI * x),
  bartlett: (x) => 1 - Math.abs(2 * x - 1),
  ones: () => 1,
  none: () => 1,
}

/** Names that `windowFunction` knows. */
export const windowNames: readonly WindowName[] = Object.keys(shapes) as WindowName[]

/**
 * Samples of a window function.
 *
 * @param length - Samples, at least 1.
 * @param options.periodic - For spectral analysis: the window's period is `length` instead of `length - 1`, so its last
 *   sample is not its first. Default false, a symmetric window.
 * @throws AudioArgumentError for an unknown name or length.
 */
export function windowFunction(
  name: WindowName,
  length: number,
  options: { readonly periodic?: boolean } = {},
): Float32Array<ArrayBuffer> {
  if (!Object.hasOwn(shapes, name)) {
    throw new AudioArgumentError(`window: expected one of ${windowNames.join(', ')}, found ${shown(name)}.`)
  }
  if (!(Number.isInteger(length) && length >= 1)) {
    throw new AudioArgumentError(`window: expected a length of 1 or more samples, found ${shown(length)}.`)
  }
  if (length === 1) return new Float32Array([1])
  const period = options.periodic ? length : length - 1
  return Float32Array.from({ length }, (_, n) => shapes[name](n / period))
}
