import {
  add,
  clip,
  compile,
  constant,
  div,
  minimum,
  mul,
  onesLike,
  Parameter,
  type Program,
  type Runtime,
  reduceSum,
  sizeOf,
  sqrt,
  sum,
  type Tensor,
  type TensorData,
  vjp,
  withRandomStreams,
  zerosLike,
} from '@nemo/graph'
import type { Batch } from '../data/dataset.js'
import type { Model } from '../models/model.js'
import { symbolicInputs } from '../modules/symbolicInputs.js'
import { collectUpdates } from '../modules/updates.js'
import { portName } from '../neuralTypes/portName.js'
import type { PortTypes } from '../neuralTypes/ports.js'
import { type Optimizer, optimizerFeeds, stepContext } from '../optimizers/optimizer.js'
import { TrainerError } from './errors.js'

/** How gradients become a step. */
export interface TrainingProgramOptions {
  readonly runtime: Runtime
  readonly ports: PortTypes
  /** Batches whose gradients make one step of the optimiser. */
  readonly accumulate: number
  /** Largest norm or absolute value of gradients; 0 for no clipping. */
  readonly clipValue: number
  readonly clipAlgorithm: 'norm' | 'value'
}

/** Values that a training step gives besides the model's own outputs. */
export interface StepResult {
  readonly loss: number
  /** Norm of all gradients before clipping; with accumulation only after the batches that move the weights. */
  readonly gradNorm: number | undefined
  readonly outputs: Readonly<Record<string, TensorData>>
}

/** What moving the weights depends on besides gradients. */
export interface OptimizerMoment {
  readonly lr: number
  /** Optimiser steps done so far. */
  readonly optimizerStep: number
}

const OUTPUT = 'output/'

/**
 * A model's training step as programs. Without accumulation one program does everything in one run: forward, backward,
 * clipping, update of weights, optimiser state and running statistics. With accumulation it adds gradients up, and a
 * second, small program turns their sums into a step, so that activations are held once.
 */
export class TrainingProgram {
  readonly #ports: PortTypes
  readonly #optimizer: Optimizer
  /** Forward and backward; moves the weights unless gradients are accumulated. */
  readonly #step: Program
  /** Moves the weights by the sums of gradients. */
  readonly #apply: Program | undefined
  /** Sums of gradients between two optimiser steps. */
  readonly accumulators: readonly Parameter[]

  private constructor(
    ports: PortTypes,
    optimizer: Optimizer,
    step: Program,
    apply: Program | undefined,
    accumulators: readonly Parameter[],
  ) {
    this.#ports = ports
    this.#optimizer = optimizer
    this.#step = step
    this.#apply = apply
    this.accumulators = accumulators
  }

  /**
   * Draws and compiles the step. Weights that the loss does not depend on are left alone, as in PyTorch.
   *
   * @throws TrainerError if no weight is trained.
   */
  static async build(model: Model, optimizer: Optimizer, options: TrainingProgramOptions): Promise<TrainingProgram> {
    const { runtime, ports, accumulate } = options
    const batch = symbolicInputs(ports, Object.keys(ports))
    const { result: step, updates: bufferUpdates } = collectUpdates(() =>
      withRandomStreams(() => model.withMode(true, () => model.trainingStep(batch))),
    )
    const gradients = trainedGradients(model, step.loss)
    const outputs: Record<string, Tensor> = { loss: step.loss }
    for (const [name, tensor] of Object.entries(step.outputs ?? {})) outputs[OUTPUT + name] = tensor

    if (accumulate === 1) {
      const { updates, norm } = optimizerStep(gradients, optimizer, options)
      const program = await compile(
        { ...outputs, grad_norm: norm },
        { runtime, updates: [...bufferUpdates, ...updates] },
      )
      return new TrainingProgram(ports, optimizer, program, undefined, [])
    }
    const sums = new Map<Parameter, Parameter>()
    const additions = new Map<Parameter, Tensor>()
    for (const [weight, gradient] of gradients) {
      const total = new Parameter(
        `grad_sum.${weight.name}`,
        { dtype: 'float32', shape: weight.shape, data: new Float32Array(sizeOf(weight.shape)) },
        'state',
      )
      sums.set(weight, total)
      // As Lightning does: every batch counts 1 / accumulate, also in a last group that is short.
      additions.set(total, add(total, mul(gradient, 1 / accumulate)))
    }
    const adding = await compile(outputs, { runtime, updates: [...bufferUpdates, ...additions] })
    const { updates, norm } = optimizerStep(sums, optimizer, options)
    const zeros = [...sums.values()].map((total) => [total, zerosLike(total)] as const)
    const apply = await compile({ grad_norm: norm }, { runtime, updates: [...updates, ...zeros] })
    return new TrainingProgram(ports, optimizer, adding, apply, [...sums.values()])
  }

