import { type Dim, multiplyDims } from '../dim.js'
import { apply1, defineOp, missingGradient } from '../op.js'
import type { Tensor } from '../tensor.js'
import { constant } from './leaves.js'
import { reduceSum } from './reduction.js'
import { reshapeTo } from './reshape.js'

/** Repeats a tensor along its axes. ONNX Tile-13. */
export const Tile = defineOp({
  type: 'Tile',
  since: 13,
  infer: (context) => {
    const [x, repeats] = [context.input(0), context.input(1)]
    if (repeats.known && repeats.known.length !== x.rank) context.fail('expected one repeat per axis.')
    return [
      {
        dtype: x.dtype,
        shape: x.shape.map((dim, i) =>
          repeats.known ? multiplyDims(dim, repeats.known[i]!) : `tile${i}_${unknownTiles++}`,
        ),
      },
    ]
  },
  grad: ({ dy, x, inputs, node }) => {
    const repeats = inputs[1]!.known
    if (!repeats) return missingGradient(node)
    const split = x.shape.flatMap((dim, i): Dim[] => [repeats[i]!, dim])
    return [
      reduceSum(
        reshapeTo(dy, split, [x, dy]),
        x.shape.map((_, i) => 2 * i),
      ),
      null,
    ]
  },
})

let unknownTiles = 0

/** x repeated `repeats[i]` times along axis i. */
export const tile = (x: Tensor, repeats: readonly number[]): Tensor =>
  apply1(Tile, [x, constant([...repeats], 'int64')])
