import { addDims, type Dim, floorDivideDims, multiplyDims, subtractDims } from '../../../dim.js'
import { apply1, applyOp } from '../../../op.js'
import { cast } from '../../../ops/cast.js'
import { Concat, Split } from '../../../ops/concat.js'
import { CumSum } from '../../../ops/cumSum.js'
import { DepthToSpace, SpaceToDepth } from '../../../ops/depthToSpace.js'
import { Expand } from '../../../ops/expand.js'
import { constant } from '../../../ops/leaves.js'
import { Pad, pad } from '../../../ops/pad.js'
import { Flatten, Reshape, reshapeTo, Squeeze, squeeze, unsqueeze } from '../../../ops/reshape.js'
import { shapeTensor } from '../../../ops/shape.js'
import { Slice, slice } from '../../../ops/slice.js'
import { Tile } from '../../../ops/tile.js'
import { Transpose, transpose } from '../../../ops/transpose.js'
import { Trilu } from '../../../ops/triangle.js'
import type { Tensor } from '../../../tensor.js'
import type { ImportedNode } from '../importedNode.js'
import { direct, type RuleTable, rule } from '../importRule.js'

// Axes that were an attribute before opset 13 and are a constant input since.
const axesOf = (node: ImportedNode): readonly number[] | undefined =>
  node.version < 13 ? node.ints('axes') : node.numbers(1, 'axes')

// An int64 tensor of input i: a constant if its elements are known.
function integers(node: ImportedNode, i: number, name: string): Tensor | null {
  if (!node.has(i)) return null
  return node.data(i) ? constant(node.numbers(i, name)!.map(clamped), 'int64') : cast(node.input(i), 'int64')
}

// A vector with one number per axis. Whatever a file says, nobody has tensors of a hundred axes.
function perAxis(node: ImportedNode, i: number, name: string): Tensor | null {
  const vector = integers(node, i, name)
  const length = vector?.shape[0]
  if (vector && (vector.rank !== 1 || typeof length !== 'number' || length > 64))
    return node.fail(`its ${name} should be a vector of a known length up to 64, found ${vector}.`)
  return vector
}

// INT64_MAX stands for "to the end"; numbers beyond 2^53 would lose digits.
const FAR = 2_000_000_000_000
const clamped = (value: number): number => Math.min(Math.max(value, -FAR), FAR)

function sliceNode(node: ImportedNode): Tensor {
  const x = node.input(0)
  if (node.version < 10) {
    const [starts, ends] = [node.ints('starts'), node.ints('ends')]
    if (!starts || !ends) return node.fail('expected attributes starts and ends.')
    const axes = node.ints('axes') ?? starts.map((_, i) => i)
    if (ends.length !== starts.length || axes.length !== starts.length)
      return node.fail('starts, ends and axes differ in length.')
    return slice(x, { axes, starts, ends })
  }
  const steps = node.numbers(4, 'steps')
  if (steps?.some((step) => step === 0)) return node.fail('a step of 0 never ends.')
  const axes = node.numbers(3, 'axes')
  const [starts, ends] = [perAxis(node, 1, 'starts'), perAxis(node, 2, 'ends')]
  if (!starts || !ends) return node.fail('its starts or ends are missing.')
  const counts = [starts.shape[0], ends.shape[0], axes?.length, steps?.length].filter((count) => count !== undefined)
  if (new Set(counts).size !== 1) return node.fail('starts, ends, axes and steps differ in length.')
  const list = axes ?? Array.from({ length: counts[0] as number }, (_, i) => i)
  return apply1(Slice, [x, starts, ends, constant(list, 'int64'), steps ? constant(steps, 'int64') : null])
}

function splitNode(node: ImportedNode): readonly Tensor[] {
  const x = node.input(0)
  const given = node.int('axis', 0)
  const axis = given < 0 ? given + x.rank : given
  const size = x.shape[axis] ?? node.fail(`axis ${given} is outside rank ${x.rank}.`)
  const count = node.version >= 18 ? node.int('num_outputs', node.outputCount) : node.outputCount
  const sizes = node.version < 13 ? node.ints('split') : undefined
  if (node.version >= 13 && node.has(1)) {
    const parts = integers(node, 1, 'sizes')!
    if (parts.shape[0] !== node.outputCount) return node.fail(`expected ${node.outputCount} sizes, found ${parts}.`)
    return applyOp(Split, [x, parts], { axis }, node.outputCount)
  }
  if (sizes && sizes.length !== node.outputCount)
    return node.fail(`expected ${node.outputCount} sizes, found ${sizes.length}.`)
  if (count !== node.outputCount) return node.fail(`num_outputs is ${count}, but it has ${node.outputCount} outputs.`)
  // All parts are equal but the last, which is what remains.
  const part = floorDivideDims(addDims(size, count - 1), count)
  const dims: readonly Dim[] =
    sizes ??
    Array.from({ length: count }, (_, i) => (i < count - 1 ? part : subtractDims(size, multiplyDims(part, count - 1))))
  if (dims.some((dim) => typeof dim === 'number' && dim < 0))
    return node.fail(`the sizes [${dims.join(', ')}] are negative.`)
  return applyOp(Split, [x, shapeTensor(dims, [x])], { axis }, count)
}

