import { expect, test } from 'vitest'
import { checkOp, EDGE_SIZES, type OpCheck } from '../../test/opCheck.js'
import {
  elementwise,
  matrixProduct,
  permute,
  type ReferenceArray,
  reduceWith,
  reshaped,
  total,
} from '../../test/referenceArray.js'
import { ShapeError } from '../errors.js'
import { input } from './leaves.js'
import { dot, gemm, linear, matMul } from './matMul.js'

// NumPy's matmul, vectors included.
function product(a: ReferenceArray, b: ReferenceArray): ReferenceArray {
  const left = a.shape.length === 1 ? reshaped(a, [1, ...a.shape]) : a
  const right = b.shape.length === 1 ? reshaped(b, [...b.shape, 1]) : b
  const y = matrixProduct(left, right)
  const shape = [...y.shape]
  if (b.shape.length === 1) shape.pop()
  if (a.shape.length === 1) shape.splice(shape.length - (b.shape.length === 1 ? 1 : 2), 1)
  return reshaped(y, shape)
}

const operands: readonly (readonly [OpCheck['inputs'][number]['shape'], OpCheck['inputs'][number]['shape']])[] = [
  [
    [4, 3],
    [3, 2],
  ],
  [
    ['B', 'T', 3],
    [3, 4],
  ],
  [
    ['B', 'T', 3],
    ['B', 3, 'T'],
  ],
  [
    ['B', 2, 'T', 3],
    [2, 3, 4],
  ],
  [
    [2, 1, 4, 3],
    ['B', 1, 3, 'T'],
  ],
  [
    ['B', 'T'],
    ['T', 2],
  ],
  [['T'], ['T']],
  [['T'], ['B', 'T', 2]],
  [['B', 2, 'T'], ['T']],
]
for (const [a, b] of operands) {
  // ONNX Runtime cannot broadcast a batch of none, and leaves products over an empty axis unset when there is a batch.
  const batched = a.length > 2 || b.length > 2
  const sizes = EDGE_SIZES.filter(({ B, T }) => B! * T! > 0 || !batched)
  checkOp('MatMul', `of [${a}] and [${b}]`, {
    inputs: [{ shape: a }, { shape: b }],
    sizes: a[0] === 2 ? sizes.filter(({ B }) => B === 2) : sizes,
    dtypes: ['float32', 'float64'],
    secondOrder: true,
    gradientTolerance: { absolute: 2e-4, relative: 2e-4 },
    build: ([x, y]) => matMul(x!, y!),
    reference: ([x, y]) => product(x!, y!),
  })
}

for (const transA of [false, true]) {
  for (const transB of [false, true]) {
    for (const c of [undefined, [], [2], ['T', 1], ['T', 2]]) {
      checkOp('Gemm', `with transA ${transA}, transB ${transB}, C ${c ? `[${c}]` : 'left out'}`, {
        inputs: [
          { shape: transA ? [3, 'T'] : ['T', 3] },
          { shape: transB ? [2, 3] : [3, 2] },
          ...(c ? [{ shape: c }] : []),
        ],
        sizes: [{ T: 4 }, { T: 0 }, { T: 1 }],
        secondOrder: true,
        gradientTolerance: { absolute: 2e-4, relative: 2e-4 },
        build: ([x, y, z]) => gemm(x!, y!, z, { alpha: 0.5, beta: 2, transA, transB }),
        reference: ([x, y, z]) => {
          const xy = matrixProduct(transA ? permute(x!, [1, 0]) : x!, transB ? permute(y!, [1, 0]) : y!)
          return elementwise((p, q) => 0.5 * p + 2 * q, xy, z ?? { shape: [], data: Float64Array.of(0) })
        },
      })
    }
  }
}

checkOp('MatMul', 'as a linear layer adds a bias to x Wᵀ', {
  inputs: [{ shape: ['B', 'T', 3] }, { shape: [4, 3] }, { shape: [4] }],
  // ONNX Runtime's fusion of MatMul and Add fails for a length that is fixed at 0.
  sizes: EDGE_SIZES.filter(({ T }) => T! > 0),
  build: ([x, w, b]) => linear(x!, w!, b!),
  reference: ([x, w, b]) => elementwise((p, q) => p + q, matrixProduct(x!, permute(w!, [1, 0])), b!),
})
checkOp('ReduceSum', 'as dot sums products over the last axis', {
  inputs: [{ shape: ['B', 'T', 3] }, { shape: [3] }],
  sizes: EDGE_SIZES,
  build: ([x, w]) => dot(x!, w!),
  reference: ([x, w]) =>
    reduceWith(
      elementwise((p, q) => p * q, x!, w!),
      [-1],
      false,
      total,
    ),
})

test('inner sizes that differ are an error that names them', () => {
  const f = (shape: readonly number[]) => input('f', 'float32', shape)
  expect(() => matMul(f([2, 3]), f([4, 2]))).toThrow(ShapeError)
  expect(() => matMul(f([2, 3]), f([4, 2]))).toThrow('3 and 4')
  expect(() => gemm(f([2, 3]), f([4, 2]))).toThrow(ShapeError)
})
