import { createOptimizer, optimizerFeeds, stepContext } from '@nemo/core'
import { compile, input, type Parameter, parameter, type TensorData } from '@nemo/graph'
import type { CaseHandler } from '../caseHandler.js'

interface OptimizerVariant {
  readonly name: string
  readonly optimizer: string
  readonly config: Readonly<Record<string, unknown>>
  /** Per parameter its value after each step, `[steps, ...shape]`. */
  readonly params_after: readonly string[]
}

/** `variants` of optimisers that take prescribed `gradients` (`[steps, ...shape]`) on `params`. */
export const optimizers: CaseHandler = {
  kind: 'optimisers',
  matches: (golden) => golden.list<Partial<OptimizerVariant>>('variants').some((v) => Array.isArray(v.params_after)),
  async run(golden, comparison, { runtime }) {
    const initial = golden.list<string>('params').map((name) => golden.array(name))
    const gradients = golden.list<string>('gradients').map((name) => golden.array(name))
    for (const { optimizer: name, config, params_after } of golden.list<OptimizerVariant>('variants')) {
      const weights = initial.map((value, i) => parameter(`param${i}`, copy(value)))
      const symbols = weights.map((weight, i) => input(`grad${i}`, 'float32', weight.shape))
      const optimizer = createOptimizer({ ...config, name })
      const updates = optimizer.updates(new Map(weights.map((weight, i) => [weight, symbols[i]!])), stepContext())
      const program = await compile({}, { runtime, updates })
      const history = weights.map((): number[] => [])
      const steps = gradients[0]!.shape[0]!
      for (let step = 0; step < steps; step++) {
        const feeds = optimizerFeeds(optimizer, Number(config.lr ?? 0), step + 1, program.inputs)
        gradients.forEach((values, i) => {
          feeds[`grad${i}`] = slice(values, step)
        })
        await program.run(feeds)
        for (const [i, value] of (await valuesOf(weights)).entries()) history[i]!.push(...value)
      }
      for (const [i, array] of params_after.entries()) {
        const shape = [steps, ...weights[i]!.shape.map(Number)]
        comparison.array(array, { dtype: 'float32', shape, data: Float32Array.from(history[i]!) })
      }
      await program.dispose()
    }
  },
}

const copy = (value: TensorData): TensorData => ({ ...value, data: value.data.slice() }) as TensorData

function slice({ shape, data }: TensorData, step: number): TensorData {
  const size = data.length / shape[0]!
  const part = (data as Float32Array).slice(step * size, (step + 1) * size)
  return { dtype: 'float32', shape: shape.slice(1), data: part }
}

const valuesOf = (weights: readonly Parameter[]): Promise<number[][]> =>
  Promise.all(weights.map(async (weight) => Array.from((await weight.value()).data as Float32Array)))
