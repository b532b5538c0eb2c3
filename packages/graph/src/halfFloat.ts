import type { DType } from './dtype.js'

const word = new DataView(new ArrayBuffer(4))

/** Bits of the bfloat16 nearest to `value`, halves to even. */
export function bfloat16Bits(value: number): number {
  if (Number.isNaN(value)) return 0x7fc0
  word.setFloat32(0, value)
  const bits = word.getUint32(0)
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16
}

/** Bits of the IEEE half-precision number nearest to `value`, halves to even. */
export function float16Bits(value: number): number {
  if (Number.isNaN(value)) return 0x7e00
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0
  const size = Math.abs(value)
  if (size >= 65520) return sign | 0x7c00
  if (size < 2 ** -14) return sign | roundHalfEven(size * 2 ** 24)
  const exponent = Math.floor(Math.log2(size))
  // log2 can round up to the next power just below it.
  const power = 2 ** exponent > size ? exponent - 1 : exponent
  // A mantissa that rounds up to 2048 carries into the exponent by itself.
  return sign | (((power + 14) << 10) + roundHalfEven(size * 2 ** (10 - power)))
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value)
  const rest = value - floor
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor
}

/** The number that half-precision bits stand for. */
export function numberOfFloat16(bits: number): number {
  const [sign, exponent, fraction] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 31, bits & 1023]
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

/** The number that bfloat16 bits stand for. */
export function numberOfBfloat16(bits: number): number {
  word.setUint32(0, bits << 16)
  return word.getFloat32(0)
}

/** How an element type stores a number: itself, but for 16-bit floats, which are kept as bits. */
export function storedNumber(dtype: DType, value: number): number {
  return dtype === 'float16' ? float16Bits(value) : dtype === 'bfloat16' ? bfloat16Bits(value) : value
}
