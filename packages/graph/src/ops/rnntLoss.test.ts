import { describe, expect, test } from 'vitest'
import { type CheckedInput, checkOp } from '../../test/opCheck.js'
import { arrayOf, at, type ReferenceArray } from '../../test/referenceArray.js'
import { runOnce } from '../../test/runOnce.js'
import { ShapeError } from '../errors.js'
import { grad } from '../grad.js'
import { input } from './leaves.js'
import { reduceSum } from './reduction.js'
import { rnntLoss } from './rnntLoss.js'

// Adds up the probabilities of all alignments: every way from (0, 0) to past the last frame with all labels said.
function bruteForce(
  logits: ReferenceArray,
  targets: ReferenceArray,
  frames: ReferenceArray,
  labels: ReferenceArray,
  blank: number,
): number[] {
  const [B, , , C] = logits.shape as [number, number, number, number]
  return Array.from({ length: B }, (_, b) => {
    const [T, U] = [at(frames, [b]), at(labels, [b])]
    const probability = (t: number, u: number, k: number) => {
      const scores = Array.from({ length: C }, (_, c) => Math.exp(at(logits, [b, t, u, c])))
      return scores[k]! / scores.reduce((sum, s) => sum + s, 0)
    }
    const from = (t: number, u: number): number => {
      if (t === T) return u === U ? 1 : 0
      const onward = probability(t, u, blank) * from(t + 1, u)
      return u < U ? onward + probability(t, u, at(targets, [b, u])) * from(t, u + 1) : onward
    }
    return -Math.log(from(0, 0))
  })
}

const labelled =
  (C: number, blank: number): NonNullable<CheckedInput['values']> =>
  (random) => {
    const label = Math.floor(random() * (C - 1))
    return label < blank ? label : label + 1
  }
for (const blank of [0, 2]) {
  checkOp('RNNTLoss', `has the brute force's value and gradient with blank ${blank}`, {
    inputs: [
      { shape: ['B', 'T', 'U1', 3], values: [-1, 1] },
      { shape: ['B', 'U'], dtype: 'int64', values: labelled(3, blank) },
      { shape: ['B'], dtype: 'int64', values: (_, b, { T }) => Math.max(1, T! - b) },
      { shape: ['B'], dtype: 'int64', values: (_, b, { U }) => Math.max(0, U! - b) },
    ],
    sizes: [
      { B: 2, T: 4, U: 2, U1: 3 },
      { B: 3, T: 3, U: 3, U1: 4 },
      { B: 1, T: 1, U: 1, U1: 2 },
      { B: 2, T: 3, U: 0, U1: 1 },
    ],
    dtypes: ['float32', 'float64'],
    tolerance: { absolute: 1e-5, relative: 1e-5 },
    gradientTolerance: { absolute: 3e-5, relative: 1e-4 },
    build: ([logits, targets, frames, labels]) =>
      rnntLoss({ logits: logits!, targets: targets!, inputLengths: frames!, targetLengths: labels! }, { blank }),
    reference: ([logits, targets, frames, labels]) =>
      arrayOf([logits!.shape[0]!], bruteForce(logits!, targets!, frames!, labels!, blank)),
  })
}

describe('edge cases', () => {
  const logits = input('logits', 'float32', ['B', 'T', 'U + 1', 3])
  const targets = input('targets', 'int64', ['B', 'U'])
  const [inputLengths, targetLengths] = [input('frames', 'int64', ['B']), input('labels', 'int64', ['B'])]
  const loss = rnntLoss({ logits, targets, inputLengths, targetLengths }, { blank: 2 })
  const gradient = grad(reduceSum(loss), [logits])[0]!
  const lattice = (B: number, T: number, U: number, value: (b: number, t: number, u: number, c: number) => number) => ({
    dtype: 'float32' as const,
    shape: [B, T, U + 1, 3],
    data: Float32Array.from({ length: B * T * (U + 1) * 3 }, (_, i) =>
      value(Math.floor(i / ((U + 1) * 3 * T)), Math.floor(i / ((U + 1) * 3)) % T, Math.floor(i / 3) % (U + 1), i % 3),
    ),
  })
  const wave = (b: number, t: number, u: number, c: number) => Math.sin(b + 3 * t + 7 * u + 11 * c)

  test('padding in time, labels and targets changes nothing and gets gradient 0', async () => {
    const short = { logits: lattice(1, 3, 2, wave), targets: [[0, 1]], frames: [3], labels: [2] }
    const padded = {
      logits: lattice(1, 5, 4, (b, t, u, c) => (t < 3 && u < 3 ? wave(b, t, u, c) : 50 * c)),
      targets: [[0, 1, 1, 0]],
      frames: [3],
      labels: [2],
    }
    const [a, b] = [await runOnce({ loss, gradient }, short), await runOnce({ loss, gradient }, padded)]
    expect(b.loss.data[0]).toBeCloseTo(Number(a.loss.data[0]), 5)
    for (let t = 0; t < 5; t++) {
      for (let u = 0; u < 5; u++) {
        for (let c = 0; c < 3; c++) {
          const expected = t < 3 && u < 3 ? Number(a.gradient.data[(t * 3 + u) * 3 + c]) : 0
          expect(b.gradient.data[(t * 5 + u) * 3 + c]).toBeCloseTo(expected, 5)
        }
      }
    }
  })

  test('no frames match an empty target only', async () => {
    const found = await runOnce(
      { loss, gradient },
      { logits: lattice(2, 2, 1, wave), targets: [[0], [1]], frames: [0, 0], labels: [0, 1] },
    )
    expect([...found.loss.data]).toEqual([0, Number.POSITIVE_INFINITY])
    expect([...found.gradient.data].every((v) => v === 0)).toBe(true)
  })

  test('a sure alignment has loss 0 although all others are impossible', async () => {
    // Says label 0 at frame 1 and blanks elsewhere.
    const sure = (_: number, t: number, u: number, c: number) => (c === (t === 1 && u === 0 ? 0 : 2) ? 0 : -200)
    const found = await runOnce(
      { loss, gradient },
      { logits: lattice(1, 3, 1, sure), targets: [[0]], frames: [3], labels: [1] },
    )
    expect([...found.loss.data]).toEqual([0])
    expect([...found.gradient.data].every((v) => Math.abs(Number(v)) < 1e-6)).toBe(true)
  })

  test('wrong ranks, classes and label positions are errors', () => {
    expect(() => rnntLoss({ logits, targets, inputLengths, targetLengths }, { blank: 3 })).toThrow(
      'blank 3 is not one of 3 classes',
    )
    expect(() => rnntLoss({ logits, targets: inputLengths, inputLengths, targetLengths }, { blank: 0 })).toThrow(
      ShapeError,
    )
    expect(() =>
      rnntLoss(
        {
          logits: input('lattice', 'float32', ['B', 'T', 3, 3]),
          targets: input('labels', 'int64', ['B', 1]),
          inputLengths,
          targetLengths,
        },
        { blank: 0 },
      ),
    ).toThrow('expected 1 + 1 label positions')
  })
})
