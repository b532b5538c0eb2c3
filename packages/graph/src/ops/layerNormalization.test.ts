import { describe, expect, test } from 'vitest'
import { normalized, populationVariance } from '../../test/normalization.js'
import { checkOp, typesIn } from '../../test/opCheck.js'
import { elementwise, reduceWith, total } from '../../test/referenceArray.js'
import { ShapeError } from '../errors.js'
import { applyOp } from '../op.js'
import { simplify } from '../rewrite/simplify.js'
import { layerNorm } from './layerNormalization.js'
import { input } from './leaves.js'
import { ops } from './registry.js'

const SIZES = [
  { B: 2, T: 5 },
  { B: 1, T: 1 },
  { B: 3, T: 2 },
]
const common = { sizes: SIZES, secondOrder: true, gradientTolerance: { absolute: 2e-3, relative: 2e-3 } } as const

checkOp('LayerNormalization', 'over the last axis', {
  ...common,
  inputs: [{ shape: ['B', 'T', 6] }, { shape: [6] }, { shape: [6] }],
  build: ([x, scale, bias]) => layerNorm(x!, scale!, bias!, { epsilon: 1e-3 }),
  reference: ([x, scale, bias]) =>
    elementwise((n, s, b) => n * s + b, normalized(x!, [2], Math.fround(1e-3)), scale!, bias!),
})
checkOp('LayerNormalization', 'over several axes, one of them symbolic, without a bias', {
  ...common,
  inputs: [{ shape: ['B', 'T', 6] }, { shape: ['T', 6] }],
  build: ([x, scale]) => layerNorm(x!, scale!, undefined, { epsilon: 0.1 }),
  reference: ([x, scale]) => elementwise((n, s) => n * s, normalized(x!, [1, 2], Math.fround(0.1)), scale!),
})
checkOp('LayerNormalization', 'gives mean and inverse deviation, differentiable too', {
  ...common,
  inputs: [{ shape: ['B', 'T', 6] }, { shape: [6] }],
  build: ([x, scale]) => applyOp(ops.LayerNormalization, [x!, scale!], { epsilon: 0.25 }, 3),
  reference: ([x, scale]) => [
    elementwise((n, s) => n * s, normalized(x!, [2], 0.25), scale!),
    reduceWith(x!, [2], true, (v) => total(v) / v.length),
    elementwise((v) => 1 / Math.sqrt(v + 0.25), populationVariance(x!, [2])),
  ],
})

describe('the node', () => {
  const x = input('x', 'float32', ['B', 4])
  const scale = input('scale', 'float32', [4])

  test('has one output where nobody reads the statistics', () => {
    const [y] = simplify([layerNorm(x, scale)])
    expect(y!.node.outputs.length).toBe(1)
    expect(typesIn([y!])).toContain('LayerNormalization')
  })

  test('refuses a scale of more axes than it normalises', () => {
    expect(() => layerNorm(x, input('s', 'float32', [2, 4]), undefined, { axis: -1 })).toThrow(ShapeError)
  })
})
