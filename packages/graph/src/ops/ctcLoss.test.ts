import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fixtureText, npyFixture } from '../../test/npy.js'
import { type CheckedInput, checkOp, expectClose } from '../../test/opCheck.js'
import { array, arrayOf, at, indicesOf, type ReferenceArray } from '../../test/referenceArray.js'
import { runOnce } from '../../test/runOnce.js'
import { compile } from '../compile.js'
import type { TensorData } from '../dtype.js'
import { ShapeError } from '../errors.js'
import { grad } from '../grad.js'
import { ort } from '../runtime/ort/ort.js'
import type { Tensor } from '../tensor.js'
import { div, maximum, mul } from './arithmetic.js'
import { cast } from './cast.js'
import { ctcLoss } from './ctcLoss.js'
import { constant, input } from './leaves.js'
import { reduceMean, reduceSum } from './reduction.js'
import { logSoftmax } from './softmax.js'

interface Golden {
  readonly problems: readonly {
    readonly name: string
    readonly blank: number
    readonly zeroInfinity: boolean
    readonly reductions: readonly string[]
  }[]
  readonly tolerances: Readonly<Record<string, { readonly atol: number; readonly rtol: number }>>
}
const golden = JSON.parse(fixtureText('ctc/case.json')) as Golden
const asReference = ({ shape, data }: TensorData): ReferenceArray => arrayOf(shape, Array.from(data, Number))

// NeMo's reductions of the losses of a batch; `none` is weighted by an upstream gradient.
const reductions: Record<string, (losses: Tensor, targetLengths: Tensor, upstream: Tensor) => Tensor> = {
  mean_batch: (losses) => reduceMean(losses),
  mean: (losses, lengths) => reduceMean(div(losses, cast(maximum(lengths, 1), 'float32'))),
  sum: (losses) => reduceSum(losses),
  none: (losses, _, upstream) => reduceSum(mul(losses, upstream)),
}

describe('CTCLoss', () => {
  // The fixture was made by PyTorch through NeMo v1.0.0; see its provenance.
  for (const { name, blank, zeroInfinity, reductions: names } of golden.problems) {
    for (const reduction of names) {
      test(`equals PyTorch's losses and gradients: ${name}, ${reduction}`, async () => {
        const logits = input('logits', 'float32', ['B', 'T', 'C'])
        const targets = input('targets', 'int64', ['B', 'U'])
        const [inputLengths, targetLengths] = [
          input('input_lengths', 'int64', ['B']),
          input('target_lengths', 'int64', ['B']),
        ]
        const logProbs = logSoftmax(logits)
        const losses = ctcLoss({ logProbs, targets, inputLengths, targetLengths }, { blank, zeroInfinity })
        const upstream = npyFixture(`ctc/${name}/grad_output.npy`)
        const total = reductions[reduction]!(losses, targetLengths, constant(upstream))
        const [gradLogits, gradLogProbs] = grad(total, [logits, logProbs])
        const found = await runOnce(
          { loss: reduction === 'none' ? losses : total, grad_logits: gradLogits!, grad_log_probs: gradLogProbs! },
          Object.fromEntries(
            ['logits', 'targets', 'input_lengths', 'target_lengths'].map((key) => [
              key,
              npyFixture(`ctc/${name}/${key}.npy`),
            ]),
          ),
        )
        for (const key of ['loss', 'grad_logits', 'grad_log_probs'] as const) {
          const place = `${name}/${reduction}/${key}`
          const { atol, rtol } = golden.tolerances[place]!
          expectClose(
            found[key],
            asReference(npyFixture(`ctc/${place}.npy`)),
            { absolute: atol, relative: rtol },
            place,
          )
        }
      })
    }
  }
})

