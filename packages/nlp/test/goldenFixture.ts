import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { readSafetensors } from '@nemo/core'
import type { TensorData } from '@nemo/graph'
import { expect } from 'vitest'

/** A fixture packed by tools/goldens/src/packNlpFixtures.ts. */
export interface GoldenFixture<Json> {
  /** What case.json says. */
  readonly json: Json & {
    readonly arrays: Readonly<Record<string, { readonly atol?: number; readonly rtol?: number }>>
  }
  has(name: string): boolean
  array(name: string): TensorData
  /** Fails unless |got - want| <= atol + rtol |want| everywhere, by the array's own tolerance. */
  expectClose(name: string, got: TensorData | undefined): void
}

/** Reads a fixture by its name. */
export function goldenFixture<Json>(name: string): GoldenFixture<Json> {
  const path = fileURLToPath(new URL(`fixtures/${name}.safetensors`, import.meta.url))
  const { tensors, metadata } = readSafetensors(new Uint8Array(readFileSync(path)), { name })
  const json = JSON.parse(metadata.get('case')!) as GoldenFixture<Json>['json']
  const array = (key: string): TensorData => {
    const found = tensors.get(key)
    if (!found) throw new Error(`${name} holds no array ${key}`)
    return found
  }
  return {
    json,
    array,
    has: (key) => tensors.has(key),
    expectClose(key, got) {
      const { atol = 0, rtol = 0 } = json.arrays[key]!
      expectClose(key, got, array(key), atol, rtol)
    },
  }
}

/** Fails unless shapes are equal, and |got - want| <= atol + rtol |want| everywhere; infinities must coincide. */
export function expectClose(what: string, got: TensorData | undefined, want: TensorData, atol: number, rtol = 0): void {
  expect(got?.shape, what).toEqual([...want.shape])
  let worst = { excess: 0, at: -1, got: 0, want: 0 }
  for (let i = 0; i < want.data.length; i++) {
    const [a, b] = [Number(got!.data[i]), Number(want.data[i])]
    if (Object.is(a, b) || a === b) continue
    const excess = Math.abs(a - b) - atol - rtol * Math.abs(b)
    if (!(excess <= worst.excess)) worst = { excess, at: i, got: a, want: b }
  }
  expect(worst, what).toEqual({ excess: 0, at: -1, got: 0, want: 0 })
}
