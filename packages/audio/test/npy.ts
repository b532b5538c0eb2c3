import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Path of a fixture of this package. */
export function fixture(name: string): string {
  return fileURLToPath(new URL(`fixtures/${name}`, import.meta.url))
}

/** Bytes of a fixture. */
export function fixtureBytes(name: string): Uint8Array {
  return new Uint8Array(readFileSync(fixture(name)))
}

/** A little-endian float32 `.npy` fixture, flat. */
export function float32Npy(name: string): Float32Array {
  const bytes = fixtureBytes(name)
  const headerBytes = new DataView(bytes.buffer).getUint16(8, true)
  const header = new TextDecoder().decode(bytes.subarray(10, 10 + headerBytes))
  if (!header.includes("'<f4'")) throw new Error(`${name} is not float32: ${header}`)
  return new Float32Array(bytes.slice(10 + headerBytes).buffer)
}

/** Largest `|a - b|`, Infinity when lengths differ. */
export function maxDifference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY
  return a.reduce((largest, value, t) => Math.max(largest, Math.abs(value - b[t]!)), 0)
}
