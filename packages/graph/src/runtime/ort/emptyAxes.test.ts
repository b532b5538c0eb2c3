import { expect, test } from 'vitest'
import { compile } from '../../compile.js'
import { grad } from '../../grad.js'
import { conv } from '../../ops/conv.js'
import { input } from '../../ops/leaves.js'
import { reduceSum } from '../../ops/reduction.js'
import { parameter } from '../../parameter.js'
import { ort } from './ort.js'

test('a batch of nothing has gradients of zero, between batches that the fast kernels take', async () => {
  const w = parameter('w', { dtype: 'float32', shape: [16, 1, 3], data: new Float32Array(48).fill(1) })
  const x = input('x', 'float32', ['B', 16, 'T'])
  const y = conv(x, w, undefined, { group: 16, pads: 1 })
  const [gw] = grad(reduceSum(y), [w])
  const program = await compile({ y, gw: gw! }, { runtime: ort({ threads: 1 }) })
  const feed = (batch: number) => ({
    x: { dtype: 'float32', shape: [batch, 16, 4], data: new Float32Array(batch * 64).fill(1) } as const,
  })
  for (const batch of [1, 0, 2]) {
    const found = await program.run(feed(batch))
    expect(found.y.shape).toEqual([batch, 16, 4])
    expect(found.gw.data[1]).toBe(4 * batch)
  }
  await program.dispose()
})
