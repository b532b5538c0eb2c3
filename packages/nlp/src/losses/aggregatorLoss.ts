import {
  ConfigValidationError,
  Loss,
  LossType,
  type NmTensor,
  type Outputs,
  type PortTypes,
  port,
  registerTarget,
  typecheck,
  validateConfig,
} from '@nemo/core'
import { add, constant, mul, type Tensor } from '@nemo/graph'
import { z } from 'zod'

/** Keys of an `AggregatorLoss`, with NeMo's names and defaults. */
export const aggregatorLossConfigSchema = z.object({
  /** Losses to add. */
  num_inputs: z.int().min(1).default(2),
  /** One weight for each, in the order in which they are added. */
  weights: z.array(z.number()).readonly().nullable().default(null),
})

/** Keys of an `AggregatorLoss`. */
export type AggregatorLossConfig = z.input<typeof aggregatorLossConfigSchema>

/**
 * Sum of losses, weighted if asked for. Ports: `loss1`, `loss2`, ... (`loss_1`, ... in files).
 *
 * Losses are added, and weights given out, in the alphabetical order of the ports' names: `loss_1`, `loss_10`, `loss_2`.
 * Source: NeMo v1.0.0 `AggregatorLoss`.
 */
export class AggregatorLoss extends Loss {
  static readonly outputTypes = { loss: port(null, LossType) }

  readonly inputTypes: PortTypes
  readonly #weights: readonly number[] | null

  /** @throws ConfigValidationError naming each wrong key, its value and what is allowed. */
  constructor(config: AggregatorLossConfig = {}) {
    super()
    const { num_inputs, weights } = validateConfig(aggregatorLossConfigSchema, config, { source: 'AggregatorLoss' })
    if (weights && weights.length !== num_inputs) {
      const message = `expected a weight for each of ${num_inputs} losses, found ${weights.length}`
      throw new ConfigValidationError([{ keyPath: 'weights', message }], 'AggregatorLoss')
    }
    this.#weights = weights
    this.inputTypes = Object.fromEntries(
      Array.from({ length: num_inputs }, (_, i) => [`loss${i + 1}`, port(null, LossType, { name: `loss_${i + 1}` })]),
    )
  }

  /** Scalars by port -> a scalar. */
  @typecheck()
  forward(inputs: Readonly<Record<string, NmTensor>>): Outputs<typeof AggregatorLoss> {
    const losses = Object.keys(this.inputTypes)
      .sort()
      .map((key, i) => {
        const loss: Tensor = inputs[key]!
        return this.#weights ? mul(loss, constant(this.#weights[i]!, loss.dtype)) : loss
      })
    return { loss: losses.reduce((sum, loss) => add(sum, loss)) }
  }
}

registerTarget(
  ['nemo.collections.common.losses.AggregatorLoss', 'nemo.collections.common.losses.aggregator.AggregatorLoss'],
  (args) => new AggregatorLoss(args as AggregatorLossConfig),
)
