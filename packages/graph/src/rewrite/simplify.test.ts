import { describe, expect, test } from 'vitest'
import { checkLegality } from '../../test/legality.js'
import { typesIn } from '../../test/opCheck.js'
import { runOnce } from '../../test/runOnce.js'
import type { Body } from '../body.js'
import { grad } from '../grad.js'
import { add, maximum, minimum, mul, sub } from '../ops/arithmetic.js'
import { cast, identity } from '../ops/cast.js'
import { concat } from '../ops/concat.js'
import { exp } from '../ops/exponential.js'
import { constant, input } from '../ops/leaves.js'
import { maxPool } from '../ops/pooling.js'
import { randomUniform } from '../ops/random.js'
import { reduceSum } from '../ops/reduction.js'
import { ops } from '../ops/registry.js'
import { reshape } from '../ops/reshape.js'
import { scan } from '../ops/scan.js'
import { dimTensor } from '../ops/shape.js'
import { slice } from '../ops/slice.js'
import { parameter } from '../parameter.js'
import type { Tensor } from '../tensor.js'
import { topologicalOrder } from '../traverse.js'
import { simplify } from './simplify.js'

const x = input('x', 'float32', ['B', 3])
const count = (outputs: readonly Tensor[], type: string): number =>
  topologicalOrder(outputs).filter(({ op }) => op.type === type).length

describe('equal nodes', () => {
  test('become one', () => {
    const [y] = simplify([add(mul(exp(x), 2), mul(exp(x), 2))])
    expect([count([y!], 'Exp'), count([y!], 'Mul'), count([y!], 'Add')]).toEqual([1, 1, 1])
  })

  test('are recognised through their inputs, in any depth and across outputs', () => {
    const build = () => reduceSum(sub(exp(mul(x, 3)), 1), 1)
    const outputs = simplify([build(), build()])
    expect(outputs[0]).toBe(outputs[1])
  })

  test('with other attributes or inputs stay apart', () => {
    const outputs = simplify([
      reduceSum(x, 0),
      reduceSum(x, 1),
      reduceSum(x, 1, true),
      cast(x, 'int64'),
      cast(x, 'float64'),
    ])
    expect(new Set(outputs).size).toBe(5)
  })

  test('0 and -0 are different constants', () => {
    expect(new Set(simplify([mul(x, 0), mul(x, -0)])).size).toBe(2)
  })

  test('random draws and parameters of one name stay apart', () => {
    const [a, b] = [parameter('w', [1, 2, 3]), parameter('w', [1, 2, 3])]
    expect(new Set(simplify([add(x, a), add(x, b), randomUniform([3]), randomUniform([3])])).size).toBe(4)
  })
})

describe('constants', () => {
  test('are computed once, while compiling', async () => {
    const table = constant([
      [1, 2, 3],
      [4, 5, 6],
    ])
    const y = slice(concat([add(mul(table, 2), 1), table], 0), {
      axes: [0, 1],
      starts: [3, -1],
      ends: [0, -9],
      steps: [-1, -1],
    })
    const [folded] = simplify([y])
    expect(folded!.node.op).toBe(ops.Constant)
    const { direct } = await runOnce({ direct: add(y, mul(reduceSum(x), 0)) }, { x: [[0, 0, 0]] })
    expect([...folded!.constant!.data]).toEqual([...direct.data])
  })

  test('sizes that are numbers are constants', () => {
    const fixed = input('fixed', 'float32', [4, 5])
    const [n] = simplify([mul(dimTensor(4, [fixed]), constant(2, 'int64'))])
    expect(n!.constant!.data[0]).toBe(8n)
  })

  test('shapes that depend on a symbol are not', () => {
    const [n] = simplify([add(dimTensor('B', [x]), constant(1, 'int64'))])
    expect(typesIn([n!])).toContain('Shape')
  })
})

describe('what nobody needs', () => {
  test('identities vanish', () => {
    const [y] = simplify([identity(identity(exp(identity(x))))])
    expect(topologicalOrder([y!]).map(({ op }) => op.type)).toEqual(['Input', 'Exp'])
  })

  test('a computation that leads nowhere is no part of the graph', () => {
    exp(x)
    expect(typesIn(simplify([mul(x, 2)]))).toEqual(new Set(['Input', 'Constant', 'Mul']))
  })

  test('optional outputs that nobody reads are dropped', () => {
    const y = maxPool(input('s', 'float32', ['B', 1, 6]), { kernel: 2 })
    const [plain] = simplify([y])
    expect(plain!.node.outputs.length).toBe(1)
  })

  test('rows, captures and equal steps of a loop are dropped', () => {
    const [h0, w, unused] = [input('h', 'float32', [3]), input('w', 'float32', [3]), input('u', 'float32', [3])]
    const { states } = scan({
      states: [h0],
      sequences: [x],
      step: ([h], [row]) => ({ states: [add(mul(h!, exp(w)), mul(row!, exp(w)))], rows: [mul(h!, unused)] }),
    })
    const [last] = simplify([states[0]!])
    const body = last!.node.attribute<Body>('body')
    expect([body.outputs.length, last!.node.inputs.length]).toEqual([1, 3])
    expect(count([last!], 'Exp')).toBe(1)
  })
})

describe('the result', () => {
  test('is a legal graph, with gradients and loops in it', () => {
    const w = input('w', 'float32', [3])
    const { states, rows } = scan({
      states: [reduceSum(x, 0)],
      sequences: [x],
      step: ([h], [row]) => ({ states: [mul(exp(mul(h!, w)), row!)], rows: [add(h!, row!)] }),
    })
    const loss = add(reduceSum(mul(states[0]!, w)), reduceSum(reshape(rows[0]!, [-1])))
    const everything = [loss, ...grad(loss, [x, w])]
    checkLegality(everything)
    checkLegality(simplify(everything))
  })

  test('of a second pass is the same', () => {
    const loss = reduceSum(exp(mul(x, x)))
    const once = simplify([loss, ...grad(loss, [x])])
    expect(simplify(once)).toEqual(once)
  })
})

test('extremes of constants are folded, in floats and in int64', () => {
  const folded = (tensor: Tensor) => Array.from(simplify([tensor])[0]!.constant!.data as ArrayLike<number | bigint>)
  expect(folded(maximum(constant([1, Number.NaN, -3]), constant(0)))).toEqual([1, Number.NaN, 0])
  expect(folded(minimum(constant([7, -2], 'int64'), constant(3, 'int64')))).toEqual([3n, -2n])
})
