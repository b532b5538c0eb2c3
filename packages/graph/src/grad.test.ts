import { describe, expect, test } from 'vitest'
import { runOnce } from '../test/runOnce.js'
import { GradientError } from './errors.js'
import { grad, vjp } from './grad.js'
import { add, div, mul, square } from './ops/arithmetic.js'
import { cast, stopGradient } from './ops/cast.js'
import { greater } from './ops/comparison.js'
import { exp } from './ops/exponential.js'
import { constant, input } from './ops/leaves.js'
import { nonZero } from './ops/nonZero.js'
import { reduceMean, reduceSum } from './ops/reduction.js'
import { scatterElements } from './ops/scatter.js'
import { where } from './ops/where.js'
import { withScope } from './scope.js'
import { topologicalOrder } from './traverse.js'

const x = input('x', 'float32', ['N'])
const numbers = (data: ArrayLike<number | bigint>): number[] => Array.from(data, Number)

describe('grad', () => {
  test('adds up what reaches a tensor on several ways', async () => {
    const loss = reduceSum(add(mul(x, x), mul(x, 3)))
    const { g } = await runOnce({ g: grad(loss, [x])[0]! }, { x: [1, 2] })
    expect(numbers(g.data)).toEqual([5, 7])
  })

  test('is zeros for what the loss does not depend on', async () => {
    const other = input('other', 'float32', [2, 'M'])
    const [dx, dOther] = grad(reduceSum(x), [x, other])
    const found = await runOnce(
      { dx: dx!, dOther: mul(dOther!, 1) },
      {
        x: [1, 2],
        other: [
          [1, 2, 3],
          [4, 5, 6],
        ],
      },
    )
    expect(numbers(found.dx.data)).toEqual([1, 1])
    expect([found.dOther.shape, numbers(found.dOther.data)]).toEqual([
      [2, 3],
      [0, 0, 0, 0, 0, 0],
    ])
  })

  test('of a tensor with respect to itself is one', async () => {
    const s = input('s', 'float32', [])
    const { g } = await runOnce({ g: grad(s, [s])[0]! })
    expect(numbers(g.data)).toEqual([1])
  })

  test('works for tensors in the middle', async () => {
    const hidden = exp(x)
    const { g } = await runOnce({ g: grad(reduceSum(square(hidden)), [hidden])[0]! }, { x: [0] })
    expect(numbers(g.data)).toEqual([2])
  })

  test('may be taken of a gradient', async () => {
    const first = grad(reduceSum(mul(mul(x, x), x)), [x])[0]!
    const second = grad(reduceSum(first), [x])[0]!
    const third = grad(reduceSum(second), [x])[0]!
    const found = await runOnce({ first, second, third }, { x: [2] })
    expect([found.first.data[0], found.second.data[0], found.third.data[0]]).toEqual([12, 12, 6])
  })

  test('of a gradient penalty trains through the gradient', async () => {
    const w = input('w', 'float32', [])
    const penalty = square(reduceSum(grad(reduceSum(mul(exp(mul(x, w)), 1)), [x])[0]!))
    const { g } = await runOnce({ g: grad(penalty, [w])[0]! }, { x: [0.5], w: 1 })
    // d/dw (w e^(x w))² = 2 w e^(2 x w) (1 + x w)
    expect(g.data[0]).toBeCloseTo(2 * Math.exp(1) * 1.5, 4)
  })

  test('passes where only one branch is differentiable', async () => {
    const y = where(greater(x, 1), mul(x, 10), stopGradient(square(x)))
    const { g } = await runOnce({ g: grad(reduceSum(y), [x])[0]! }, { x: [0.5, 2] })
    expect(numbers(g.data)).toEqual([0, 10])
  })

  test('ends at integers without a word', async () => {
    const { g } = await runOnce(
      { g: grad(reduceSum(add(cast(cast(x, 'int64'), 'float32'), x)), [x])[0]! },
      { x: [1.5] },
    )
    expect(numbers(g.data)).toEqual([1])
  })

  test('keeps the scope of the node it differentiates', () => {
    const y = withScope('encoder', () => exp(x))
    const g = grad(reduceSum(y), [x])[0]!
    expect(g.node.scope).toBe('encoder')
  })

  test('builds nothing for inputs that need no gradient', () => {
    const w = input('w', 'float32', ['N'])
    const g = grad(reduceSum(div(x, w)), [x])
    expect(topologicalOrder(g).filter(({ op }) => op.type === 'Neg')).toEqual([])
  })
})

describe('vjp', () => {
  test('weighs several outputs, and tells what depends on none by null', async () => {
    const other = input('other', 'float32', ['N'])
    const [g, none] = vjp([mul(x, 2), exp(x), x], [constant([1, 1]), null, constant([10, 20])], [x, other])
    expect(none).toBeNull()
    const found = await runOnce({ g: add(g!, mul(x, 0)) }, { x: [0, 0] })
    expect(numbers(found.g.data)).toEqual([12, 22])
  })
})

describe('errors', () => {
  test('a loss that is no float scalar', () => {
    expect(() => grad(x, [x])).toThrow('float scalar, found float32[N]. Reduce it first')
    expect(() => grad(reduceSum(cast(x, 'int64')), [x])).toThrow(GradientError)
  })

  test('a tensor that is no float', () => {
    expect(() => grad(reduceMean(x), [input('i', 'int64', [2])])).toThrow('with respect to int64[2]')
  })

  test('an op without a gradient is named with its place', () => {
    const build = () => withScope('decoder', () => scatterElements(x, constant([0], 'int64'), constant([1]), 0, 'mul'))
    expect(() => grad(reduceSum(build()), [x])).toThrow(/ScatterElements at decoder has no gradient/)
  })

  test('an op whose output is an index ends the gradient', async () => {
    const y = reduceSum(cast(nonZero(x), 'float32'))
    const { g } = await runOnce({ g: mul(grad(y, [x])[0]!, 1) }, { x: [1, 0, 2] })
    expect(numbers(g.data)).toEqual([0, 0, 0])
  })
})
