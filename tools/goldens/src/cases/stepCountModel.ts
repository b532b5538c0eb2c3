import {
  type ConfigObject,
  type DataLoader,
  FloatType,
  MeanLoss,
  type MetricAccumulator,
  Model,
  type Optimization,
  port,
  type TrainingStep,
} from '@nemo/core'
import { mul, reduceSum, type Tensor } from '@nemo/graph'

/** A model of one weight, to see how many steps a trainer plans. */
export class StepCountModel extends Model {
  static readonly batchTypes = { x: port('B', FloatType) }
  readonly target = 'StepCountModel'
  /** Optimiser steps of the run, as the trainer told them. */
  plannedSteps: number | undefined
  readonly #weight = this.addParameter('weight', { dtype: 'float32', shape: [1], data: Float32Array.of(1) })

  constructor() {
    super({ optim: { name: 'sgd', lr: 0.1 } })
  }

  override setupOptimization(config?: ConfigObject, maxSteps?: number): Optimization {
    this.plannedSteps = maxSteps
    return super.setupOptimization(config, maxSteps)
  }

  forward({ x }: { readonly x: Tensor }): { readonly loss: Tensor } {
    return { loss: reduceSum(mul(this.#weight, x)) }
  }

  trainingStep({ x }: Readonly<Record<string, Tensor>>): TrainingStep {
    return this.forward({ x: x! })
  }

  validationStep({ x }: Readonly<Record<string, Tensor>>): Readonly<Record<string, Tensor>> {
    return this.forward({ x: x! })
  }

  validationMetrics(): MetricAccumulator {
    return new MeanLoss()
  }

  createDataLoader(): Promise<DataLoader> {
    throw new Error('StepCountModel has no data of its own.')
  }
}
