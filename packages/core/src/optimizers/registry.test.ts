import { readFileSync } from 'node:fs'
import { compile, input, ort, type Parameter, parameter, type TensorData, tensorData } from '@nemo/graph'
import { afterAll, expect, it } from 'vitest'
import { createOptimizer } from './registry.js'

interface Reference {
  params: never[]
  /** `[steps, ...shape]` per parameter. */
  grads: never[][]
  variants: { name: string; optimizer: string; config: { lr: number }; after: number[][] }[]
}

// Computed by NeMo v1.0.0's Novograd and PyTorch's optimisers; see the reference case optimizers.
const reference = JSON.parse(
  readFileSync(new URL('../../test/fixtures/optimizers.json', import.meta.url), 'utf8'),
) as Reference
const runtime = ort()
afterAll(() => runtime.dispose())

async function train(name: string, config: Record<string, unknown>, steps: number): Promise<TensorData[][]> {
  const weights = reference.params.map((value, i) => parameter(`param${i}`, tensorData(value, 'float32')))
  const gradients = new Map(weights.map((weight, i) => [weight, input(`grad${i}`, 'float32', weight.shape)] as const))
  const optimizer = createOptimizer({ name, ...config })
  const updates = optimizer.updates(gradients, { lr: input('lr', 'float32', []), step: input('step', 'float32', []) })
  const program = await compile({}, { runtime, updates })
  const history: TensorData[][] = []
  const read = new Set(program.inputs.map((feed) => feed.name))
  for (let step = 0; step < steps; step++) {
    const feeds: Record<string, TensorData> = {}
    weights.forEach((_, i) => {
      feeds[`grad${i}`] = tensorData(reference.grads[i]![step]!, 'float32')
    })
    feeds.lr = tensorData(config.lr as number, 'float32')
    feeds.step = tensorData(step + 1, 'float32')
    await program.run(Object.fromEntries(Object.entries(feeds).filter(([key]) => read.has(key))))
    history.push(await Promise.all(weights.map((weight: Parameter) => weight.value())))
  }
  return history
}

it.each(reference.variants)('$name takes the steps of the original', async ({ optimizer, config, after }) => {
  const history = await train(optimizer, config, 6)
  for (const [step, values] of history.entries()) {
    for (const [i, value] of values.entries()) {
      const size = value.data.length
      const expected = after[i]!.slice(step * size, (step + 1) * size)
      for (let k = 0; k < size; k++) {
        expect(Math.abs(Number(value.data[k]) - expected[k]!)).toBeLessThanOrEqual(3e-6 + 1e-5 * Math.abs(expected[k]!))
      }
    }
  }
})

it('an unknown optimiser names the known ones', () => {
  expect(() => createOptimizer({ name: 'novagrad' })).toThrow(/unknown optimiser 'novagrad'.*novograd/)
})

it('an unknown setting is refused with the nearest known one', () => {
  expect(() => createOptimizer({ name: 'adam', weight_deca: 0.1 })).toThrow(/weight_deca.*weight_decay/s)
})
