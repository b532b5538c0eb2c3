import { type Dim, floorDivideDims, multiplyDims } from '../../../dim.js'
import { isFloat } from '../../../dtype.js'
import { tanh } from '../../../ops/activation.js'
import { add, div, mul, sub } from '../../../ops/arithmetic.js'
import { cast } from '../../../ops/cast.js'
import { equal, greaterOrEqual, less, lessOrEqual, logicalAnd } from '../../../ops/comparison.js'
import { concat } from '../../../ops/concat.js'
import { expand } from '../../../ops/expand.js'
import { fill, range } from '../../../ops/fill.js'
import { gather } from '../../../ops/gather.js'
import { constant } from '../../../ops/leaves.js'
import { matMul } from '../../../ops/matMul.js'
import { reduceMax } from '../../../ops/reduction.js'
import { reshapeTo, unsqueeze } from '../../../ops/reshape.js'
import { dimTensor } from '../../../ops/shape.js'
import { narrow } from '../../../ops/slice.js'
import { softmax } from '../../../ops/softmax.js'
import { swapAxes, transpose } from '../../../ops/transpose.js'
import { where } from '../../../ops/where.js'
import type { Tensor } from '../../../tensor.js'
import type { ImportedNode } from '../importedNode.js'
import { type RuleTable, rule } from '../importRule.js'
import { castTarget } from './castTarget.js'

// [B, S, H D] -> [B, H, S, D]; tensors of rank 4 are split already.
function splitHeads(node: ImportedNode, x: Tensor, attribute: string): Tensor {
  if (x.rank === 4) return x
  const heads = node.int(attribute)
  if (x.rank !== 3 || heads === undefined || heads < 1)
    return node.fail(`expected [B, H, S, D], or [B, S, H D] with ${attribute}, found ${x}.`)
  const [B, S, width] = x.shape as [Dim, Dim, Dim]
  if (typeof width === 'number' && width % heads !== 0)
    return node.fail(`${width} features cannot form ${heads} heads.`)
  return transpose(reshapeTo(x, [B, S, heads, floorDivideDims(width, heads)], [x]), [0, 2, 1, 3])
}

// Each head of keys or values serves `group` neighbouring heads of queries.
function repeatHeads(x: Tensor, group: number): Tensor {
  if (group === 1) return x
  const [B, H, S, D] = x.shape as [Dim, Dim, Dim, Dim]
  return reshapeTo(expand(unsqueeze(x, 2), [B, H, group, S, D], [x]), [B, multiplyDims(H, group), S, D], [x])
}

/** What a query may look at: a condition `[..., Sq, Sk]`, and numbers added to the scores. */
interface Bias {
  readonly allowed: Tensor | undefined
  readonly added: Tensor | undefined
}

function biasOf(node: ImportedNode, Q: Tensor, K: Tensor, past: Tensor | null): Bias {
  const [queries, keys] = [Q.shape[2]!, K.shape[2]!]
  const valid = node.optional(6)
  const conditions: Tensor[] = []
  const column = unsqueeze(range(dimTensor(queries, [Q])), 1)
  const key = range(dimTensor(keys, [K]))
  const perItem = (t: Tensor) => unsqueeze(cast(t, 'int64'), [1, 2, 3])
  // Position of each query among the keys.
  const offset = past ? dimTensor(past.shape[2]!, [past]) : valid && sub(perItem(valid), dimTensor(queries, [Q]))
  const position = offset ? add(column, offset) : column
  const [left, right] = [node.int('left_window_size', -1), node.int('right_window_size', -1)]
  if (node.int('is_causal', 0)) conditions.push(lessOrEqual(key, position))
  if (left >= 0) conditions.push(greaterOrEqual(key, sub(position, left)))
  if (right >= 0) conditions.push(lessOrEqual(key, add(position, right)))
  if (valid) conditions.push(less(key, perItem(valid)))
  const mask = node.optional(3)
  const whole = mask && extended(mask, keys, K)
  if (whole && !isFloat(whole.dtype)) conditions.push(whole)
  return {
    allowed: conditions.length > 0 ? conditions.reduce(logicalAnd) : undefined,
    added: whole && isFloat(whole.dtype) ? whole : undefined,
  }
}

// A mask for fewer keys says nothing of the rest, which nobody may look at.
function extended(mask: Tensor, keys: Dim, K: Tensor): Tensor {
  const covered = mask.shape.at(-1)!
  if (covered === keys || typeof covered !== 'number' || typeof keys !== 'number' || covered === 1) return mask
  const dims = [...mask.shape.slice(0, -1), keys - covered]
  const rest = isFloat(mask.dtype)
    ? fill(dims, Number.NEGATIVE_INFINITY, mask.dtype, [mask, K])
    : cast(fill(dims, 0, 'int64', [mask, K]), 'bool')
  return concat([mask, rest], -1)
}

