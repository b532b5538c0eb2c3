import { expect, test } from 'vitest'
import { expectLoweringAgrees, lowered } from '../../../../test/loweringCheck.js'
import { typesIn } from '../../../../test/opCheck.js'
import { grad } from '../../../grad.js'
import { relu } from '../../../ops/activation.js'
import { mul } from '../../../ops/arithmetic.js'
import { input } from '../../../ops/leaves.js'
import { reduceSum } from '../../../ops/reduction.js'
import { sign } from '../../../ops/rounding.js'

test("the gradient of ReLU is dy's where x > 0, for normal floats of all sizes, zeros and infinity", async () => {
  const x = input('x', 'float32', ['N'])
  const [gx] = grad(reduceSum(mul(relu(x), input('dy', 'float32', ['N']))), [x])
  expect(typesIn(lowered([gx!]))).toContain('HardSigmoid')
  const edge = [-1, -0, 0, 1, 1.2e-38, -1.2e-38, 1e-20, 3.4e38, -3.4e38, Number.POSITIVE_INFINITY]
  const data = Float32Array.from(edge)
  const dy = data.map((_, i) => i - 3.5)
  const value = (values: Float32Array) => ({ dtype: 'float32', shape: [values.length], data: values }) as const
  await expectLoweringAgrees({ gx: gx! }, [{ x: value(data), dy: value(dy) }], { absolute: 0, relative: 0 })
})

test('other signs stay', () => {
  expect(typesIn(lowered([sign(input('x', 'float32', ['N']))]))).toContain('Sign')
})
