import { describe, expect, it } from 'vitest'
import { compile } from '../compile.js'
import { grad } from '../grad.js'
import { parameter } from '../parameter.js'
import { ort } from '../runtime/ort/ort.js'
import { add, mul } from './arithmetic.js'
import { batchNormTraining } from './batchNormalization.js'
import { constant, input } from './leaves.js'
import { reduceSum } from './reduction.js'

const feeds = {
  x: { dtype: 'float32', shape: [2, 2, 3], data: Float32Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]) },
} as const

describe('batchNormTraining', () => {
  it('leaves scale and bias as they were, whether they are parameters or constants', async () => {
    const runtime = ort()
    const x = input('x', 'float32', ['B', 2, 'T'])
    const scale = parameter('scale', [1, 1])
    const bias = parameter('bias', [0, 0])
    for (const [s, b] of [
      [scale, bias],
      [constant([1, 1]), constant([0, 0])],
    ] as const) {
      const program = await compile({ y: batchNormTraining(x, s, b, 0).y }, { runtime })
      for (let run = 0; run < 2; run++) {
        const { y } = await program.run(feeds)
        expect(y.data[0]).toBeCloseTo(-4 / Math.sqrt(29 / 3), 5)
      }
    }
    expect([...(await scale.value()).data]).toEqual([1, 1])
    expect([...(await bias.value()).data]).toEqual([0, 0])
  })

  it('keeps the statistics of each application apart when several share scale and bias', async () => {
    const x = input('x', 'float32', ['B', 2, 'T'])
    const [scale, bias] = [parameter('scale', [1, 1]), parameter('bias', [0, 0])]
    const first = batchNormTraining(x, scale, bias, 0)
    const second = batchNormTraining(mul(x, 3), scale, bias, 0)
    const loss = reduceSum(mul(mul(first.y, first.y), add(second.y, mul(x, 0.1))))
    const [dx] = grad(loss, [x])
    const outputs = { ratio: mul(second.variance, 1), mean: mul(first.mean, 1), dx: dx! }
    const values = await (await compile(outputs, { runtime: ort() })).run(feeds)
    expect([...values.mean.data]).toEqual([5, 8])
    expect(values.ratio.data[0]).toBeCloseTo(87, 3)
    // Normalised data do not change when x is scaled, so moving x along x - mean changes only the last factor.
    const along = [...(feeds.x.data as Float32Array)].map((v, i) => v - (i % 6 < 3 ? 5 : 8))
    const slope = along.reduce((sum, v, i) => sum + v * Number(values.dx.data[i]), 0)
    const expected = along.reduce((sum, v) => sum + (v ** 2 / (29 / 3)) * 0.1 * v, 0)
    expect(slope).toBeCloseTo(expected, 3)
  })
})