function padNode(node: ImportedNode): Tensor {
  const x = node.input(0)
  const mode = node.choice('mode', ['constant', 'reflect', 'edge', 'wrap'], 'constant')
  if (node.version < 11) {
    const pads = node.ints('pads') ?? node.fail('attribute pads is missing.')
    if (pads.length !== 2 * x.rank) return node.fail(`expected ${2 * x.rank} pads, found ${pads.length}.`)
    return pad(
      x,
      x.shape.map((_, i) => [pads[i]!, pads[i + x.rank]!] as const),
      mode,
      node.float('value', 0),
    )
  }
  const axes = node.numbers(3, 'axes')
  for (const axis of axes ?? [])
    if (axis < -x.rank || axis >= x.rank) node.fail(`axis ${axis} is outside rank ${x.rank}.`)
  return apply1(Pad, [x, integers(node, 1, 'pads'), node.optional(2), axes ? constant(axes, 'int64') : null], { mode })
}

function reshapeNode(node: ImportedNode): Tensor {
  const x = node.input(0)
  const allowzero = node.version < 14 ? 0 : node.int('allowzero', 0)
  const target = perAxis(node, 1, 'shape') ?? node.fail('its shape is missing.')
  const wild = target.known?.filter((dim) => dim === -1).length ?? 0
  if (target.rank !== 1 || wild > 1 || target.known?.some((dim) => typeof dim === 'number' && dim < -1))
    return node.fail(`expected a shape with at most one -1, found [${(target.known ?? [String(target)]).join(', ')}].`)
  return apply1(Reshape, [x, target], { allowzero })
}

// Middle parts are cut out of axes that are too long, zeros put around those that are too short.
function centerCropPad(node: ImportedNode): Tensor {
  const x = node.input(0)
  const axes = (node.ints('axes') ?? x.shape.map((_, i) => i)).map((axis) => (axis < 0 ? axis + x.rank : axis))
  const sizes = node.numbers(1, 'shape')!
  const pads = x.shape.map((): readonly [number, number] => [0, 0])
  if (sizes.length !== axes.length) return node.fail(`expected ${axes.length} sizes, found ${sizes.length}.`)
  axes.forEach((axis, i) => {
    const size = x.shape[axis]
    if (typeof size !== 'number') node.unsupported(`axis ${axis} has size ${size}; expected a number.`)
    const extra = sizes[i]! - (size as number)
    const before = extra < 0 ? -Math.floor(-extra / 2) : Math.floor(extra / 2)
    pads[axis] = [before, extra - before]
  })
  return pad(x, pads)
}

/** Ops that rearrange elements. */
export const shapeRules: RuleTable = {
  CenterCropPad: rule(18, 2, centerCropPad),
  Concat: rule(1, [1, Number.POSITIVE_INFINITY], (node) => {
    const axis = node.int('axis') ?? node.fail('attribute axis is missing.')
    const parts = node.everyInput()
    return parts.length === 1 ? parts[0]! : apply1(Concat, parts, { axis })
  }),
  CumSum: direct(CumSum, 11, 2),
  DepthToSpace: direct(DepthToSpace, 1, 1, ['blocksize']),
  Expand: rule(8, 2, (node) => apply1(Expand, [node.input(0), perAxis(node, 1, 'shape')])),
  Flatten: rule(1, 1, (node) => {
    const x = node.input(0)
    const axis = node.int('axis', 1)
    if (axis < -x.rank || axis > x.rank) return node.fail(`axis ${axis} is outside rank ${x.rank}.`)
    return apply1(Flatten, [x], { axis })
  }),
  Pad: rule(1, [1, 4], padNode),
  Reshape: rule(1, 2, reshapeNode),
  Slice: rule(1, [1, 5], sliceNode),
  SpaceToDepth: rule(1, 1, (node) => {
    const blocksize = node.int('blocksize') ?? node.fail('attribute blocksize is missing.')
    const blocks = apply1(SpaceToDepth, [node.input(0)], { blocksize })
    const mode = node.version < 28 ? 'DCR' : node.choice('mode', ['DCR', 'CRD'], 'DCR')
    if (mode === 'DCR') return blocks
    const [B, C, H, W] = blocks.shape as [Dim, Dim, Dim, Dim]
    const area = blocksize * blocksize
    const split = reshapeTo(blocks, [B, area, floorDivideDims(C, area), H, W], [blocks])
    return reshapeTo(transpose(split, [0, 2, 1, 3, 4]), blocks.shape, [blocks])
  }),
  Split: rule(1, [1, 2], splitNode),
  Squeeze: rule(1, [1, 2], (node) => {
    const axes = axesOf(node)
    return axes ? squeeze(node.input(0), axes) : apply1(Squeeze, [node.input(0)])
  }),
  Tile: rule(6, 2, (node) => apply1(Tile, [node.input(0), perAxis(node, 1, 'repeats')])),
  Transpose: rule(1, 1, (node) => {
    const x = node.input(0)
    return apply1(Transpose, [x], { perm: node.ints('perm') ?? x.shape.map((_, i) => x.rank - 1 - i) })
  }),
  Trilu: direct(Trilu, 14, [1, 2]),
  Unsqueeze: rule(1, [1, 2], (node) => {
    const axes = axesOf(node) ?? node.fail('its axes are missing.')
    if (new Set(axes).size !== axes.length) return node.fail(`axes [${axes.join(', ')}] repeat themselves.`)
    return unsqueeze(node.input(0), axes)
  }),
}