// Sums the probabilities of all paths that collapse to the target.
function bruteForce(
  logits: ReferenceArray,
  targets: ReferenceArray,
  frames: ReferenceArray,
  labels: ReferenceArray,
  blank: number,
): number[] {
  const [B, , C] = logits.shape as [number, number, number]
  return Array.from({ length: B }, (_, b) => {
    const T = at(frames, [b])
    const wanted = Array.from({ length: at(labels, [b]) }, (_, u) => at(targets, [b, u])).join()
    let likelihood = 0
    for (const path of indicesOf(new Array<number>(T).fill(C))) {
      const collapsed = path.filter((label, t) => label !== blank && label !== path[t - 1])
      if (collapsed.join() !== wanted) continue
      likelihood += path.reduce((product, label, t) => {
        const scores = Array.from({ length: C }, (_, c) => at(logits, [b, t, c]))
        return (product * Math.exp(scores[label]!)) / scores.reduce((sum, s) => sum + Math.exp(s), 0)
      }, 1)
    }
    return -Math.log(likelihood)
  })
}

const labelled =
  (C: number, blank: number): NonNullable<CheckedInput['values']> =>
  (random) => {
    const label = Math.floor(random() * (C - 1))
    return label < blank ? label : label + 1
  }
for (const blank of [0, 2]) {
  checkOp('CTCLoss', `has the brute force's value and gradient with blank ${blank}`, {
    inputs: [
      { shape: ['B', 'T', 3], values: [-1, 1] },
      { shape: ['B', 'U'], dtype: 'int64', values: labelled(3, blank) },
      { shape: ['B'], dtype: 'int64', values: (_, b, { T }) => Math.max(1, T! - b) },
      { shape: ['B'], dtype: 'int64', values: (_, b, { U }) => Math.max(0, U! - b) },
    ],
    sizes: [
      { B: 2, T: 5, U: 2 },
      { B: 3, T: 4, U: 1 },
      { B: 1, T: 1, U: 1 },
      { B: 2, T: 3, U: 0 },
    ],
    dtypes: ['float32', 'float64'],
    tolerance: { absolute: 1e-5, relative: 1e-5 },
    gradientTolerance: { absolute: 3e-5, relative: 1e-4 },
    build: ([logits, targets, frames, labels]) =>
      ctcLoss(
        { logProbs: logSoftmax(logits!), targets: targets!, inputLengths: frames!, targetLengths: labels! },
        { blank },
      ),
    reference: ([logits, targets, frames, labels]) =>
      arrayOf([logits!.shape[0]!], bruteForce(logits!, targets!, frames!, labels!, blank)),
  })
}

