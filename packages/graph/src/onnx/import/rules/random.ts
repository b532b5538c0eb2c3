import type { Dim } from '../../../dim.js'
import type { DType } from '../../../dtype.js'
import { applyOp } from '../../../op.js'
import { add, mul } from '../../../ops/arithmetic.js'
import { cast } from '../../../ops/cast.js'
import { greaterOrEqual, less } from '../../../ops/comparison.js'
import { Dropout } from '../../../ops/dropout.js'
import { randomNormal, randomUniform } from '../../../ops/random.js'
import { where } from '../../../ops/where.js'
import type { Tensor } from '../../../tensor.js'
import type { ImportedNode } from '../importedNode.js'
import { type RuleTable, rule } from '../importRule.js'
import { castTarget } from './castTarget.js'

// Seeds belong to generators that nobody can reproduce; runs are seeded here.
function normal(node: ImportedNode, dims: readonly Dim[], sources: readonly Tensor[], dtype: DType): Tensor {
  node.ignore('seed')
  const [mean, scale] = [node.float('mean', 0), node.float('scale', 1)]
  return cast(add(mul(randomNormal(dims, sources), scale), mean), dtype)
}

function uniform(node: ImportedNode, dims: readonly Dim[], sources: readonly Tensor[], dtype: DType): Tensor {
  node.ignore('seed')
  return cast(randomUniform(dims, node.float('low', 0), node.float('high', 1), sources), dtype)
}

type Draw = typeof normal

const ofShape = (draw: Draw) =>
  rule(1, 0, (node) => {
    const shape = node.ints('shape') ?? node.fail('attribute shape is missing.')
    return draw(node, shape, [], castTarget(node, node.int('dtype', 1)))
  })

const likeInput = (draw: Draw) =>
  rule(1, 1, (node) => {
    const x = node.input(0)
    return draw(node, x.shape, [x], node.hasAttribute('dtype') ? castTarget(node, node.int('dtype')!) : x.dtype)
  })

function dropout(node: ImportedNode): readonly Tensor[] {
  const x = node.input(0)
  node.ignore('seed')
  const outputs = node.wants(1) ? 2 : 1
  const training = node.version >= 12 && node.has(2) ? node.number(2, 'training_mode') : 0
  if (node.version < 12) node.ignore('ratio')
  const ratio = node.version >= 12 && node.has(1) && training ? node.number(1, 'ratio')! : 0.5
  if (!training || ratio === 0) return applyOp(Dropout, [x], {}, outputs)
  if (!(ratio >= 0 && ratio < 1)) return node.fail(`expected a ratio from 0 to below 1, found ${ratio}.`)
  const keep = greaterOrEqual(randomUniform(x.shape, 0, 1, [x]), ratio)
  return [where(keep, mul(x, 1 / (1 - ratio)), 0), keep]
}

/** Ops that draw random numbers. */
export const randomRules: RuleTable = {
  Bernoulli: rule(15, 1, (node) => {
    const x = node.input(0)
    node.ignore('seed')
    const dtype = node.hasAttribute('dtype') ? castTarget(node, node.int('dtype')!) : x.dtype
    return cast(less(randomUniform(x.shape, 0, 1, [x]), cast(x, 'float32')), dtype)
  }),
  Dropout: rule(1, [1, 3], dropout),
  RandomNormal: ofShape(normal),
  RandomNormalLike: likeInput(normal),
  RandomUniform: ofShape(uniform),
  RandomUniformLike: likeInput(uniform),
}
