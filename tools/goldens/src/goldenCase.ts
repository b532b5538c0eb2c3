import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TensorData } from '@nemo/graph'
import { readNpy } from './npy.js'

/** What `case.json` says about one array. */
export interface ArraySpec {
  readonly file: string
  readonly dtype: string
  readonly shape: readonly number[]
  /** Arrays without tolerance are inputs. */
  readonly atol?: number
  readonly rtol?: number
}

/** Whether a folder is a case: it has a `case.json`, or, as those made by other programs, a `scores.json`. */
export const isCaseFolder = (folder: string): boolean =>
  ['case.json', 'scores.json'].some((file) => existsSync(join(folder, file)))

// What case.json says; without it, the JSON files of the folder by their names.
function readDescription(folder: string): Record<string, unknown> {
  const read = (file: string) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as unknown
  if (existsSync(join(folder, 'case.json'))) return read('case.json') as Record<string, unknown>
  const files = readdirSync(folder).filter((file) => file.endsWith('.json'))
  return Object.fromEntries(files.map((file) => [file.slice(0, -'.json'.length), read(file)]))
}

/** A case folder: `case.json` and the arrays that it lists. */
export class GoldenCase {
  readonly name: string
  /** Everything that `case.json` says. */
  readonly json: Readonly<Record<string, unknown>>
  readonly arrays: Readonly<Record<string, ArraySpec>>

  constructor(readonly folder: string) {
    this.json = readDescription(folder)
    this.name = String(this.json.name ?? folder)
    this.arrays = (this.json.arrays ?? {}) as Record<string, ArraySpec>
  }

  /** The list of objects under a key of `case.json`; empty if there is none. */
  list<T>(key: string): readonly T[] {
    const value = this.json[key]
    return Array.isArray(value) ? (value as readonly T[]) : []
  }

  /** Whether `case.json` lists an array. */
  has(name: string): boolean {
    return Object.hasOwn(this.arrays, name)
  }

  /** What `case.json` says about an array. */
  spec(name: string): ArraySpec {
    const spec = this.arrays[name]
    if (!spec) throw new Error(`${this.name}: case.json lists no array ${name}.`)
    return spec
  }

  /** Reads an array. */
  array(name: string): TensorData {
    const { file } = this.spec(name)
    return readNpy(readFileSync(join(this.folder, file)), `${this.name}/${file}`)
  }
}
