import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { DType, TensorData } from '../src/dtype.js'

const ARRAYS = { '<f4': ['float32', Float32Array], '<i8': ['int64', BigInt64Array] } as const

/** Text of a fixture of this package. */
export function fixtureText(name: string): string {
  return readFileSync(fileURLToPath(new URL(`fixtures/${name}`, import.meta.url)), 'utf8')
}

/** A float32 or int64 `.npy` fixture in C order. */
export function npyFixture(name: string): TensorData {
  const bytes = new Uint8Array(readFileSync(fileURLToPath(new URL(`fixtures/${name}`, import.meta.url))))
  const headerBytes = new DataView(bytes.buffer).getUint16(8, true)
  const header = new TextDecoder().decode(bytes.subarray(10, 10 + headerBytes))
  const found = /'descr': '(<f4|<i8)', 'fortran_order': False, 'shape': \(([\d, ]*)\)/.exec(header)
  if (!found) throw new Error(`${name}: unexpected header ${header}`)
  const [dtype, ArrayType] = ARRAYS[found[1] as keyof typeof ARRAYS]
  const shape = found[2]!.split(',').flatMap((part) => (part.trim() === '' ? [] : [Number(part)]))
  return { dtype: dtype as DType, shape, data: new ArrayType(bytes.slice(10 + headerBytes).buffer) }
}
