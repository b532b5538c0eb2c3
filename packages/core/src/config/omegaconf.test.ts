import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { Config } from './config.js'
import type { ConfigObject } from './configValue.js'
import { parseOverride } from './override.js'
import { parseYaml } from './parseYaml.js'
import { enumerateSweep } from './sweep.js'

// Made by tools/reference/omegaconfCases.py with OmegaConf 2.3 and Hydra 1.3.
interface Case {
  readonly value?: unknown
  readonly error?: boolean
}
interface Reference {
  readonly scalars: Record<string, Case>
  readonly overrides: Record<string, Case & { type: string; key: string; package: string | null; sweep?: unknown }>
  readonly interpolated: ConfigObject
  readonly texts: Record<string, Case>
}
const reference = JSON.parse(
  readFileSync(new URL('../../test/fixtures/config/omegaconf.json', import.meta.url), 'utf8'),
) as Reference

/** JSON has no NaN, infinity or negative zero. */
function jsonable(value: unknown): unknown {
  if (typeof value === 'number') {
    if (Number.isNaN(value)) return { $: 'nan' }
    if (!Number.isFinite(value)) return { $: value > 0 ? 'inf' : '-inf' }
    return value === 0 ? 0 : value
  }
  if (Array.isArray(value)) return value.map(jsonable)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, jsonable(item)]))
}

const TYPES = { change: 'CHANGE', add: 'ADD', forceAdd: 'FORCE_ADD', delete: 'DEL' }

describe('OmegaConf and Hydra give the same', () => {
  it.each(Object.entries(reference.scalars))('YAML scalar %j', (text, { value, error }) => {
    const read = (): unknown => parseYaml(`k: ${text}`)
    if (error) expect(read).toThrow()
    else expect(jsonable(read())).toEqual(jsonable({ k: value }))
  })

  it.each(Object.entries(reference.overrides))('override %s', (text, expected) => {
    if (expected.error) {
      expect(() => parseOverride(text)).toThrow()
      return
    }
    const override = parseOverride(text)
    const parsed = {
      type: TYPES[override.type],
      key: override.key,
      package: override.package ?? null,
      ...(override.sweep === undefined
        ? { value: jsonable(override.value ?? null) }
        : { sweep: override.sweep.kind === 'interval' ? 'interval' : jsonable(enumerateSweep(override.sweep)) }),
    }
    expect(parsed).toEqual(jsonable(expected))
  })

  it.each(Object.entries(reference.texts))('interpolated text %s', (text, { value, error }) => {
    const config = new Config({ ...reference.interpolated, value: text })
    const read = (): unknown => config.valueAt('value')
    if (error) expect(read).toThrow()
    else expect(jsonable(read())).toEqual(jsonable(value))
  })
})
