import { ort } from '@nemo/graph'
import { expect } from 'vitest'
import { type SmallTraining, trainSmall } from './smallTraining.js'

/** Fails unless losses and weights are those of ONNX Runtime. */
export async function expectSameTraining(found: SmallTraining): Promise<void> {
  const expected = await trainSmall(ort({ threads: 1 }))
  expect(found.losses.length).toBe(expected.losses.length)
  found.losses.forEach((loss, step) => {
    expect(Math.abs(loss / expected.losses[step]! - 1), `loss of step ${step}`).toBeLessThan(1e-4)
  })
  found.weight.forEach((value, i) => {
    expect(Math.abs(value - expected.weight[i]!), `weight ${i}`).toBeLessThan(1e-4)
  })
}
