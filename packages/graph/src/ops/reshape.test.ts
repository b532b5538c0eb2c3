import { describe, expect, test } from 'vitest'
import { checkOp, EDGE_SIZES, typesIn } from '../../test/opCheck.js'
import { reshaped, sizeOfShape } from '../../test/referenceArray.js'
import { ShapeError } from '../errors.js'
import { apply1 } from '../op.js'
import { constant, input } from './leaves.js'
import { ops } from './registry.js'
import { flatten, reshape, reshapeLike, squeeze, unsqueeze } from './reshape.js'

const common = { inputs: [{ shape: ['B', 6, 'T'] }], sizes: EDGE_SIZES, secondOrder: true } as const

checkOp('Reshape', 'splits an axis and keeps the others', {
  ...common,
  build: ([x]) => reshape(x!, [x!.shape[0]!, 2, 3, x!.shape[2]!]),
  reference: ([x], { B, T }) => reshaped(x!, [B!, 2, 3, T!]),
})
checkOp('Reshape', 'joins symbolic axes', {
  ...common,
  build: ([x], { B, T }) => reshape(x!, typeof x!.shape[0] === 'number' ? [B! * 6, T!] : ['6*B', 'T']),
  reference: ([x], { B, T }) => reshaped(x!, [B! * 6, T!]),
})
checkOp('Reshape', 'works out one axis', {
  ...common,
  sizes: EDGE_SIZES,
  build: ([x]) => [reshape(x!, [-1]), reshape(x!, [-1, 3]), reshape(x!, [2, -1])],
  reference: ([x]) => [
    reshaped(x!, [x!.data.length]),
    reshaped(x!, [x!.data.length / 3, 3]),
    reshaped(x!, [2, x!.data.length / 2]),
  ],
})
checkOp('ReshapeNamed', "gives the caller's name to an axis it worked out", {
  inputs: [{ shape: ['B', 'T', 6] }, { shape: ['N'], differentiable: false }],
  sizes: [
    { B: 2, T: 5, N: 10 },
    { B: 0, T: 3, N: 0 },
    { B: 1, T: 1, N: 1 },
  ],
  build: ([x, n]) => reshape(x!, [n!.shape[0]!, 6], [n!]),
  reference: ([x], { N }) => reshaped(x!, [N!, 6]),
  gradientTolerance: { absolute: 1e-4, relative: 1e-4 },
})
checkOp('Reshape', 'takes the shape of another tensor', {
  inputs: [{ shape: ['B', 'T'] }, { shape: ['T', 1, 'B'] }],
  sizes: EDGE_SIZES,
  build: ([x, like]) => reshapeLike(x!, like!),
  reference: ([x, like]) => reshaped(x!, like!.shape),
})
checkOp('Reshape', 'in ONNX form copies axes for 0', {
  inputs: [{ shape: ['B', 6, 'T'] }],
  sizes: EDGE_SIZES.filter(({ B, T }) => B! * T! > 0),
  build: ([x]) => apply1(ops.Reshape, [x!, constant([0, 2, -1], 'int64')]),
  reference: ([x], { B, T }) => reshaped(x!, [B!, 2, 3 * T!]),
})

for (const axis of [0, 1, 2, 3, -1]) {
  checkOp('Flatten', `at axis ${axis}`, {
    ...common,
    build: ([x]) => flatten(x!, axis),
    reference: ([x]) => {
      const at = axis < 0 ? axis + 3 : axis
      return reshaped(x!, [sizeOfShape(x!.shape.slice(0, at)), sizeOfShape(x!.shape.slice(at))])
    },
  })
}
checkOp('Unsqueeze', 'inserts axes, counted from either end', {
  ...common,
  build: ([x]) => [unsqueeze(x!, 1), unsqueeze(x!, [0, -1])],
  reference: ([x], { B, T }) => [reshaped(x!, [B!, 1, 6, T!]), reshaped(x!, [1, B!, 6, T!, 1])],
})
checkOp('Squeeze', 'removes axes, counted from either end', {
  inputs: [{ shape: ['B', 1, 'T', 1] }],
  sizes: EDGE_SIZES,
  build: ([x]) => [squeeze(x!, 1), squeeze(x!, [1, -1])],
  reference: ([x], { B, T }) => [reshaped(x!, [B!, T!, 1]), reshaped(x!, [B!, T!])],
})
checkOp('Squeeze', 'removes every axis of size 1 by default', {
  inputs: [{ shape: [1, 3, 1] }],
  build: ([x]) => apply1(ops.Squeeze, [x!]),
  reference: ([x]) => reshaped(x!, [3]),
})

describe('the builder', () => {
  const x = input('x', 'float32', ['B', 6, 'T'])

  test('returns the tensor itself for its own shape', () => {
    expect(reshape(x, ['B', 6, 'T'])).toBe(x)
  })

  test('inserts and removes axes without computing a shape', () => {
    const y = reshape(x, ['B', 1, 6, 'T'])
    expect(y.node.op).toBe(ops.Unsqueeze)
    expect(reshape(y, ['B', 6, 'T']).node.op).toBe(ops.Squeeze)
  })

  test('needs no run-time shape where a symbol keeps its place', () => {
    const y = input('y', 'float32', ['B', 'T', 6])
    expect(typesIn([reshape(y, ['B', 'T', 2, 3])]).has('Shape')).toBe(false)
  })

  test('names the symbol that it cannot find', () => {
    expect(() => reshape(x, ['Q', 2, 'W'])).toThrow('Size Q cannot be found')
  })

  test('element counts that differ are an error', () => {
    expect(() => reshape(input('y', 'float32', [2, 3]), [4])).toThrow(ShapeError)
    expect(() => reshape(input('y', 'float32', [2, 3]), [4, -1])).toThrow(ShapeError)
  })

  test('squeezing an axis of another size is an error', () => {
    expect(() => squeeze(x, 1)).toThrow(ShapeError)
  })
})
