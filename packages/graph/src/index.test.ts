import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import * as graph from './index.js'

// Parts that gradients and executors share, with no meaning of their own for a user.
const PRIVATE = new Set([
  'broadcastIndex',
  'close',
  'convAttributes',
  'convInputGradient',
  'convLength',
  'convWeightGradient',
  'flippedWeight',
  'logSumExpOf',
  'reshapeTo',
  'unbroadcast',
])

test('every builder of ops is public', async () => {
  const folder = new URL('./ops/', import.meta.url)
  const missing: string[] = []
  for (const file of readdirSync(folder)) {
    if (!file.endsWith('.ts') || file.endsWith('.test.ts')) continue
    const names = Object.entries((await import(`./ops/${file.replace('.ts', '.js')}`)) as Record<string, unknown>)
      .filter(([name, value]) => typeof value === 'function' && /^[a-z]/.test(name))
      .map(([name]) => name)
    missing.push(...names.filter((name) => !(name in graph) && !PRIVATE.has(name)))
  }
  expect(missing).toEqual([])
})

test('no public name hides a global function or constructor of JavaScript', () => {
  const globals = new Set(Object.getOwnPropertyNames(globalThis))
  expect(Object.keys(graph).filter((name) => globals.has(name))).toEqual([])
})
