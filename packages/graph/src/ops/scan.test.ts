import { describe, expect, test } from 'vitest'
import { checkOp } from '../../test/opCheck.js'
import { array, arrayOf, at, type ReferenceArray } from '../../test/referenceArray.js'
import { runOnce } from '../../test/runOnce.js'
import type { Body } from '../body.js'
import { ShapeError } from '../errors.js'
import { grad } from '../grad.js'
import { simplify } from '../rewrite/simplify.js'
import { tanh } from './activation.js'
import { add, mul, sub } from './arithmetic.js'
import { cast } from './cast.js'
import { greater } from './comparison.js'
import { exp } from './exponential.js'
import { constant, input } from './leaves.js'
import { matMul } from './matMul.js'
import { reduceSum } from './reduction.js'
import { reshape } from './reshape.js'
import { scan } from './scan.js'
import { where } from './where.js'

// ONNX Runtime's Scan wants at least one step.
const LENGTHS = [{ T: 4 }, { T: 1 }]
const tolerances = { gradientTolerance: { absolute: 3e-4, relative: 3e-4 }, secondOrder: true } as const
const row = (x: ReferenceArray, t: number): number[] => Array.from({ length: x.shape[1]! }, (_, d) => at(x, [t, d]))

for (const reverse of [false, true]) {
  const order = (T: number) => Array.from({ length: T }, (_, i) => (reverse ? T - 1 - i : i))
  const direction = reverse ? 'backwards' : 'forwards'

  checkOp('Scan', `walks ${direction} with two states, two sequences, two rows and two captured tensors`, {
    ...tolerances,
    inputs: [{ shape: [2] }, { shape: [] }, { shape: ['T', 2] }, { shape: ['T'] }, { shape: [2, 2] }, { shape: [2] }],
    sizes: LENGTHS,
    build: ([h0, c0, xs, us, w, b]) => {
      const { states, rows } = scan({
        states: [h0!, c0!],
        sequences: [xs!, us!],
        reverse,
        step: ([h, c], [x, u]) => {
          const next = tanh(add(add(reshape(matMul(reshape(h!, [1, 2]), w!), [2]), x!), mul(b!, u!)))
          const carry = add(mul(c!, 0.5), reduceSum(mul(next, u!)))
          return { states: [next, carry], rows: [mul(next, carry), sub(carry, u!)] }
        },
      })
      return [...states, ...rows]
    },
    reference: ([h0, c0, xs, us, w, b], { T }) => {
      let h = [...h0!.data]
      let c = c0!.data[0]!
      const [first, second] = [new Float64Array(2 * T!), new Float64Array(T!)]
      for (const t of order(T!)) {
        const u = us!.data[t]!
        h = row(xs!, t).map((x, d) => Math.tanh(h[0]! * at(w!, [0, d]) + h[1]! * at(w!, [1, d]) + x + b!.data[d]! * u))
        c = 0.5 * c + (h[0]! + h[1]!) * u
        first.set([h[0]! * c, h[1]! * c], 2 * t)
        second[t] = c - u
      }
      return [arrayOf([2], h), arrayOf([], [c]), arrayOf([T!, 2], first), arrayOf([T!], second)]
    },
  })

  checkOp('Scan', `walks ${direction} with an integer state beside a float one`, {
    ...tolerances,
    inputs: [{ shape: [] }, { shape: ['T'] }],
    sizes: LENGTHS,
    build: ([h0, xs]) => {
      const { states, rows } = scan({
        states: [h0!, constant(0, 'int64')],
        sequences: [xs!],
        reverse,
        step: ([h, n], [x]) => {
          const count = add(n!, constant(1, 'int64'))
          const next = add(mul(h!, x!), cast(count, h!.dtype))
          return { states: [next, count], rows: [mul(next, cast(n!, h!.dtype)), count] }
        },
      })
      return [...states, ...rows]
    },
    reference: ([h0, xs], { T }) => {
      let h = h0!.data[0]!
      const [values, counts] = [new Float64Array(T!), new Float64Array(T!)]
      order(T!).forEach((t, n) => {
        h = h * xs!.data[t]! + n + 1
        values[t] = h * n
        counts[t] = n + 1
      })
      return [arrayOf([], [h]), arrayOf([], [T!]), arrayOf([T!], values), arrayOf([T!], counts)]
    },
  })

  checkOp('Scan', `walks ${direction} inside another, which captures the outer state and an outer tensor`, {
    ...tolerances,
    inputs: [{ shape: [] }, { shape: ['T', 3] }, { shape: [] }],
    sizes: LENGTHS,
    build: ([h0, xs, w]) => {
      const { states, rows } = scan({
        states: [h0!],
        sequences: [xs!],
        step: ([h], [xRow]) => {
          const inner = scan({
            states: [mul(h!, 0.5)],
            sequences: [xRow!],
            reverse,
            step: ([s], [x]) => {
              const next = tanh(add(mul(s!, w!), mul(x!, h!)))
              return { states: [next], rows: [mul(next, x!)] }
            },
          })
          return { states: [add(inner.states[0]!, mul(h!, 0.1))], rows: [inner.rows[0]!] }
        },
      })
      return [...states, ...rows]
    },
    reference: ([h0, xs, w], { T }) => {
      let h = h0!.data[0]!
      const rows = new Float64Array(3 * T!)
      for (let t = 0; t < T!; t++) {
        let s = 0.5 * h
        for (const i of order(3)) {
          const x = at(xs!, [t, i])
          s = Math.tanh(s * w!.data[0]! + x * h)
          rows[3 * t + i] = s * x
        }
        h = s + 0.1 * h
      }
      return [arrayOf([], [h]), arrayOf([T!, 3], rows)]
    },
  })
}

