import { ort } from '@nemo/graph'
import { expect, it } from 'vitest'
import { quartzNet5x3, trainingStep } from './quartzNet5x3.js'
import { randomNumbers } from './randomNumbers.js'
import { noiseBatch } from './trainStepBatch.js'

// Made by tools/reference/bench/quartzNetLosses.py: the peer's own network, in PyTorch and float64.
const pytorch = {
  novograd: [36.2371, 34.402, 32.9604, 31.3617, 29.9877, 28.7761],
  sgd: [36.2371, 33.0316, 31.5474, 29.6337, 28.4607, 27.5535],
}

it.each(['novograd', 'sgd'] as const)('has the losses of the PyTorch peer under %s', async (optimizer) => {
  const random = randomNumbers(3)
  const runtime = ort({ threads: 1 })
  const { program } = await trainingStep({
    blocks: quartzNet5x3.map((block) => ({ ...block, filters: block.filters / 16 })),
    features: 16,
    classes: 8,
    optimizer,
    learningRate: optimizer === 'sgd' ? 0.001 : 0.003,
    runtime,
    random,
  })
  const batch = noiseBatch({ batch: 2, frames: 61, features: 16, target: 6, classes: 8 }, random)
  const losses: number[] = []
  for (let i = 0; i < 6; i++) losses.push(Number((await program.run(batch)).loss.data[0]))
  await program.dispose()
  await runtime.dispose()
  // The second loss proves the first gradient. Later a ReLU turned the other way by float32's rounding moves the loss by
  // about a hundredth, and steps carry that on (changing the weights by 1e-5 does the same).
  losses.forEach((loss, i) => {
    expect(Math.abs(loss / pytorch[optimizer][i]! - 1), `step ${i}: ${loss}`).toBeLessThan(i < 2 ? 1e-5 : 3e-2)
  })
})
