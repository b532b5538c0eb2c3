import { broadcastDim, broadcastShapes, type Dim, productOfDims } from '../dim.js'
import { apply1, defineOp, sameDType } from '../op.js'
import type { Tensor } from '../tensor.js'
import { add, mul } from './arithmetic.js'
import { lift } from './leaves.js'
import { reduceSum } from './reduction.js'
import { reshapeTo, unsqueeze } from './reshape.js'
import { swapAxes, transpose } from './transpose.js'
import { unbroadcast } from './unbroadcast.js'

/** Matrix product of the last two axes, leading axes broadcast; vectors as in NumPy's matmul. ONNX MatMul-13. */
export const MatMul = defineOp({
  type: 'MatMul',
  since: 13,
  infer: (context) => {
    const [a, b] = [context.input(0), context.input(1)]
    const dtype = sameDType(context, [0, 1])
    if (a.rank === 0 || b.rank === 0) context.fail('expected tensors of rank 1 or more.')
    const left = a.rank === 1 ? [1, ...a.shape] : a.shape
    const right = b.rank === 1 ? [...b.shape, 1] : b.shape
    const [inner, other] = [left.at(-1)!, right.at(-2)!]
    if (inner !== other && (typeof inner === 'number') === (typeof other === 'number') && typeof inner === 'number') {
      context.fail(`the inner sizes ${inner} and ${other} differ.`)
    }
    const batch = broadcastShapes([left.slice(0, -2), right.slice(0, -2)], 'MatMul')
    const shape: Dim[] = [...batch]
    if (a.rank > 1) shape.push(left.at(-2)!)
    if (b.rank > 1) shape.push(right.at(-1)!)
    return [{ dtype, shape }]
  },
  grad: ({ dy, inputs, needs }) => {
    const [a, b] = inputs as readonly [Tensor, Tensor]
    if (a.rank === 1 || b.rank === 1) {
      const left = a.rank === 1 ? unsqueeze(a, 0) : a
      const right = b.rank === 1 ? unsqueeze(b, 1) : b
      let d = dy
      if (b.rank === 1) d = unsqueeze(d, d.rank)
      if (a.rank === 1) d = unsqueeze(d, d.rank - 1)
      const da = needs(0) ? unbroadcast(matMul(d, swapAxes(right, -1, -2)), left) : null
      const db = needs(1) ? unbroadcast(matMul(swapAxes(left, -1, -2), d), right) : null
      return [
        da && (a.rank === 1 ? reshapeTo(da, a.shape, [a]) : da),
        db && (b.rank === 1 ? reshapeTo(db, b.shape, [b]) : db),
      ]
    }
    const da = () => unbroadcast(matMul(dy, swapAxes(b, -1, -2)), a)
    const db = () => {
      // [.., T, K] x [K, N]: one product over all rows instead of a batch of products and a sum.
      if (b.rank === 2 && a.rank > 2) {
        const rows = (t: Tensor) => reshapeTo(t, [productOfDims(t.shape.slice(0, -1)), t.shape.at(-1)!], [t])
        return matMul(transpose(rows(a), [1, 0]), rows(dy))
      }
      return unbroadcast(matMul(swapAxes(a, -1, -2), dy), b)
    }
    return [needs(0) ? da() : null, needs(1) ? db() : null]
  },
})

/** alpha A' B' + beta C for matrices, A' and B' optionally transposed. ONNX Gemm-13. */
export const Gemm = defineOp({
  type: 'Gemm',
  since: 13,
  attributes: {
    alpha: { kind: 'float', default: 1 },
    beta: { kind: 'float', default: 1 },
    transA: { kind: 'int', default: 0 },
    transB: { kind: 'int', default: 0 },
  },
  infer: (context) => {
    const [a, b] = [context.input(0), context.input(1)]
    const dtype = sameDType(context, [0, 1])
    if (a.rank !== 2 || b.rank !== 2) context.fail('expected two matrices.')
    const { transA, transB } = context.attributes as { transA: number; transB: number }
    const [m, k] = transA ? [a.shape[1]!, a.shape[0]!] : [a.shape[0]!, a.shape[1]!]
    const [k2, n] = transB ? [b.shape[1]!, b.shape[0]!] : [b.shape[0]!, b.shape[1]!]
    if (broadcastDim(k, k2) === undefined || (k !== k2 && (k === 1 || k2 === 1)))
      context.fail(`the inner sizes ${k} and ${k2} differ.`)
    const c = context.inputs[2]
    if (c) broadcastShapes([[m, n], c.shape], 'Gemm')
    return [{ dtype, shape: [m, n] }]
  },
  grad: ({ dy, inputs, needs, node }) => {
    const [a, b, c] = inputs as readonly [Tensor, Tensor, Tensor | undefined]
    const { alpha, beta, transA, transB } = node.attributes as {
      alpha: number
      beta: number
      transA: number
      transB: number
    }
    const product = (p: Tensor, q: Tensor, tp: number, tq: number) =>
      apply1(Gemm, [p, q], { alpha, transA: tp, transB: tq })
    const da = () => (transA ? product(b, dy, transB, 1) : product(dy, b, 0, transB ? 0 : 1))
    const db = () => (transB ? product(dy, a, 1, transA) : product(a, dy, transA ? 0 : 1, 0))
    return [
      needs(0) ? da() : null,
      needs(1) ? db() : null,
      c && needs(2) ? unbroadcast(beta === 1 ? dy : mul(dy, beta), c) : null,
    ]
  },
})

/** Matrix product of the last two axes; leading axes broadcast. */
export const matMul = (a: Tensor, b: Tensor): Tensor => apply1(MatMul, [a, b])

/** alpha A B + beta C; `c` is optional. */
export const gemm = (
  a: Tensor,
  b: Tensor,
  c?: Tensor,
  options: { alpha?: number; beta?: number; transA?: boolean; transB?: boolean } = {},
): Tensor =>
  apply1(Gemm, [a, b, c], {
    alpha: options.alpha ?? 1,
    beta: options.beta ?? 1,
    transA: options.transA ? 1 : 0,
    transB: options.transB ? 1 : 0,
  })

/**
 * x Wᵀ + b over the last axis, PyTorch's `linear`.
 *
 * @param x - `[..., I]`
 * @param weight - `[O, I]`
 * @param bias - `[O]`
 * @returns `[..., O]`
 */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  const y = matMul(x, transpose(weight, [1, 0]))
  return bias ? add(y, bias) : y
}

/** Sum of products over the last axis. */
export const dot = (a: Tensor, b: Tensor | number): Tensor => reduceSum(mul(a, lift(b, a.dtype)), -1)