checkOp('Scan', 'takes one tensor as state, sequence and captured value at once', {
  ...tolerances,
  inputs: [{ shape: [3] }],
  build: ([x]) => {
    const { states, rows } = scan({
      states: [x!],
      sequences: [x!],
      step: ([s], [e]) => ({ states: [add(mul(s!, e!), x!)], rows: [e!, s!, x!, constant(2)] }),
    })
    return [...states, ...rows]
  },
  reference: ([x]) => {
    let s = [...x!.data]
    const history: number[][] = []
    for (const e of x!.data) {
      history.push(s)
      s = s.map((v, d) => v * e + x!.data[d]!)
    }
    return [
      arrayOf([3], s),
      x!,
      arrayOf([3, 3], history.flat()),
      array([3, 3], ([, d]) => x!.data[d!]!),
      array([3], () => 2),
    ]
  },
})
checkOp('Scan', 'needs no state', {
  ...tolerances,
  inputs: [{ shape: ['T', 2] }, { shape: [2] }],
  sizes: LENGTHS,
  build: ([xs, w]) =>
    scan({ states: [], sequences: [xs!], step: (_, [x]) => ({ states: [], rows: [exp(mul(x!, w!))] }) }).rows,
  reference: ([xs, w]) => array(xs!.shape, (i) => Math.exp(at(xs!, i) * w!.data[i[1]!]!)),
})
checkOp('Scan', 'stops gradients where a comparison stands in the way', {
  inputs: [{ shape: [] }, { shape: ['T'] }],
  sizes: LENGTHS,
  build: ([h0, xs]) =>
    scan({
      states: [h0!],
      sequences: [xs!],
      step: ([h], [x]) => ({ states: [where(greater(x!, 0), mul(h!, x!), h!)], rows: [] }),
    }).states[0]!,
  reference: ([h0, xs]) => arrayOf([], [xs!.data.reduce((h, x) => (x > 0 ? h * x : h), h0!.data[0]!)]),
})

describe('the builder', () => {
  const xs = input('xs', 'float32', ['T', 2])
  const h0 = input('h0', 'float32', [2])

  test('refuses a state that changes its rank or dtype', () => {
    const bad = (next: (h: typeof h0) => typeof h0) => () =>
      scan({ states: [h0], sequences: [xs], step: ([h]) => ({ states: [next(h!)], rows: [] }) })
    expect(bad((h) => reduceSum(h))).toThrow(ShapeError)
    expect(bad((h) => cast(h, 'float64'))).toThrow('starts as float32[2] and becomes float64[2]')
  })

  test('refuses a state that changes its sizes', () => {
    expect(() =>
      scan({
        states: [h0],
        sequences: [xs],
        step: ([h]) => ({ states: [matMul(h!, input('w', 'float32', [2, 3]))], rows: [] }),
      }),
    ).toThrow(ShapeError)
  })

  test('refuses sequences of different lengths', () => {
    const ys = input('ys', 'float32', [5])
    expect(() =>
      scan({ states: [], sequences: [input('zs', 'float32', [4]), ys], step: () => ({ states: [], rows: [] }) }),
    ).toThrow(ShapeError)
  })

  test('refuses the wrong number of states', () => {
    expect(() => scan({ states: [h0], sequences: [xs], step: () => ({ states: [], rows: [] }) })).toThrow(ShapeError)
  })

  test('keeps no row that nobody reads, so that inference records no history', () => {
    const { states } = scan({
      states: [h0],
      sequences: [xs],
      step: ([h], [x]) => ({ states: [mul(h!, x!)], rows: [x!] }),
    })
    const [last] = simplify([states[0]!])
    expect(last!.node.outputs.length).toBe(1)
    expect((last!.node.attributes.body as Body).outputs.length).toBe(1)
  })

  test('captured parameters receive the sum of all steps', async () => {
    const w = input('w', 'float32', [])
    const { states } = scan({
      states: [h0],
      sequences: [xs],
      step: ([h], [x]) => ({ states: [add(h!, mul(x!, w))], rows: [] }),
    })
    const feeds = { h0: [0, 0], xs: { dtype: 'float32', shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) } } as const
    const { g } = await runOnce({ g: grad(reduceSum(states[0]!), [w])[0]! }, { ...feeds, w: 0 })
    expect(g.data[0]).toBe(10)
  })

  test('a captured tensor made from another captured tensor is not counted twice', async () => {
    const w = input('w', 'float32', [])
    const squared = mul(w, w)
    const { states } = scan({
      states: [constant(0)],
      sequences: [input('us', 'float32', ['T'])],
      step: ([h], [u]) => ({ states: [add(h!, mul(u!, mul(w, squared)))], rows: [] }),
    })
    const { g } = await runOnce({ g: grad(states[0]!, [w])[0]! }, { us: [1, 2], w: 2 })
    expect(g.data[0]).toBe(36)
  })
})