describe('edge cases', () => {
  const logits = input('logits', 'float32', ['B', 'T', 3])
  const targets = input('targets', 'int64', ['B', 'U'])
  const [inputLengths, targetLengths] = [input('frames', 'int64', ['B']), input('labels', 'int64', ['B'])]
  const losses = (zeroInfinity: boolean) =>
    ctcLoss({ logProbs: logSoftmax(logits), targets, inputLengths, targetLengths }, { blank: 2, zeroInfinity })
  const [dInfinite, dZero] = [false, true].map((zero) => grad(reduceSum(losses(zero)), [logits])[0]!)
  const outputs = { infinite: losses(false), zero: losses(true), dInfinite: dInfinite!, dZero: dZero! }
  const feeds = (T: number, labels: readonly (readonly number[])[], frames: readonly number[]) => ({
    logits: {
      dtype: 'float32' as const,
      shape: [labels.length, T, 3],
      data: Float32Array.from({ length: labels.length * T * 3 }, (_, i) => Math.sin(i)),
    },
    targets: labels.map((list) => [...list, 0, 0].slice(0, 2)),
    frames,
    labels: labels.map((list) => list.length),
  })

  test('a repeated label needs a blank between, or the loss is infinite', async () => {
    const found = await runOnce(
      outputs,
      feeds(
        2,
        [
          [0, 0],
          [0, 1],
        ],
        [2, 2],
      ),
    )
    expect([found.infinite.data[0], found.zero.data[0]]).toEqual([Number.POSITIVE_INFINITY, 0])
    expect(found.infinite.data[1]).toBe(found.zero.data[1])
    expect([...found.dInfinite.data].slice(0, 6).every((v) => Number.isNaN(v))).toBe(true)
    expect([...found.dZero.data].slice(0, 6)).toEqual([0, 0, 0, 0, 0, 0])
    expect([...found.dInfinite.data].slice(6)).toEqual([...found.dZero.data].slice(6))
  })

  test('no frames match an empty target only', async () => {
    const found = await runOnce(outputs, feeds(2, [[], [1]], [0, 0]))
    expect([...found.infinite.data]).toEqual([0, Number.POSITIVE_INFINITY])
    expect([...found.zero.data]).toEqual([0, 0])
    expect([...found.dZero.data].every((v) => v === 0)).toBe(true)
  })

  test('frames beyond the input length change nothing and get gradient 0', async () => {
    const short = feeds(3, [[0]], [3])
    const data = new Float32Array(15).fill(7)
    data.set(short.logits.data)
    const padded = { ...short, logits: { dtype: 'float32' as const, shape: [1, 5, 3], data } }
    const [a, b] = [await runOnce(outputs, short), await runOnce(outputs, padded)]
    expect(b.zero.data[0]).toBe(a.zero.data[0])
    expect([...b.dZero.data]).toEqual([...a.dZero.data, 0, 0, 0, 0, 0, 0])
  })

  test('probabilities of 0 make neither NaN nor a wrong gradient', async () => {
    const logProbs = input('lp', 'float32', [1, 2, 2])
    const loss = ctcLoss(
      {
        logProbs,
        targets: constant([[0]], 'int64'),
        inputLengths: constant([2], 'int64'),
        targetLengths: constant([1], 'int64'),
      },
      { blank: 1 },
    )
    const never = Number.NEGATIVE_INFINITY
    const found = await runOnce(
      { loss, g: grad(reduceSum(loss), [logProbs])[0]! },
      {
        lp: [
          [
            [0, never],
            [0, never],
          ],
        ],
      },
    )
    expect([...found.loss.data]).toEqual([0])
    expect([...found.g.data]).toEqual([0, 0, 0, 0])
  })

  test('random problems equal the brute force', async () => {
    const program = await compile({ loss: losses(false) }, { runtime: ort({ threads: 1 }) })
    const problem = fc.record({
      T: fc.integer({ min: 1, max: 5 }),
      items: fc.array(
        fc.record({
          target: fc.array(fc.integer({ min: 0, max: 1 }), { maxLength: 3 }),
          frames: fc.integer({ min: 0, max: 5 }),
          seed: fc.integer({ min: 0, max: 1000 }),
        }),
        { minLength: 1, maxLength: 3 },
      ),
    })
    await fc.assert(
      fc.asyncProperty(problem, async ({ T, items }) => {
        const U = Math.max(...items.map(({ target }) => target.length))
        const scores = array([items.length, T, 3], ([b, t, c]) =>
          Math.fround(Math.sin(items[b!]!.seed + 10 * t! + 3 * c!)),
        )
        const padded = array([items.length, U], ([b, u]) => items[b!]!.target[u!] ?? 0)
        const frames = array([items.length], ([b]) => Math.min(T, items[b!]!.frames))
        const labels = array([items.length], ([b]) => items[b!]!.target.length)
        const int64 = ({ shape, data }: ReferenceArray): TensorData => ({
          dtype: 'int64',
          shape,
          data: BigInt64Array.from(data, BigInt),
        })
        const { loss } = await program.run({
          logits: { dtype: 'float32', shape: scores.shape, data: Float32Array.from(scores.data) },
          targets: int64(padded),
          frames: int64(frames),
          labels: int64(labels),
        })
        expectClose(
          loss,
          arrayOf([items.length], bruteForce(scores, padded, frames, labels, 2)),
          { absolute: 1e-5, relative: 1e-5 },
          'loss',
        )
      }),
      { seed: 5, numRuns: 60 },
    )
  })

  test('a blank outside the classes and tensors of other ranks are errors', () => {
    expect(() => ctcLoss({ logProbs: logits, targets, inputLengths, targetLengths }, { blank: 3 })).toThrow(
      'blank 3 is not one of 3 classes',
    )
    expect(() =>
      ctcLoss({ logProbs: logits, targets: inputLengths, inputLengths, targetLengths }, { blank: 0 }),
    ).toThrow(ShapeError)
  })
})
