import { compile, input, matMul } from '@nemo/graph'
import { expect, test } from 'vitest'
import { type TuningStore, webgpu } from '../src/index.js'
import { CANDIDATES, DEFAULT_TILES, tunedTiles } from '../src/tuning.js'
import { testDevice } from './kernelCheck.js'

function memory(text?: string): TuningStore & { text: string | undefined } {
  return {
    text,
    async load() {
      return this.text
    },
    async save(next) {
      this.text = next
    },
  }
}

const never = () => Promise.reject(new Error('Nothing was to be measured.'))

test('the fastest tiles are taken and saved, and not measured again', async () => {
  const store = memory()
  const wanted = { large: CANDIDATES[5]!, small: CANDIDATES[1]! }
  const measured: string[] = []
  const tiles = await tunedTiles('GPU A', store, async (kind, tile) => {
    measured.push(kind)
    return tile === wanted[kind] ? 1 : 2
  })
  expect(tiles).toEqual(wanted)
  expect(measured.length).toBe(2 * CANDIDATES.length)
  expect(await tunedTiles('GPU A', store, never)).toEqual(wanted)
  // Another device is measured for itself, and the first is kept.
  await tunedTiles('GPU B', store, async () => 1)
  expect(await tunedTiles('GPU A', store, never)).toEqual(wanted)
})

test.each([
  ['no JSON', '{'],
  ['null', 'null'],
  ['another version', '{"version":0,"adapters":{"GPU":{}}}'],
  ['tiles that no kernel has', '{"version":1,"adapters":{"GPU":{"large":{"edge":9,"depth":16},"small":{}}}}'],
])('a store with %s is measured anew', async (_, text) => {
  const store = memory(text)
  await tunedTiles('GPU', store, async () => 1)
  expect(await tunedTiles('GPU', store, never)).toEqual({ large: CANDIDATES[0], small: CANDIDATES[0] })
})

test('products are right with every tile', async () => {
  await testDevice()
  for (const tile of CANDIDATES) {
    const adapters = { [(await testDevice()).adapter]: { large: tile, small: tile } }
    const runtime = await webgpu({ tuning: memory(JSON.stringify({ version: 1, adapters })) })
    const [n, k] = [tile === CANDIDATES[4] ? 770 : 70, 45]
    const program = await compile(
      { y: matMul(input('a', 'float32', ['N', k]), input('b', 'float32', [k, 'N'])) },
      { runtime },
    )
    const data = (at: number) => Float32Array.from({ length: n * k }, (_, i) => ((i * at) % 5) - 2)
    const [a, b] = [data(3), data(7)]
    const { y } = await program.run({
      a: { dtype: 'float32', shape: [n, k], data: a },
      b: { dtype: 'float32', shape: [k, n], data: b },
    })
    for (const [row, column] of [
      [0, 0],
      [n - 1, n - 1],
      [63, 64],
      [17, 33],
    ] as const) {
      let sum = 0
      for (let i = 0; i < k; i++) sum += a[row * k + i]! * b[i * n + column]!
      expect(y.data[row * n + column]).toBe(sum)
    }
    await runtime.dispose()
  }
})

test('a device is measured when it is opened', async () => {
  await testDevice()
  const store = memory()
  const runtime = await webgpu({ tuning: store })
  expect(Object.keys((JSON.parse(store.text!) as { adapters: object }).adapters)).toEqual([runtime.adapter])
  await runtime.dispose()
  expect(CANDIDATES).toContainEqual(DEFAULT_TILES.large)
})
