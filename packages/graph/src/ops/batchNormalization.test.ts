import { describe, expect, it, test } from 'vitest'
import { normalized, populationVariance } from '../../test/normalization.js'
import { checkOp } from '../../test/opCheck.js'
import { elementwise, type ReferenceArray, reduceWith, reshaped, total } from '../../test/referenceArray.js'
import { compile } from '../compile.js'
import { ShapeError } from '../errors.js'
import { grad } from '../grad.js'
import { applyOp } from '../op.js'
import { parameter } from '../parameter.js'
import { ort } from '../runtime/ort/ort.js'
import { add, mul } from './arithmetic.js'
import { batchNormInference, batchNormTraining, moments } from './batchNormalization.js'
import { constant, input } from './leaves.js'
import { reduceSum } from './reduction.js'
import { ops } from './registry.js'

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

const EPSILON = 0.125
const column = (x: ReferenceArray, rank: number) => reshaped(x, [x.shape[0]!, ...new Array<number>(rank - 2).fill(1)])
const vector = (x: ReferenceArray) => reshaped(x, [x.data.length])
const meanOver = (x: ReferenceArray, axes: readonly number[]) => reduceWith(x, axes, true, (v) => total(v) / v.length)
const common = {
  sizes: [
    { B: 2, T: 5 },
    { B: 3, T: 1 },
  ],
  secondOrder: true,
  gradientTolerance: { absolute: 2e-3, relative: 2e-3 },
} as const

for (const shape of [
  ['B', 3, 'T'],
  ['B', 3],
  ['B', 3, 'T', 2],
]) {
  const axes = shape.flatMap((_, i) => (i === 1 ? [] : [i]))
  const affine = (normal: ReferenceArray, scale: ReferenceArray, bias: ReferenceArray) =>
    elementwise((n, g, o) => n * g + o, normal, column(scale, shape.length), column(bias, shape.length))

  checkOp('BatchNormalization', `by given statistics of [${shape}]`, {
    ...common,
    inputs: [{ shape }, { shape: [3] }, { shape: [3] }, { shape: [3] }, { shape: [3], values: [0.5, 2] }],
    build: ([x, s, b, m, v]) => batchNormInference(x!, s!, b!, m!, v!, EPSILON),
    reference: ([x, s, b, m, v]) => {
      const normal = elementwise(
        (e, mean, variance) => (e - mean) / Math.sqrt(variance + EPSILON),
        x!,
        column(m!, shape.length),
        column(v!, shape.length),
      )
      return affine(normal, s!, b!)
    },
  })
  checkOp('BatchNormalization', `by the statistics of the batch [${shape}], which are differentiable too`, {
    ...common,
    inputs: [{ shape }, { shape: [3] }, { shape: [3] }],
    build: ([x, s, b]) => {
      const { y, mean, variance } = batchNormTraining(x!, s!, b!, EPSILON)
      return [y, mean, variance]
    },
    reference: ([x, s, b]) => [
      affine(normalized(x!, axes, EPSILON), s!, b!),
      vector(meanOver(x!, axes)),
      vector(populationVariance(x!, axes)),
    ],
  })
}
checkOp('BatchNormalization', 'blends running statistics by its momentum', {
  ...common,
  inputs: [{ shape: ['B', 3, 'T'] }, { shape: [3] }, { shape: [3] }, { shape: [3] }, { shape: [3], values: [0.5, 2] }],
  build: ([x, s, b, m, v]) =>
    applyOp(ops.BatchNormalization, [x!, s!, b!, m!, v!], { epsilon: EPSILON, momentum: 0.75, training_mode: 1 }, 3),
  reference: ([x, s, b, m, v]) => {
    const blend = (running: ReferenceArray, batch: ReferenceArray) =>
      elementwise((r, n) => 0.75 * r + 0.25 * n, running, vector(batch))
    const normal = normalized(x!, [0, 2], EPSILON)
    return [
      elementwise((n, g, o) => n * g + o, normal, column(s!, 3), column(b!, 3)),
      blend(m!, meanOver(x!, [0, 2])),
      blend(v!, populationVariance(x!, [0, 2])),
    ]
  },
})
checkOp('ReduceMean', 'in moments gives mean and population variance', {
  ...common,
  inputs: [{ shape: ['B', 3, 'T'] }],
  build: ([x]) => {
    const { mean, variance } = moments(x!, [0, 2])
    return [mean, variance]
  },
  reference: ([x]) => [meanOver(x!, [0, 2]), populationVariance(x!, [0, 2])],
})

test('statistics of other sizes are an error', () => {
  const f = (shape: readonly number[]) => input('f', 'float32', shape)
  expect(() => batchNormTraining(f([2, 3, 4]), f([2]), f([3]), 1e-3)).toThrow(ShapeError)
})
