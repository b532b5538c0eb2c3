import { expect, test } from 'vitest'
import { checkOp, EDGE_SIZES } from '../../test/opCheck.js'
import { elementwise } from '../../test/referenceArray.js'
import { ShapeError } from '../errors.js'
import { applyOp } from '../op.js'
import { constant, input } from './leaves.js'
import { ops } from './registry.js'

checkOp('Dropout', 'of an imported model is the identity', {
  inputs: [{ shape: ['B', 'T'] }],
  sizes: EDGE_SIZES,
  build: ([x]) => applyOp(ops.Dropout, [x!, constant(0.5), constant(false, 'bool')], {}, 2),
  reference: ([x]) => [x!, elementwise(() => 1, x!)],
})

test('ONNX training mode is refused, for nobody could reproduce it', () => {
  expect(() => applyOp(ops.Dropout, [input('x', 'float32', [2]), constant(0.5), constant(true, 'bool')])).toThrow(
    ShapeError,
  )
})
