import { describe, expect, test } from 'vitest'
import { compile } from './compile.js'
import { DTypeError, FeedError } from './errors.js'
import { grad } from './grad.js'
import { add, mul } from './ops/arithmetic.js'
import { input } from './ops/leaves.js'
import { reduceSum } from './ops/reduction.js'
import { parameter } from './parameter.js'
import { ort } from './runtime/ort/ort.js'

describe('Parameter', () => {
  test("is a tensor of its value's dtype and shape", async () => {
    const w = parameter('w', [[1, 2, 3]])
    expect(String(w)).toBe('float32[1, 3]')
    expect([...(await w.value()).data]).toEqual([1, 2, 3])
    expect(parameter('n', [1], { dtype: 'int64' }).dtype).toBe('int64')
  })

  test('roles other than weights want no gradient', () => {
    expect(parameter('w', 0).requiresGrad).toBe(true)
    expect(parameter('mean', 0, { role: 'buffer' }).requiresGrad).toBe(false)
    expect(parameter('moment', 0, { role: 'state' }).requiresGrad).toBe(false)
  })

  test('takes values of its own shape and dtype only', () => {
    const w = parameter('layer.w', [[1, 2]])
    expect(() => w.set({ dtype: 'float32', shape: [2], data: new Float32Array(2) })).toThrow(FeedError)
    expect(() => w.set({ dtype: 'float32', shape: [2], data: new Float32Array(2) })).toThrow(
      'layer.w: expected shape [1, 2], found [2]',
    )
    expect(() => w.set({ dtype: 'int32', shape: [1, 2], data: new Int32Array(2) })).toThrow(DTypeError)
  })

  test('counts its changes, by set and by programs, but not its moves', async () => {
    const w = parameter('w', 1)
    const runtime = ort({ threads: 1 })
    expect(w.version).toBe(0)
    w.set(2)
    expect(w.version).toBe(1)
    const program = await compile({ w }, { runtime, updates: [[w, add(w, 1)]] })
    await program.run()
    expect(w.version).toBe(2)
    await runtime.dispose()
    expect(w.version).toBe(2)
    expect((await w.value()).data[0]).toBe(3)
  })

  test('copies what it is given: later writes to the array change nothing', async () => {
    const w = parameter('w', [0, 0])
    const data = Float32Array.of(1, 2)
    w.set(data)
    const program = await compile({ y: mul(w, 1) }, { runtime: ort({ threads: 1 }) })
    await program.run()
    data[0] = 99
    expect([...(await program.run()).y.data]).toEqual([1, 2])
  })

  test('can be differentiated for', async () => {
    const w = parameter('w', [3, 4])
    const x = input('x', 'float32', [2])
    const program = await compile({ g: grad(reduceSum(mul(mul(w, w), x)), [w])[0]! }, { runtime: ort({ threads: 1 }) })
    expect([...(await program.run({ x: [1, 2] })).g.data]).toEqual([6, 16])
  })
})
