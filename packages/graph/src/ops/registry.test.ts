import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test, vi } from 'vitest'
import type { OpDefinition } from '../op.js'
import { ops } from './registry.js'

const here = new URL('.', import.meta.url)
const files = readdirSync(here)
const sources = files.filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
const definitions: readonly OpDefinition[] = Object.values(ops)

const isDefinition = (value: unknown): value is OpDefinition =>
  typeof value === 'object' && value !== null && 'infer' in value && 'grad' in value

describe('the registry', () => {
  test('lists every op under its type', () => {
    for (const [type, op] of Object.entries(ops)) expect(op.type).toBe(type)
  })

  test('forgets no definition of this folder', async () => {
    for (const file of sources) {
      const module = (await import(`./${file.replace('.ts', '.js')}`)) as Record<string, unknown>
      for (const value of Object.values(module))
        if (isDefinition(value)) expect(definitions, `${value.type} of ${file}`).toContain(value)
    }
  })

  test('is in alphabetical order', () => {
    expect(Object.keys(ops)).toEqual(Object.keys(ops).toSorted())
  })

  test('has a test for every op', () => {
    const tests = [...files.filter((file) => file.endsWith('.test.ts')), '../parameter.test.ts'].map((file) =>
      readFileSync(new URL(file, here), 'utf8'),
    )
    const named = (type: string) =>
      tests.some((text) =>
        new RegExp(`checkOp\\(\\s*'${type}'|describe\\('${type}'|type: '${type}'|\\['${type}',`).test(text),
      )
    expect(definitions.map(({ type }) => type).filter((type) => !named(type))).toEqual([])
  })

  test('has a document with its source for every op', () => {
    const text = sources.map((file) => readFileSync(new URL(file, here), 'utf8')).join('\n')
    const undocumented = definitions.filter(({ type, domain }) => {
      if (type === 'Parameter') return false
      const comment = new RegExp(`\\*/\\nexport const ${type}\\b`).test(text)
      return !comment || (domain === '' && !text.includes(`ONNX ${type}-`))
    })
    expect(undocumented.map(({ type }) => type)).toEqual([])
  })

  test('tells ops of our own how to be said in ONNX, all but the leaves', () => {
    const ours = definitions.filter(({ domain }) => domain === 'nemo')
    expect(ours.filter(({ decompose }) => !decompose).map(({ type }) => type)).toEqual(['Input', 'Parameter'])
  })
})

// Ops refer to each other in their gradients, so that files import each other; none may need another while it loads.
describe('loading', () => {
  for (const file of sources) {
    test(`can begin with ${file}`, async () => {
      vi.resetModules()
      expect(Object.keys(await import(`./${file.replace('.ts', '.js')}`)).length).toBeGreaterThan(0)
    })
  }
})
