import { describe, expect, it } from 'vitest'
import { AsrError, TopKClassificationAccuracy, topClasses } from '../index.js'

const logits = (rows: readonly (readonly number[])[]) => ({
  dtype: 'float32' as const,
  shape: [rows.length, rows[0]!.length],
  data: Float32Array.from(rows.flat()),
})

describe('TopKClassificationAccuracy', () => {
  it('counts samples whose class is among the k best, over batches', () => {
    const accuracy = new TopKClassificationAccuracy([1, 2])
    expect(
      accuracy.update(
        logits([
          [3, 2, 1],
          [1, 2, 3],
        ]),
        [0n, 1n],
      ),
    ).toEqual([0, 2])
    expect(accuracy.compute()).toEqual([0.5, 1])
    accuracy.update(
      logits([
        [0, 1, 2],
        [0, 1, 2],
      ]),
      [0, 0],
    )
    expect(accuracy.compute()).toEqual([0.25, 0.5])
    accuracy.reset()
    expect(accuracy.compute()).toEqual([Number.NaN, Number.NaN])
  })

  it('a k above the number of classes takes all of them', () => {
    const accuracy = new TopKClassificationAccuracy(5)
    accuracy.update(logits([[0, 1]]), [0])
    expect(accuracy.compute()).toEqual([1])
  })

  it('gives recall, precision and F1 of each class', () => {
    const accuracy = new TopKClassificationAccuracy()
    accuracy.update(
      logits([
        [2, 1, 0],
        [2, 1, 0],
        [0, 1, 2],
        [2, 1, 0],
      ]),
      [0, 0, 2, 1],
    )
    const [first, second, third] = accuracy.perClass(3)
    expect(first).toEqual({ count: 2, correct: 2, predicted: 3, recall: 1, precision: 2 / 3, f1: 0.8 })
    expect(second).toEqual({ count: 1, correct: 0, predicted: 0, recall: 0, precision: 0, f1: 0 })
    expect(third).toMatchObject({ f1: 1 })
    expect(accuracy.confusions(1, 0)).toBe(1)
  })

  it('of equal scores the lower class comes first', () => {
    expect(topClasses([1, 5, 5, 0], 3)).toEqual([1, 2, 0])
  })

  it('a k that is no positive whole number is refused', () => {
    for (const k of [0, 1.5, []]) expect(() => new TopKClassificationAccuracy(k)).toThrow(AsrError)
  })
})
