import { ConfigValidationError } from '@nemo/core'
import { input } from '@nemo/graph'
import { describe, expect, it } from 'vitest'
import { CTCLoss } from './ctcLoss.js'

const ports = {
  logProbs: input('log_probs', 'float32', ['B', 'T', 4]),
  targets: input('targets', 'int64', ['B', 'U']),
  inputLengths: input('input_lengths', 'int64', ['B']),
  targetLengths: input('target_lengths', 'int64', ['B']),
}

describe('CTCLoss', () => {
  it('is one number, or one per utterance without reduction', () => {
    for (const reduction of ['mean_batch', 'mean', 'sum'] as const) {
      expect(new CTCLoss({ num_classes: 3, reduction }).forward(ports).loss.shape).toEqual([])
    }
    expect(new CTCLoss({ num_classes: 3, reduction: 'none' }).forward(ports).loss.shape).toEqual(['B'])
  })

  it('sums over all alignments', async () => {
    // Two frames, three equally likely classes: "a" arises from aa, a-, -a.
    const third = Math.log(1 / 3)
    const { loss } = await new CTCLoss({ num_classes: 2 }).run({
      logProbs: [
        [
          [third, third, third],
          [third, third, third],
        ],
      ],
      targets: [[0]],
      inputLengths: [2],
      targetLengths: [1],
    })
    expect(Number(loss!.data[0])).toBeCloseTo(Math.log(3), 5)
  })

  it('refuses unknown reductions and missing class counts', () => {
    expect(() => new CTCLoss({ num_classes: 3, reduction: 'mean_volume' as never })).toThrow(ConfigValidationError)
    expect(() => new CTCLoss({} as never)).toThrow(/num_classes: is required/)
  })

  it('refuses log-probabilities that lack the blank', () => {
    expect(() => new CTCLoss({ num_classes: 4 }).forward(ports)).toThrow(/blank 4 is not one of 4 classes/)
  })
})
