import { addDims, type Dim } from '../dim.js'
import { apply1, defineOp, type InferContext, missingGradient } from '../op.js'
import type { Tensor } from '../tensor.js'
import { add, neg } from './arithmetic.js'
import { concat } from './concat.js'
import { gather } from './gather.js'
import { constant } from './leaves.js'
import { reshapeTo, unsqueeze } from './reshape.js'
import { shapeOf } from './shape.js'
import { slice } from './slice.js'

/** How Pad fills: a value, mirrored without or with the edge repeated. */
export type PadMode = 'constant' | 'reflect' | 'edge'

/** Grows (or crops, by negative amounts) every axis. `pads` lists all begins, then all ends. ONNX Pad-19. */
export const Pad = defineOp({
  type: 'Pad',
  since: 19,
  attributes: { mode: { kind: 'string', default: 'constant' } },
  infer: (context) => {
    const x = context.input(0)
    return [{ dtype: x.dtype, shape: paddedShape(x, context) }]
  },
  grad: ({ dy, x, inputs, node }) => {
    const pads = inputs[1]!
    const mode = node.attribute<PadMode>('mode')
    if (mode === 'constant') return [apply1(PadNamed, [dy, neg(pads)], { dims: x.shape.map(String) }), null, null]
    const known = pads.known as readonly number[] | undefined
    if (mode === 'reflect' && known) return [reflectGradient(dy, x, known), null]
    return missingGradient(node)
  },
})

function paddedShape(x: Tensor, context: InferContext): readonly Dim[] {
  const pads = context.input(1).known
  if (!pads) return x.shape.map((_, i) => `pad${i}_${unknownPads++}`)
  if (pads.length !== 2 * x.rank) context.fail(`expected ${2 * x.rank} pads, found ${pads.length}.`)
  return x.shape.map((dim, i) => {
    const size = addDims(dim, addDims(pads[i]!, pads[i + x.rank]!))
    if (typeof size === 'number' && size < 0) context.fail(`axis ${i} would get size ${size}.`)
    return size
  })
}

let unknownPads = 0

/** Constant padding with zeros whose result carries the caller's names for its axes. Decomposes into Pad. */
export const PadNamed = defineOp({
  type: 'PadNamed',
  domain: 'nemo',
  since: 1,
  attributes: { dims: { kind: 'strings' } },
  infer: (context) => [
    {
      dtype: context.input(0).dtype,
      shape: (context.attributes.dims as readonly string[]).map((dim) => (/^-?\d+$/.test(dim) ? Number(dim) : dim)),
    },
  ],
  decompose: (_node, [x, pads]) => [apply1(Pad, [x, pads])],
  grad: ({ dy, x, inputs }) => [apply1(PadNamed, [dy, neg(inputs[1]!)], { dims: x.shape.map(String) }), null],
})

// Each mirrored margin is added back, reversed, onto the samples it mirrors.
function reflectGradient(dy: Tensor, x: Tensor, pads: readonly number[]): Tensor {
  let d = dy
  for (let axis = 0; axis < x.rank; axis++) {
    const [before, after] = [pads[axis]!, pads[axis + x.rank]!]
    if (before === 0 && after === 0) continue
    const reverse = (t: Tensor) =>
      slice(t, { axes: [axis], starts: [-1], ends: [Number.MIN_SAFE_INTEGER], steps: [-1] })
    let core = slice(d, { axes: [axis], starts: [before], ends: [after === 0 ? Number.MAX_SAFE_INTEGER : -after] })
    const length = unsqueeze(gather(shapeOf(core), constant(axis, 'int64')), 0)
    const place = (margin: Tensor, left: Tensor, right: Tensor) => {
      const zeros = (n: number) => constant(new Array<number>(n).fill(0), 'int64', [n])
      const list = concat([zeros(axis), left, zeros(x.rank - 1), right, zeros(x.rank - 1 - axis)], 0)
      return apply1(PadNamed, [margin, list], { dims: core.shape.map(String) })
    }
    const one = (n: number) => constant([n], 'int64')
    const minus = (n: number) => add(length, one(-n))
    if (before > 0)
      core = add(
        core,
        place(reverse(slice(d, { axes: [axis], starts: [0], ends: [before] })), one(1), minus(before + 1)),
      )
    if (after > 0)
      core = add(
        core,
        place(
          reverse(slice(d, { axes: [axis], starts: [-after], ends: [Number.MAX_SAFE_INTEGER] })),
          minus(after + 1),
          one(1),
        ),
      )
    d = core
  }
  return reshapeTo(d, x.shape, [x])
}

/**
 * x grown at both ends of its axes.
 *
 * @param pads - `[before, after]` per axis; negative amounts crop.
 * @param mode - `constant` (with `value`, default 0), `reflect` or `edge`.
 */
export function pad(
  x: Tensor,
  pads: readonly (readonly [number, number])[],
  mode: PadMode = 'constant',
  value = 0,
): Tensor {
  const list = [...pads.map(([before]) => before), ...pads.map(([, after]) => after)]
  const fillValue = mode === 'constant' && value !== 0 ? constant(value, x.dtype) : null
  return apply1(Pad, [x, constant(list, 'int64'), fillValue], { mode })
}

/** Zero padding by an int64 vector of amounts (all begins, then all ends), with names for the resulting axes. */
export function padConstant(x: Tensor, pads: Tensor, dims?: readonly Dim[]): Tensor {
  return dims && !pads.known ? apply1(PadNamed, [x, pads], { dims: dims.map(String) }) : apply1(Pad, [x, pads])
}
