import { apply1, defineOp } from '../op.js'
import type { Tensor } from '../tensor.js'

/** Permutes axes; reverses them by default. ONNX Transpose-13. */
export const Transpose = defineOp({
  type: 'Transpose',
  since: 13,
  attributes: { perm: { kind: 'ints' } },
  infer: (context) => {
    const x = context.input(0)
    const perm = permutation(context.attributes.perm as readonly number[] | undefined, x.rank)
    if (perm.length !== x.rank || new Set(perm).size !== x.rank || perm.some((axis) => axis < 0 || axis >= x.rank)) {
      context.fail(`perm [${perm.join(', ')}] is not a permutation of the axes.`)
    }
    return [{ dtype: x.dtype, shape: perm.map((axis) => x.shape[axis]!) }]
  },
  grad: ({ dy, x, node }) => {
    const perm = permutation(node.attributes.perm as readonly number[] | undefined, x.rank)
    return [
      transpose(
        dy,
        perm.map((_, axis) => perm.indexOf(axis)),
      ),
    ]
  },
})

function permutation(perm: readonly number[] | undefined, rank: number): readonly number[] {
  return perm ?? Array.from({ length: rank }, (_, i) => rank - 1 - i)
}

/** Axis i of the result is axis `perm[i]` of x. */
export function transpose(x: Tensor, perm: readonly number[]): Tensor {
  return perm.length === x.rank && perm.every((axis, i) => axis === i) ? x : apply1(Transpose, [x], { perm })
}

/** x with two axes exchanged. */
export function swapAxes(x: Tensor, a: number, b: number): Tensor {
  const perm = x.shape.map((_, i) => i)
  const [i, j] = [a < 0 ? a + x.rank : a, b < 0 ? b + x.rank : b]
  perm[i] = j
  perm[j] = i
  return transpose(x, perm)
}
