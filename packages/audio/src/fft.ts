/** Complex numbers, real and imaginary parts apart. */
export interface ComplexArray {
  readonly real: Float64Array
  readonly imaginary: Float64Array
}

/**
 * Discrete Fourier transform in place, radix 2. The inverse is not divided by the length.
 *
 * @param data - Length a power of two.
 */
export function fft({ real, imaginary }: ComplexArray, inverse = false): void {
  const length = real.length
  reverseBits(real, length)
  reverseBits(imaginary, length)
  const direction = inverse ? 2 * Math.PI : -2 * Math.PI
  for (let size = 2; size <= length; size *= 2) {
    const half = size / 2
    for (let k = 0; k < half; k++) {
      const cosine = Math.cos((direction * k) / size)
      const sine = Math.sin((direction * k) / size)
      for (let i = k; i < length; i += size) {
        const j = i + half
        const re = real[j]! * cosine - imaginary[j]! * sine
        const im = real[j]! * sine + imaginary[j]! * cosine
        real[j] = real[i]! - re
        imaginary[j] = imaginary[i]! - im
        real[i] = real[i]! + re
        imaginary[i] = imaginary[i]! + im
      }
    }
  }
}

function reverseBits(values: Float64Array, length: number): void {
  for (let i = 1, j = 0; i < length; i++) {
    let bit = length >> 1
    for (; (j & bit) !== 0; bit >>= 1) j ^= bit
    j ^= bit
    if (i < j) [values[i], values[j]] = [values[j]!, values[i]!]
  }
}

/** The linear convolution of two real signals, `[a.length + b.length - 1]`; empty when either is. */
export function convolveFull(a: Float32Array, b: Float32Array): Float32Array {
  if (a.length === 0 || b.length === 0) return new Float32Array()
  const outLength = a.length + b.length - 1
  const size = 2 ** Math.ceil(Math.log2(outLength))
  // One transform for both: a is the real part, b the imaginary.
  const x = { real: new Float64Array(size), imaginary: new Float64Array(size) }
  x.real.set(a)
  x.imaginary.set(b)
  fft(x)
  const y = { real: new Float64Array(size), imaginary: new Float64Array(size) }
  for (let k = 0; k < size; k++) {
    const m = (size - k) % size
    const [ar, ai] = [(x.real[k]! + x.real[m]!) / 2, (x.imaginary[k]! - x.imaginary[m]!) / 2]
    const [br, bi] = [(x.imaginary[k]! + x.imaginary[m]!) / 2, (x.real[m]! - x.real[k]!) / 2]
    y.real[k] = (ar * br - ai * bi) / size
    y.imaginary[k] = (ar * bi + ai * br) / size
  }
  fft(y, true)
  return Float32Array.from(y.real.subarray(0, outLength))
}