  /**
   * Runs the step on a batch.
   *
   * @param options.applies - Whether the weights move after this batch. Without accumulation they always do.
   * @param options.randomStep - Number of the batch since the start of training: the key of dropout and augmentation.
   */
  async run(
    batch: Batch,
    options: OptimizerMoment & { readonly randomStep: number; readonly seed: number; readonly applies: boolean },
  ): Promise<StepResult> {
    const read = new Set(this.#step.inputs.map(({ name }) => name))
    const feeds = this.#moment(this.#step, options)
    for (const [key, array] of Object.entries(batch.arrays)) {
      const name = portName(key, this.#ports)
      if (read.has(name)) feeds[name] = array
    }
    const results = await this.#step.run(feeds, { seed: options.seed, step: options.randomStep })
    const outputs: Record<string, TensorData> = {}
    for (const [name, value] of Object.entries(results))
      if (name.startsWith(OUTPUT)) outputs[name.slice(OUTPUT.length)] = value
    let gradNorm = results.grad_norm && Number(results.grad_norm.data[0])
    if (this.#apply && options.applies) gradNorm = await this.applyGradients(options)
    return { loss: Number(results.loss!.data[0]), gradNorm, outputs }
  }

  /**
   * Moves the weights by the gradients that were added up; for a group of batches whose last ones were left out.
   *
   * @returns the norm of the gradients before clipping.
   */
  async applyGradients(moment: OptimizerMoment): Promise<number> {
    if (!this.#apply) throw new TrainerError('Gradients are not accumulated; there is nothing to apply.')
    const results = await this.#apply.run(this.#moment(this.#apply, moment))
    return Number(results.grad_norm!.data[0])
  }

  #moment(program: Program, { lr, optimizerStep: done }: OptimizerMoment): Record<string, TensorData> {
    return optimizerFeeds(this.#optimizer, lr, done + 1, program.inputs)
  }

  async dispose(): Promise<void> {
    await this.#step.dispose()
    await this.#apply?.dispose()
  }
}

function trainedGradients(model: Model, loss: Tensor): Map<Parameter, Tensor> {
  const weights = model.parameters().filter((parameter) => parameter.requiresGrad)
  if (weights.length === 0)
    throw new TrainerError(`${model.constructor.name} has no weight to train; all are frozen. Call unfreeze().`)
  if (loss.shape.some((dim) => dim !== 1))
    throw new TrainerError(
      `${model.constructor.name}.trainingStep: expected a scalar loss, found ${loss}. Reduce it, e.g. with reduceMean.`,
    )
  const gradients = new Map<Parameter, Tensor>()
  vjp([loss], [onesLike(loss)], weights).forEach((gradient, i) => {
    if (gradient) gradients.set(weights[i]!, gradient)
  })
  if (gradients.size === 0)
    throw new TrainerError(`${model.constructor.name}: the loss depends on none of the weights that are not frozen.`)
  return gradients
}

// Clips gradients, draws the optimiser's updates, and measures the norm.
function optimizerStep(
  gradients: ReadonlyMap<Parameter, Tensor>,
  optimizer: Optimizer,
  { clipValue, clipAlgorithm }: TrainingProgramOptions,
): { updates: Map<Parameter, Tensor>; norm: Tensor } {
  const norm = sqrt(sum([...gradients.values()].map((gradient) => reduceSum(mul(gradient, gradient)))))
  let shape = (gradient: Tensor) => gradient
  if (clipValue > 0 && clipAlgorithm === 'value') shape = (gradient) => clip(gradient, -clipValue, clipValue)
  else if (clipValue > 0) {
    // PyTorch's clip_grad_norm_: the coefficient is limited to 1.
    const factor = minimum(div(constant(clipValue), add(norm, 1e-6)), 1)
    shape = (gradient) => mul(gradient, factor)
  }
  const clipped = new Map([...gradients].map(([weight, gradient]) => [weight, shape(gradient)]))
  return { updates: optimizer.updates(clipped, stepContext()), norm }
}
