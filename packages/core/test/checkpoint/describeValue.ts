import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { OrderedDict, TorchDevice, TorchDType } from '../../src/checkpoint/pythonValue.js'
import { isTensor } from '../../src/checkpoint/tensorData.js'

/** Path of a fixture. */
export function fixturePath(name: string): string {
  return fileURLToPath(new URL(`../fixtures/checkpoint/${name}`, import.meta.url))
}

/** Bytes of a fixture. */
export function fixture(name: string): Uint8Array {
  return new Uint8Array(readFileSync(fixturePath(name)))
}

/** A JSON fixture in the form that `describeValue` gives. */
export function fixtureJson(name: string): unknown {
  return withoutFloats(JSON.parse(readFileSync(fixturePath(name), 'utf8')))
}

/** The JSON that tools/reference/torchFixtures.py gives for the same value; whole floats count as ints. */
export function describeValue(value: unknown): unknown {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value
  if (typeof value === 'bigint') return { int: String(value) }
  if (typeof value === 'number') return describeNumber(value)
  if (value instanceof Uint8Array) return { bytes: [...value] }
  if (value instanceof Map) {
    const kind = value instanceof OrderedDict ? 'OrderedDict' : 'dict'
    return { [kind]: Array.from(value, ([key, item]) => [describeValue(key), describeValue(item)]) }
  }
  if (value instanceof Set) return { set: [...value].sort() }
  if (Array.isArray(value))
    return Object.isFrozen(value) ? { tuple: value.map(describeValue) } : value.map(describeValue)
  if (value instanceof TorchDevice) return { device: [value.type, value.index] }
  if (value instanceof TorchDType) return { dtype: value.name }
  if (!isTensor(value)) throw new Error(`No description of ${String(value)}`)
  const toNumber = value.dtype === 'float16' ? fromHalf : value.dtype === 'bfloat16' ? fromBFloat16 : Number
  const values = Array.from(value.data as ArrayLike<number | bigint>, (element) =>
    value.dtype.includes('float') ? hexFloat(toNumber(Number(element))) : String(element),
  )
  return { tensor: value.dtype, shape: [...value.shape], values }
}

function describeNumber(value: number): unknown {
  return Number.isSafeInteger(value) && !Object.is(value, -0) ? { int: String(value) } : { float: hexFloat(value) }
}

/** JavaScript has one type of number, so descriptions from Python are brought to it. */
function withoutFloats(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(withoutFloats)
  if (typeof json !== 'object' || json === null) return json
  if ('float' in json) return describeNumber(fromHexFloat(json.float as string))
  return Object.fromEntries(Object.entries(json).map(([key, value]) => [key, withoutFloats(value)]))
}

/** Python's `float.hex`. */
function hexFloat(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf'
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value)
  const bits = view.getBigUint64(0)
  const sign = bits >> 63n ? '-' : ''
  const exponent = Number((bits >> 52n) & 0x7ffn)
  const mantissa = bits & 0xfffffffffffffn
  if (exponent === 0 && mantissa === 0n) return `${sign}0x0.0p+0`
  const power = exponent === 0 ? -1022 : exponent - 1023
  return `${sign}0x${exponent === 0 ? 0 : 1}.${mantissa.toString(16).padStart(13, '0')}p${power < 0 ? '-' : '+'}${Math.abs(power)}`
}

function fromHexFloat(text: string): number {
  const special = { nan: Number.NaN, inf: Number.POSITIVE_INFINITY, '-inf': Number.NEGATIVE_INFINITY }[text]
  if (special !== undefined) return special
  const [, sign, whole, fraction = '', power] = /^(-?)0x([01])\.([0-9a-f]+)p([+-]\d+)$/.exec(text) as RegExpExecArray
  const mantissa = Number(whole) + Number.parseInt(fraction, 16) / 16 ** fraction.length
  return (sign ? -1 : 1) * mantissa * 2 ** Number(power)
}

function fromHalf(bits: number): number {
  const sign = bits >> 15 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const mantissa = bits & 1023
  if (exponent === 0) return sign * mantissa * 2 ** -24
  if (exponent === 31) return mantissa ? Number.NaN : sign * Number.POSITIVE_INFINITY
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15)
}

function fromBFloat16(bits: number): number {
  const view = new DataView(new ArrayBuffer(4))
  view.setUint16(0, bits)
  return view.getFloat32(0)
}
