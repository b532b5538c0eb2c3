import { expect, test } from 'vitest'
import { compile } from '../../compile.js'
import { mul } from '../../ops/arithmetic.js'
import { input } from '../../ops/leaves.js'
import { reduceSum } from '../../ops/reduction.js'
import { parameter } from '../../parameter.js'
import { ort } from './ort.js'

test.each([false, true])(
  'a program tells the bytes of its parameters and of their second buffers (worker %s)',
  async (worker) => {
    const runtime = ort({ threads: 1, worker })
    const [read, updated] = [parameter('a', new Float32Array(100)), parameter('b', new Float32Array(1000))]
    const x = input('x', 'float32', [])
    const program = await compile({ y: reduceSum(mul(read, x)) }, { runtime, updates: [[updated, mul(updated, x)]] })
    const before = await program.memory()
    expect(before.workspaceBytes).toBe(0)
    for (let run = 0; run < 3; run++) await program.run({ x: 2 })
    const after = await program.memory()
    expect(after.parameterBytes).toBe(4400)
    expect(after.updateBytes).toBe(4000)
    expect(after.peakResidentBytes).toBeGreaterThan(4400)
    expect(after.workspaceBytes).toBeGreaterThanOrEqual(0)
    await runtime.dispose()
  },
)
