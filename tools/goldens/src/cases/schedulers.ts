import { type Batch, createScheduler, DataLoader, Dataset, type SampleContext, Trainer } from '@nemo/core'
import type { Runtime } from '@nemo/graph'
import type { CaseHandler } from '../caseHandler.js'
import type { Comparison } from '../comparison.js'
import { StepCountModel } from './stepCountModel.js'

interface SchedulerVariant {
  readonly policy: string
  readonly config: Readonly<Record<string, unknown>>
  readonly base_lr: number
  readonly lrs: readonly number[]
  /** Exception of the original, where it fails. */
  readonly error?: string
  /** The step whose rate could not be computed; -1 for the constructor. */
  readonly at_step?: number
}

interface RunLength {
  readonly max_epochs: number
  readonly accumulate_grad_batches: number
  readonly limit_train_batches: number
  /** Processes that share the data. */
  readonly num_workers: number
  readonly num_samples: number
  readonly batch_size: number
  readonly drop_last: boolean
  readonly max_steps: number
}

/** `variants` of learning-rate policies with the rates of all steps, and a `max_steps_table` of run lengths. */
export const schedulers: CaseHandler = {
  kind: 'learning-rate policies',
  matches: (golden) => golden.list<Partial<SchedulerVariant>>('variants').some(({ lrs }) => Array.isArray(lrs)),
  async run(golden, comparison, { runtime }) {
    for (const [i, variant] of golden.list<SchedulerVariant>('variants').entries()) {
      compareRates(`variants[${i}] ${variant.policy}`, variant, comparison)
    }
    for (const [i, row] of golden.list<RunLength>('max_steps_table').entries()) {
      // Where the original finds no step at all, our trainer takes the least it can: one.
      comparison.equal(`max_steps_table[${i}]`, await steps(row, runtime), Math.max(1, row.max_steps))
    }
  },
}

function compareRates(what: string, variant: SchedulerVariant, comparison: Comparison): void {
  const { policy, config, base_lr, lrs, error, at_step = lrs.length } = variant
  let rates: number[] = []
  try {
    const scheduler = createScheduler({ ...config, name: policy }, base_lr)
    for (const step of lrs.keys()) rates.push(scheduler.lr(step))
    if (error) rates.push(scheduler.lr(Math.max(0, at_step)))
  } catch (thrown) {
    // Refusing such settings earlier than the original does is right too.
    if (error) comparison.equal(`${what} fails`, true, true)
    else comparison.fail(what, String(thrown))
    return
  }
  if (error) comparison.fail(what, `gives rates, expected an error like ${error}`)
  rates = rates.slice(0, lrs.length)
  const worst = lrs.reduce((worst, lr, step) => Math.max(worst, relativeError(rates[step]!, lr)), 0)
  comparison.number(what, worst, 0, 1e-12)
}

const relativeError = (got: number, want: number): number =>
  got === want ? 0 : Math.abs(got - want) / Math.max(Math.abs(want), 1e-300)

class Numbered extends Dataset<number, number> {
  readonly outputTypes = StepCountModel.batchTypes

  constructor(readonly length: number) {
    super()
  }

  async get({ index }: SampleContext): Promise<number> {
    return index
  }

  collate(samples: readonly number[]): Batch<number> {
    return { arrays: { x: { dtype: 'float32', shape: [1], data: Float32Array.of(0) } }, samples }
  }
}

// Trains a model of one weight and counts its steps.
async function steps(row: RunLength, runtime: Runtime): Promise<number> {
  const { max_epochs, accumulate_grad_batches, limit_train_batches, num_workers, num_samples } = row
  const dropped = row.drop_last && num_workers > 1 ? num_workers : 0
  const model = new StepCountModel()
  model.trainingLoader = new DataLoader(new Numbered(Math.ceil((num_samples - dropped) / num_workers)), {
    batch_size: row.batch_size,
    drop_last: row.drop_last,
  })
  const trainer = new Trainer({ max_epochs, accumulate_grad_batches, limit_train_batches }, { runtime })
  const { globalStep } = await trainer.fit(model)
  if (model.plannedSteps !== globalStep)
    throw new Error(`The trainer planned ${model.plannedSteps} steps and took ${globalStep}.`)
  return globalStep
}
