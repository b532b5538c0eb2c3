import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TensorData } from '@nemo/graph'
import { afterEach, describe, expect, it } from 'vitest'
import { Comparison } from '../src/comparison.js'
import { GoldenCase } from '../src/goldenCase.js'
import { readNpy } from '../src/npy.js'

/** A version 1 `.npy` file. */
function npy(descr: string, shape: readonly number[], data: ArrayBufferView): Uint8Array {
  const tuple = shape.length === 1 ? `${shape[0]},` : shape.join(', ')
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${tuple}), }`
  const header = text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11 + 0).concat('\n')
  const bytes = new Uint8Array(10 + header.length + data.byteLength)
  bytes.set([0x93, ...new TextEncoder().encode('NUMPY'), 1, 0, header.length & 255, header.length >> 8])
  bytes.set(new TextEncoder().encode(header), 10)
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 10 + header.length)
  return bytes
}

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

function goldenCase(values: readonly number[], tolerance: { atol?: number; rtol?: number }): GoldenCase {
  const folder = mkdtempSync(join(tmpdir(), 'golden-'))
  folders.push(folder)
  mkdirSync(join(folder, 'a'))
  writeFileSync(join(folder, 'a', 'x.npy'), npy('<f4', [values.length], Float32Array.from(values)))
  const spec = { file: 'a/x.npy', dtype: 'float32', shape: [values.length], ...tolerance }
  writeFileSync(join(folder, 'case.json'), JSON.stringify({ name: 'made-up', arrays: { 'a/x': spec } }))
  return new GoldenCase(folder)
}

const float32 = (...values: number[]): TensorData => ({
  dtype: 'float32',
  shape: [values.length],
  data: Float32Array.from(values),
})

function ratioOf(golden: GoldenCase, got: TensorData): number {
  const comparison = new Comparison(golden)
  comparison.array('a/x', got)
  return comparison.worst!.ratio
}

describe('readNpy', () => {
  it('reads scalars, vectors and matrices of the stored element types', () => {
    expect(readNpy(npy('<f4', [2, 2], Float32Array.from([1, 2, 3, 4])))).toEqual({
      dtype: 'float32',
      shape: [2, 2],
      data: Float32Array.from([1, 2, 3, 4]),
    })
    expect(readNpy(npy('<i8', [1], BigInt64Array.from([-5n])))).toEqual({
      dtype: 'int64',
      shape: [1],
      data: BigInt64Array.from([-5n]),
    })
    expect(readNpy(npy('<f8', [], Float64Array.from([0.5])))).toEqual({
      dtype: 'float64',
      shape: [],
      data: Float64Array.from([0.5]),
    })
  })

  it('does not read past a Buffer that shares its memory', () => {
    const bytes = Buffer.from(npy('<f4', [1], Float32Array.from([7])))
    expect([...readNpy(bytes).data]).toEqual([7])
  })

  it('says what it cannot read', () => {
    expect(() => readNpy(new Uint8Array(20), 'x.npy')).toThrow('x.npy: not a .npy file.')
    expect(() => readNpy(npy('<c8', [1], new Float32Array(2)), 'x.npy')).toThrow(/element type <c8 is not supported/)
  })
})

describe('Comparison', () => {
  it('measures errors in units of atol + rtol |want|', () => {
    const golden = goldenCase([1, 10], { atol: 0.1, rtol: 0.01 })
    expect(ratioOf(golden, float32(1.055, 10))).toBeCloseTo(0.5, 4)
    expect(ratioOf(golden, float32(1, 10.4))).toBeCloseTo(2, 4)
    expect(ratioOf(golden, float32(1, 10))).toBe(0)
  })

  it('fails any difference where there is no tolerance', () => {
    expect(ratioOf(goldenCase([1], { atol: 0 }), float32(1.0001))).toBe(Number.POSITIVE_INFINITY)
  })

  it('wants infinities and NaNs to coincide', () => {
    const golden = goldenCase([Number.POSITIVE_INFINITY, Number.NaN], { atol: 1 })
    expect(ratioOf(golden, float32(Number.POSITIVE_INFINITY, Number.NaN))).toBe(0)
    expect(ratioOf(golden, float32(Number.NEGATIVE_INFINITY, Number.NaN))).toBe(Number.POSITIVE_INFINITY)
    expect(ratioOf(golden, float32(Number.POSITIVE_INFINITY, 0))).toBe(Number.POSITIVE_INFINITY)
    expect(ratioOf(goldenCase([1], { atol: 1 }), float32(Number.NaN))).toBe(Number.POSITIVE_INFINITY)
  })

  it('fails other shapes and says both', () => {
    const comparison = new Comparison(goldenCase([1, 2], { atol: 1 }))
    comparison.array('a/x', float32(1, 2, 3))
    expect(comparison.failures.map(({ problem }) => problem)).toEqual(['shape [3], expected [2]'])
  })
})
