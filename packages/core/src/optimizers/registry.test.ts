import { readFileSync } from 'node:fs'
import { compile, input, ort, type Parameter, parameter, type TensorData, tensorData } from '@nemo/graph'
import { afterAll, expect, it } from 'vitest'
import { biasCorrection } from './adam.js'
import { OptimizerError } from './errors.js'
import { optimizerFeeds, stepContext } from './optimizer.js'
import { createOptimizer, registerOptimizer } from './registry.js'

interface Reference {
  /** One value per weight; flat where `shapes` is given. */
  params: never[]
  shapes?: number[][]
  /** `[steps, ...shape]` per weight. */
  grads: never[][]
  variants: { name: string; optimizer: string; config: { lr: number | null }; after: number[][] }[]
}

const read = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../test/fixtures/${name}.json`, import.meta.url), 'utf8')) as Reference
// Computed by NeMo v1.0.0's Novograd and PyTorch's optimisers; see the reference case optimizers.
const reference = read('optimizers')
// RAdam of PyTorch and Adafactor of NeMo v1.6.0, made by tools/reference/optimizerFixtures.py.
const extra = read('optimizersExtra')
const runtime = ort()
afterAll(() => runtime.dispose())

async function train({ params, shapes, grads }: Reference, name: string, config: Record<string, unknown>) {
  const tensor = (value: never, i: number) => {
    const data = tensorData(value, 'float32')
    return shapes ? { ...data, shape: shapes[i]! } : data
  }
  const weights = params.map((value, i) => parameter(`param${i}`, tensor(value, i)))
  const gradients = new Map(weights.map((weight, i) => [weight, input(`grad${i}`, 'float32', weight.shape)] as const))
  const optimizer = createOptimizer({ name, ...config })
  const program = await compile({}, { runtime, updates: optimizer.updates(gradients, stepContext()) })
  const history: TensorData[][] = []
  for (let step = 0; step < grads[0]!.length; step++) {
    const feeds = optimizerFeeds(optimizer, Number(config.lr), step + 1, program.inputs)
    weights.forEach((_, i) => {
      feeds[`grad${i}`] = tensor(grads[i]![step]!, i)
    })
    await program.run(feeds)
    history.push(await Promise.all(weights.map((weight: Parameter) => weight.value())))
  }
  return history
}

it.each([
  ...reference.variants.map((variant) => ({ ...variant, from: reference })),
  ...extra.variants.map((variant) => ({ ...variant, from: extra })),
])('$name takes the steps of the original', async ({ optimizer, config, after, from }) => {
  const history = await train(from, optimizer, config)
  expect(history.length).toBe(from.grads[0]!.length)
  for (const [step, values] of history.entries()) {
    for (const [i, value] of values.entries()) {
      const size = value.data.length
      const expected = after[i]!.slice(step * size, (step + 1) * size)
      for (let k = 0; k < size; k++) {
        expect(Math.abs(Number(value.data[k]) - expected[k]!)).toBeLessThanOrEqual(1e-6 + 2e-6 * Math.abs(expected[k]!))
      }
    }
  }
})

it("Adam's corrections keep their precision in the first steps and later", async () => {
  const step = input('step', 'float32', [])
  const program = await compile({ correction: biasCorrection(0.999, step) }, { runtime })
  for (const n of [1, 2, 10, 100, 499, 500, 501, 1000, 100_000]) {
    const { correction } = await program.run({ step: n })
    expect(Math.abs(Number(correction!.data[0]) / -Math.expm1(n * Math.log(0.999)) - 1)).toBeLessThan(5e-7)
  }
})

it('Adafactor refuses a warm-up of a step size that it does not choose', () => {
  expect(() => createOptimizer({ name: 'adafactor', warmup_init: true, relative_step: false })).toThrow(
    /warmup_init needs relative_step/,
  )
})

it('an optimiser of your own can be registered once', () => {
  const made = createOptimizer({ name: 'sgd' })
  registerOptimizer('mine', () => made)
  expect(createOptimizer({ name: 'mine', lr: 1 })).toBe(made)
  expect(() => registerOptimizer('mine', () => made)).toThrow(OptimizerError)
})

it('settings may stand under args, as in configs of NeMo', () => {
  expect(() => createOptimizer({ name: 'adam', args: { betas: [0.9] } })).toThrow(/betas/)
  expect(createOptimizer({ name: 'sgd', args: { name: 'auto', momentum: 0.9 } })).toBeDefined()
})

it('an unknown optimiser names the known ones', () => {
  expect(() => createOptimizer({ name: 'novagrad' })).toThrow(/unknown optimiser 'novagrad'.*novograd/)
})

it('an unknown setting is refused with the nearest known one', () => {
  expect(() => createOptimizer({ name: 'adam', weight_deca: 0.1 })).toThrow(/weight_deca.*weight_decay/s)
})