function attention(node: ImportedNode): readonly (Tensor | null)[] {
  const given = node.input(0)
  const Q = splitHeads(node, given, 'q_num_heads')
  const [pastK, pastV] = [node.optional(4), node.optional(5)]
  const [newK, newV] = [
    splitHeads(node, node.input(1), 'kv_num_heads'),
    splitHeads(node, node.input(2), 'kv_num_heads'),
  ]
  const K = pastK ? concat([pastK, newK], 2) : newK
  const V = pastV ? concat([pastV, newV], 2) : newV
  const [heads, kvHeads, size] = [Q.shape[1], K.shape[1], Q.shape[3]]
  if (typeof heads !== 'number' || typeof kvHeads !== 'number' || typeof size !== 'number' || heads % kvHeads !== 0)
    return node.fail(`${heads} heads of queries do not fit ${kvHeads} heads of keys.`)
  const [allK, allV] = [K, V].map((t) => repeatHeads(t, heads / kvHeads)) as [Tensor, Tensor]
  // Scaling both factors keeps the product small.
  const scale = Math.sqrt(node.float('scale') ?? 1 / Math.sqrt(size))
  const raw = matMul(mul(Q, scale), swapAxes(mul(allK, scale), -1, -2))
  const cap = node.float('softcap', 0)
  const capped = cap > 0 ? mul(tanh(div(raw, cap)), cap) : raw
  const { allowed, added } = biasOf(node, Q, K, pastK)
  const shifted = added ? add(capped, added) : capped
  const scores = allowed ? where(allowed, shifted, Number.NEGATIVE_INFINITY) : shifted
  const precision = node.int('softmax_precision')
  const shares = cast(
    maskedSoftmax(precision ? cast(scores, castTarget(node, precision)) : scores, !!(allowed || added)),
    Q.dtype,
  )
  const mixed = matMul(shares, allV)
  const [B, , S] = Q.shape as [Dim, Dim, Dim, Dim]
  const Y =
    given.rank === 4
      ? mixed
      : reshapeTo(transpose(mixed, [0, 2, 1, 3]), [B, S, multiplyDims(heads, V.shape[3]!)], [mixed])
  const mode = node.int('qk_matmul_output_mode', 0)
  return [
    Y,
    K,
    V,
    [raw, capped, scores, shares][mode] ?? node.fail(`qk_matmul_output_mode ${mode} is not 0, 1, 2 or 3.`),
  ]
}

// A query that may look at nothing gets zeros.
function maskedSoftmax(scores: Tensor, masked: boolean): Tensor {
  if (!masked) return softmax(scores)
  const blind = equal(reduceMax(scores, -1, true), Number.NEGATIVE_INFINITY)
  return where(blind, 0, softmax(where(blind, 0, scores)))
}

function rotaryEmbedding(node: ImportedNode): Tensor {
  const given = node.input(0)
  const x = splitHeads(node, given, 'num_heads')
  const size = x.shape[3]
  const width = node.int('rotary_embedding_dim', 0) || size
  if (typeof size !== 'number' || typeof width !== 'number' || width % 2 !== 0 || width > size)
    return node.fail(`a rotation of ${width} of ${size} features is impossible.`)
  const positions = node.optional(3)
  // [B, 1, S, width / 2]
  const cache = (i: number) => unsqueeze(positions ? gather(node.input(i), positions) : node.input(i), 1)
  const [cos, sin] = [cache(1), cache(2)]
  const half = width / 2
  const rotated = narrow(x, -1, 0, width)
  const interleaved = node.int('interleaved', 0) !== 0
  const [B, H, S] = x.shape as [Dim, Dim, Dim, Dim]
  const pairs = interleaved ? reshapeTo(rotated, [B, H, S, half, 2], [x]) : undefined
  const [a, b] = pairs
    ? [gather(pairs, constant(0, 'int64'), 4), gather(pairs, constant(1, 'int64'), 4)]
    : [narrow(rotated, -1, 0, half), narrow(rotated, -1, half, width)]
  const [real, imaginary] = [sub(mul(a, cos), mul(b, sin)), add(mul(a, sin), mul(b, cos))]
  const turned = interleaved
    ? reshapeTo(concat([unsqueeze(real, 4), unsqueeze(imaginary, 4)], 4), [B, H, S, width], [x])
    : concat([real, imaginary], -1)
  const whole = width === size ? turned : concat([turned, narrow(x, -1, width)], -1)
  return given.rank === 4 ? whole : reshapeTo(transpose(whole, [0, 2, 1, 3]), given.shape, [given])
}

/** Ops of transformers, said in matrix products. */
export const attentionRules: RuleTable = {
  Attention: rule(23, [3, 7], attention),
  RotaryEmbedding: rule(23, [3, 4], rotaryEmbedding),
}
