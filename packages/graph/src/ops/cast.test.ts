import { expect, test } from 'vitest'
import { checkOp, EDGE_SIZES } from '../../test/opCheck.js'
import { elementwise } from '../../test/referenceArray.js'
import { runOnce } from '../../test/runOnce.js'
import { grad } from '../grad.js'
import { add, mul } from './arithmetic.js'
import { cast, identity, stopGradient } from './cast.js'
import { constant, input } from './leaves.js'
import { reduceSum } from './reduction.js'

checkOp('Cast', 'to int64 truncates and stops the gradient', {
  inputs: [{ shape: ['B', 'T'] }],
  sizes: EDGE_SIZES,
  build: ([x]) => [cast(x!, 'int64'), cast(cast(x!, 'int64'), 'float32')],
  reference: ([x]) => [elementwise(Math.trunc, x!), elementwise(Math.trunc, x!)],
})
checkOp('Cast', 'between float types passes the gradient', {
  inputs: [{ shape: ['B', 'T'] }],
  sizes: EDGE_SIZES,
  build: ([x]) => cast(x!, 'float64'),
  reference: ([x]) => x!,
})
checkOp('Cast', 'to bool is true for every number but 0', {
  inputs: [{ shape: ['B', 'T'], values: (random) => Math.floor(random() * 3) / 2, differentiable: false }],
  sizes: EDGE_SIZES,
  build: ([x]) => cast(x!, 'bool'),
  reference: ([x]) => elementwise((v) => Number(v !== 0), x!),
})
checkOp('Identity', 'passes values and gradients', {
  inputs: [{ shape: ['B', 'T'] }],
  sizes: EDGE_SIZES,
  build: ([x]) => identity(x!),
  reference: ([x]) => x!,
})
checkOp('StopGradient', 'passes values of any shape', {
  inputs: [{ shape: ['B', 'T'], differentiable: false }],
  sizes: EDGE_SIZES,
  build: ([x]) => stopGradient(x!),
  reference: ([x]) => x!,
})

test('StopGradient lets no gradient through', async () => {
  const x = input('x', 'float32', [3])
  const loss = reduceSum(add(mul(x, stopGradient(x)), stopGradient(mul(x, x))))
  const { g } = await runOnce({ g: grad(loss, [x])[0]! }, { x: [1, 2, 3] })
  expect([...g.data]).toEqual([1, 2, 3])
})

test('casting constants folds to the same numbers that a run computes', async () => {
  const values = [-1.7, -0.2, 0, 0.9, 300]
  const x = input('x', 'float32', [5])
  for (const dtype of ['int64', 'int32', 'bool', 'float64'] as const) {
    const { folded, computed } = await runOnce(
      { folded: cast(constant(values), dtype), computed: cast(x, dtype) },
      { x: values },
    )
    expect([...folded.data], dtype).toEqual([...computed.data])
  }
})
