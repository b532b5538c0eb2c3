import type { DType, TensorData } from '@nemo/graph'

const dtypes: Readonly<Record<string, DType>> = {
  '<f4': 'float32',
  '<f8': 'float64',
  '<i4': 'int32',
  '<i8': 'int64',
  '|b1': 'bool',
  '|u1': 'uint8',
}

const views: Readonly<Record<string, (buffer: ArrayBuffer) => TensorData['data']>> = {
  float32: (buffer) => new Float32Array(buffer),
  float64: (buffer) => new Float64Array(buffer),
  int32: (buffer) => new Int32Array(buffer),
  int64: (buffer) => new BigInt64Array(buffer),
  bool: (buffer) => new Uint8Array(buffer),
  uint8: (buffer) => new Uint8Array(buffer),
}

/**
 * Reads a NumPy `.npy` file (versions 1 to 3, little-endian, C order).
 *
 * @throws Error naming what is not supported.
 */
export function readNpy(bytes: Uint8Array, name = 'array'): TensorData {
  const magic = String.fromCharCode(...bytes.subarray(1, 6))
  if (bytes[0] !== 0x93 || magic !== 'NUMPY') throw new Error(`${name}: not a .npy file.`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const long = bytes[6]! >= 2
  const start = long ? 12 : 10
  const end = start + (long ? view.getUint32(8, true) : view.getUint16(8, true))
  const header = new TextDecoder('latin1').decode(bytes.subarray(start, end))
  const descr = /'descr':\s*'([^']+)'/.exec(header)?.[1] ?? ''
  const dtype = dtypes[descr]
  if (!dtype)
    throw new Error(`${name}: element type ${descr} is not supported; expected ${Object.keys(dtypes).join(', ')}.`)
  if (/'fortran_order':\s*True/.test(header)) throw new Error(`${name}: Fortran order is not supported.`)
  const shape = (/'shape':\s*\(([^)]*)\)/.exec(header)?.[1] ?? '')
    .split(',')
    .filter((part) => part.trim() !== '')
    .map(Number)
  // A copy of its own: Buffers share their memory.
  const buffer = new Uint8Array(bytes.subarray(end)).buffer
  return { dtype, shape, data: views[dtype]!(buffer) } as TensorData
}
