import {
  add,
  clip,
  compile,
  constant,
  div,
  grad,
  input,
  minimum,
  mul,
  Parameter,
  type Program,
  type Runtime,
  reduceSum,
  sqrt,
  sum,
  type Tensor,
  type TensorData,
  withRandomStreams,
  zerosLike,
} from '@nemo/graph'
import type { Batch } from '../data/dataset.js'
import type { Model } from '../models/model.js'
import { symbolicInputs } from '../modules/symbolicInputs.js'
import { collectUpdates } from '../modules/updates.js'
import { portName } from '../neuralTypes/portName.js'
import type { PortTypes } from '../neuralTypes/ports.js'
import type { Optimizer } from '../optimizers/optimizer.js'
import { TrainerError } from './errors.js'

/** How gradients become a step. */
export interface TrainingProgramOptions {
  readonly runtime: Runtime
  readonly ports: PortTypes
  readonly accumulate: number
  readonly clipValue: number
  readonly clipAlgorithm: 'norm' | 'value'
}

/** Values that a training step gives besides the model's own outputs. */
export interface StepResult {
  readonly loss: number
  /** Norm of all gradients before clipping, when clipping by norm is on. */
  readonly gradNorm: number | undefined
  readonly outputs: Readonly<Record<string, TensorData>>
}

const OUTPUT = 'output/'

/**
 * A model's training step as programs: forward, backward, clipping, update of weights, optimiser state and running
 * statistics in one run. With gradient accumulation there is a second program that only adds gradients up.
 */
export class TrainingProgram {
  readonly #ports: PortTypes
  readonly #apply: Program
  readonly #accumulate: Program | undefined
  readonly accumulators: readonly Parameter[]

  private constructor(
    ports: PortTypes,
    apply: Program,
    accumulate: Program | undefined,
    accumulators: readonly Parameter[],
  ) {
    this.#ports = ports
    this.#apply = apply
    this.#accumulate = accumulate
    this.accumulators = accumulators
  }

  /**
   * Draws and compiles the step.
   *
   * @throws TrainerError if no weight is trained.
   */
  static async build(model: Model, optimizer: Optimizer, options: TrainingProgramOptions): Promise<TrainingProgram> {
    const { runtime, ports, accumulate, clipValue, clipAlgorithm } = options
    const batch = symbolicInputs(ports, Object.keys(ports))
    const { result: step, updates: bufferUpdates } = collectUpdates(() =>
      withRandomStreams(() => model.withMode(true, () => model.trainingStep(batch))),
    )
    const weights = model.parameters().filter((parameter) => parameter.requiresGrad)
    if (weights.length === 0)
      throw new TrainerError(`${model.constructor.name} has no weight to train; all are frozen. Call unfreeze().`)
    const scale = (gradient: Tensor) => (accumulate > 1 ? mul(gradient, 1 / accumulate) : gradient)
    let gradients = grad(step.loss, weights).map(scale)
    const outputs: Record<string, Tensor> = { loss: step.loss }
    for (const [name, tensor] of Object.entries(step.outputs ?? {})) outputs[OUTPUT + name] = tensor

    const accumulators: Parameter[] = []
    let accumulating: Program | undefined
    const applyUpdates = new Map<Parameter, Tensor>(bufferUpdates)
    if (accumulate > 1) {
      const sums = new Map<Parameter, Tensor>(bufferUpdates)
      gradients = gradients.map((gradient, i) => {
        const weight = weights[i]!
        const total = new Parameter(
          `grad_sum.${weight.name}`,
          { dtype: 'float32', shape: weight.shape, data: new Float32Array(weight.shape.reduce((n, d) => n * d, 1)) },
          'state',
        )
        accumulators.push(total)
        const grown = add(total, gradient)
        sums.set(total, grown)
        applyUpdates.set(total, zerosLike(total))
        return grown
      })
      accumulating = await compile(outputs, { runtime, updates: sums })
    }
    const applyOutputs = { ...outputs }
    if (clipValue > 0 && clipAlgorithm === 'value')
      gradients = gradients.map((gradient) => clip(gradient, -clipValue, clipValue))
    else if (clipValue > 0) {
      const norm = sqrt(sum(gradients.map((gradient) => reduceSum(mul(gradient, gradient)))))
      applyOutputs.grad_norm = norm
      // PyTorch's clip_grad_norm_: the coefficient is limited to 1.
      const factor = minimum(div(constant(clipValue), add(norm, 1e-6)), 1)
      gradients = gradients.map((gradient) => mul(gradient, factor))
    }
    const context = { lr: input('lr', 'float32', []), step: input('optimizer_step', 'float32', []) }
    const byWeight = new Map(weights.map((weight, i) => [weight, gradients[i]!]))
    for (const [parameter, value] of optimizer.updates(byWeight, context)) applyUpdates.set(parameter, value)
    const apply = await compile(applyOutputs, { runtime, updates: applyUpdates })
    return new TrainingProgram(ports, apply, accumulating, accumulators)
  }

  /**
   * Runs the step on a batch.
   *
   * @param applies - Whether the optimiser moves (always, without accumulation).
   * @param randomStep - Number of the batch since the start of training: the key of dropout and augmentation.
   */
  async run(
    batch: Batch,
    options: { lr: number; optimizerStep: number; randomStep: number; seed: number; applies: boolean },
  ): Promise<StepResult> {
    const program = options.applies ? this.#apply : this.#accumulate!
    const feeds: Record<string, TensorData> = {}
    const read = new Set(program.inputs.map(({ name }) => name))
    for (const [key, array] of Object.entries(batch.arrays)) {
      const name = portName(key, this.#ports)
      if (read.has(name)) feeds[name] = array
    }
    const scalar = (value: number): TensorData => ({ dtype: 'float32', shape: [], data: Float32Array.of(value) })
    if (read.has('lr')) feeds.lr = scalar(options.lr)
    if (read.has('optimizer_step')) feeds.optimizer_step = scalar(options.optimizerStep + 1)
    const results = await program.run(feeds, { seed: options.seed, step: options.randomStep })
    const outputs: Record<string, TensorData> = {}
    for (const [name, value] of Object.entries(results))
      if (name.startsWith(OUTPUT)) outputs[name.slice(OUTPUT.length)] = value
    const norm = results.grad_norm
    return { loss: Number(results.loss!.data[0]), gradNorm: norm && Number(norm.data[0]), outputs }
  }

  async dispose(): Promise<void> {
    await this.#apply.dispose()
    await this.#accumulate?.dispose()
  }
}
