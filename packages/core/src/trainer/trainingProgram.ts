import {
  add,
  cast,
  div,
  input,
  isInf,
  isNan,
  logicalNot,
  logicalOr,
  mul,
  onesLike,
  Parameter,
  type Runtime,
  sizeOf,
  type Tensor,
  type TensorData,
  vjp,
  where,
  withRandomStreams,
  zerosLike,
} from '@nemo/graph'
import type { Batch } from '../data/dataset.js'
import type { Model } from '../models/model.js'
import type { OptimizerTurn, TrainingStep } from '../models/optimizerTurn.js'
import { symbolicInputs } from '../modules/symbolicInputs.js'
import { collectUpdates } from '../modules/updates.js'
import type { PortTypes } from '../neuralTypes/ports.js'
import type { Anomaly } from './anomaly.js'
import { batchFeeds } from './batchFeeds.js'
import { TrainerError } from './errors.js'
import { FreezeSchedule } from './freezeSchedule.js'
import type { LossScaler } from './lossScaler.js'
import { type StepGraph, StepProgram } from './stepProgram.js'
import type { WeightAverage } from './weightAverage.js'
import { type GradientClipping, type Gradients, normOf, WeightUpdate } from './weightUpdate.js'

/** How gradients become a step. */
export interface TrainingProgramOptions extends GradientClipping {
  readonly runtime: Runtime
  readonly ports: PortTypes
  /** Batches whose gradients make one step of the optimiser. */
  readonly accumulate: number
  /** Optimiser steps of the whole run, if there is a limit. */
  readonly maxSteps?: number | undefined
  readonly average?: WeightAverage | undefined
  /** Look for the op that makes the first NaN or infinity of a step. Default false. */
  readonly detectAnomaly?: boolean
  /** Scales the loss, in mixed precision. */
  readonly lossScaler?: LossScaler | undefined
  /** Number of the first stream of random numbers. Default 0. */
  readonly firstStream?: number
  /** Prefix of profiles of the first batches' steps. */
  readonly profilePrefix?: string | undefined
}

/** Values that a training step gives besides the model's own outputs. */
export interface StepResult {
  readonly loss: number
  /** Norm of all gradients before clipping; with accumulation only after the batches that move the weights. */
  readonly gradNorm: number | undefined
  readonly outputs: Readonly<Record<string, TensorData>>
  /** Where the step went wrong, if that is looked for. */
  readonly anomaly: Anomaly | undefined
  /**
   * In mixed precision: whether gradients overflowed. Nothing but the scale of the loss changes then; with accumulation
   * the whole group of batches is left out.
   */
  readonly overflowed: boolean
  /** In mixed precision: what the next loss will be multiplied with. */
  readonly lossScale: number | undefined
}

/** What a step of the optimiser alone gives. */
export type AppliedGradients = Pick<StepResult, 'anomaly' | 'overflowed' | 'lossScale'> & { readonly gradNorm: number }

/** What a batch's step depends on besides the batch. */
export interface StepMoment {
  /** Optimiser steps done so far. */
  readonly optimizerStep: number
  /** Number of the batch since the start of training: the key of dropout and augmentation. */
  readonly randomStep: number
  readonly seed: number
  /** Whether the weights move after this batch. Without accumulation they always do. */
  readonly applies: boolean
}

// The programs that serve while the same weights are frozen.
interface Variant {
  readonly frozen: readonly string[]
  readonly profiled: boolean
  /** Forward and backward; moves the weights unless gradients are accumulated. */
  readonly step: StepProgram
  /** Moves the weights by the sums of gradients. */
  readonly apply: StepProgram | undefined
}

const OUTPUT = 'output/'
const LOSS_SCALE = 'loss_scale'
const FINITE = 'finite'
// The first one warms up. Profiles of more would be large and say the same.
const PROFILED_BATCHES = 6

/**
 * The training step of one of a model's optimisers as programs. Without accumulation one program does everything in one run: forward, backward,
 * clipping, update of weights, optimiser state, averages and running statistics. With accumulation it adds gradients up,
 * and a second, small program turns their sums into a step, so that activations are held once. Where the model's
 * `freeze_updates` freezes other weights than before, the programs are compiled anew, without the backward work of those.
 */
export class TrainingProgram {
  readonly #model: Model
  /** Registry name of the optimiser. */
  readonly optimizerName: string
  readonly #options: TrainingProgramOptions
  readonly #schedule: FreezeSchedule
  readonly #forward: TrainingStep
  readonly #bufferUpdates: ReadonlyMap<Parameter, Tensor>
  readonly #weights: readonly Parameter[]
  readonly #update: WeightUpdate
  readonly #sums = new Map<Parameter, Parameter>()
  readonly #scale: Tensor | undefined
  #variant: Variant | undefined
  #batches = 0

  private constructor(model: Model, turn: OptimizerTurn, options: TrainingProgramOptions) {
    const { optimization } = turn
    this.#model = model
    this.optimizerName = optimization.optimizer.name
    this.#options = options
    if (options.lossScaler) this.#scale = input(LOSS_SCALE, 'float32', [])
    this.#schedule = new FreezeSchedule(model)
    const { ports, accumulate, average, firstStream = 0 } = options
    const batch = symbolicInputs(ports, Object.keys(ports))
    const { result, updates } = collectUpdates(() =>
      withRandomStreams(() => model.withMode(true, () => turn.step(batch)), firstStream),
    )
    this.#forward = result
    this.#bufferUpdates = updates
    const gradients = this.#gradients(turn.weights.filter((weight) => weight.requiresGrad))
    const trained = new Map([...gradients].filter(([weight]) => this.#everTrained(weight)))
    this.#weights = [...trained.keys()]
    this.#update = new WeightUpdate(trained, optimization, { schedule: this.#schedule, clipping: options, average })
    if (accumulate > 1) for (const weight of this.#weights) this.#sums.set(weight, gradientSum(weight))
  }

  /**
   * Draws and compiles the step. Weights that the loss does not depend on are left alone, as in PyTorch.
   *
   * @throws TrainerError if no weight is trained, or none is left at some update.
   */
  static build(model: Model, turn: OptimizerTurn, options: TrainingProgramOptions): TrainingProgram {
    const program = new TrainingProgram(model, turn, options)
    program.#checkSchedule()
    return program
  }

  /** All weights that are trained at some time, in the model's order. */
  get weights(): readonly Parameter[] {
    return this.#weights
  }

  /** States of the optimiser by name. */
  optimizerState(): ReadonlyMap<string, Parameter> {
    return this.#update.state()
  }

  /** Sums of gradients between two optimiser steps, by name. */
  gradientSums(): ReadonlyMap<string, Parameter> {
    return new Map([...this.#sums.values()].map((total) => [total.name, total]))
  }

  /** Steps that loss scaling left out, which the optimiser does not count; see `WeightUpdate`. */
  get skippedSteps(): ReadonlyMap<string, number> {
    return this.#update.skipped
  }

  /** Goes on from such counts. */
  loadSkippedSteps(skipped: ReadonlyMap<string, number>): void {
    this.#update.loadSkipped(skipped)
  }

  /** Compiles what the next step needs, so that mistakes show before training begins. */
  async prepare(optimizerStep: number): Promise<void> {
    await this.#at(optimizerStep)
  }

  /** Runs the step on a batch. */
  async run(batch: Batch, moment: StepMoment): Promise<StepResult> {
    const { step, apply } = await this.#at(moment.optimizerStep)
    const feeds = {
      ...this.#update.feeds(step, moment.optimizerStep),
      ...batchFeeds(batch, this.#options.ports, step),
      ...this.#scaleFeed(),
    }
    const { results, anomaly } = await step.run(feeds, { seed: moment.seed, step: moment.randomStep })
    this.#batches++
    const outputs: Record<string, TensorData> = {}
    for (const [name, value] of Object.entries(results))
      if (name.startsWith(OUTPUT)) outputs[name.slice(OUTPUT.length)] = value
    const loss = Number(results.loss!.data[0])
    const gradNorm = results.grad_norm && Number(results.grad_norm.data[0])
    const finite = results[FINITE] === undefined || Number(results[FINITE].data[0]) === 1
    const made = { loss, gradNorm, outputs, anomaly }
    if (anomaly || (apply && !moment.applies)) return { ...made, ...this.#scaling(!finite) }
    if (apply) return { loss, outputs, ...(await this.applyGradients(moment.optimizerStep)) }
    this.#settleScale(finite, moment.optimizerStep)
    return { ...made, ...this.#scaling(!finite) }
  }

  /**
   * Moves the weights by the gradients that were added up; for a group of batches whose last ones were left out.
   *
   * @param optimizerStep - Optimiser steps done so far.
   */
  async applyGradients(optimizerStep: number): Promise<AppliedGradients> {
    const { apply } = await this.#at(optimizerStep)
    if (!apply) throw new TrainerError('Gradients are not accumulated; there is nothing to apply.')
    const { results, anomaly } = await apply.run(this.#update.feeds(apply, optimizerStep))
    const finite = results[FINITE] === undefined || Number(results[FINITE].data[0]) === 1
    this.#settleScale(finite, optimizerStep)
    return { gradNorm: Number(results.grad_norm!.data[0]), anomaly, ...this.#scaling(!finite) }
  }

  #scaling(overflowed: boolean): Pick<StepResult, 'overflowed' | 'lossScale'> {
    return { overflowed, lossScale: this.#options.lossScaler?.scale }
  }

  #scaleFeed(): Record<string, TensorData> {
    const { lossScaler } = this.#options
    return lossScaler ? { [LOSS_SCALE]: { dtype: 'float32', shape: [], data: Float32Array.of(lossScaler.scale) } } : {}
  }

  // After a step of the optimiser.
  #settleScale(finite: boolean, optimizerStep: number): void {
    const { lossScaler } = this.#options
    if (!lossScaler) return
    lossScaler.update(finite)
    if (!finite) this.#update.skip(optimizerStep)
  }

  /** Memory of the step's activations, in bytes, once it has run. */
  async workspaceBytes(): Promise<number> {
    return (await this.#variant?.step.workspaceBytes()) ?? 0
  }

  async dispose(): Promise<void> {
    const variant = this.#variant
    this.#variant = undefined
    await variant?.step.dispose()
    await variant?.apply?.dispose()
  }

  // The programs for an optimiser step.
  async #at(optimizerStep: number): Promise<Variant> {
    const frozen = this.#schedule.frozenModules(optimizerStep + 1)
    const profiled = this.#options.profilePrefix !== undefined && this.#batches < PROFILED_BATCHES
    if (this.#variant?.frozen.join() !== frozen.join() || this.#variant.profiled !== profiled) {
      await this.dispose()
      this.#variant = await this.#compile(frozen, profiled)
    }
    return this.#variant!
  }

  async #compile(frozen: readonly string[], profiled: boolean): Promise<Variant> {
    const { runtime, accumulate, detectAnomaly = false, profilePrefix } = this.#options
    const options = { runtime, detectAnomaly, profilePrefix: profiled ? profilePrefix : undefined }
    const outputs: Record<string, Tensor> = { loss: this.#forward.loss }
    for (const [name, tensor] of Object.entries(this.#forward.outputs ?? {})) outputs[OUTPUT + name] = tensor
    const byWeight = this.#gradients(this.#trainedWith(frozen))
    const gradients = [...byWeight.values()]
    if (accumulate === 1) {
      const { updates, norm } = this.#update.draw(byWeight)
      const all = { ...outputs, grad_norm: norm }
      const graph = this.#whereFinite(norm, { outputs: all, updates: [...this.#bufferUpdates, ...updates], gradients })
      return { frozen, profiled, step: await StepProgram.compile(graph, options), apply: undefined }
    }
    // As Lightning does: every batch counts 1 / accumulate, also in a last group that is short.
    const additions = [...byWeight].map(([weight, gradient]) => {
      const total = this.#sums.get(weight)!
      return [total, add(total, mul(gradient, 1 / accumulate))] as const
    })
    const running = this.#whereFinite(normOf(byWeight), { outputs, updates: [...this.#bufferUpdates], gradients })
    const step = await StepProgram.compile({ ...running, updates: [...running.updates, ...additions] }, options)
    const sums = new Map([...byWeight.keys()].map((weight) => [weight, this.#sums.get(weight)!]))
    const { updates, norm } = this.#update.draw(sums)
    const zeros = [...sums.values()].map((total) => [total, zerosLike(total)] as const)
    const moved = { outputs: { grad_norm: norm }, updates: [...updates], gradients: [...sums.values()] }
    const graph = this.#whereFinite(norm, moved)
    // Sums that overflowed begin anew, too.
    const apply = await StepProgram.compile({ ...graph, updates: [...graph.updates, ...zeros] }, options)
    return { frozen, profiled, step, apply }
  }

  // In mixed precision parameters keep their values where gradients have overflowed.
  #whereFinite(norm: Tensor, graph: StepGraph): StepGraph {
    if (!this.#scale) return graph
    const finite = logicalNot(logicalOr(isInf(norm), isNan(norm)))
    return {
      ...graph,
      outputs: { ...graph.outputs, [FINITE]: cast(finite, 'float32') },
      updates: graph.updates.map(([parameter, value]) => [parameter, where(finite, value, parameter)]),
    }
  }

  #gradients(weights: readonly Parameter[]): Gradients {
    const { loss } = this.#forward
    const name = this.#model.constructor.name
    if (weights.length === 0) throw new TrainerError(`${name} has no weight to train; all are frozen. Call unfreeze().`)
    if (loss.shape.some((dim) => dim !== 1))
      throw new TrainerError(
        `${name}.trainingStep: expected a scalar loss, found ${loss}. Reduce it, e.g. with reduceMean.`,
      )
    const gradients = new Map<Parameter, Tensor>()
    const scale = this.#scale
    const seed = scale ? mul(onesLike(loss), scale) : onesLike(loss)
    vjp([loss], [seed], weights).forEach((gradient, i) => {
      if (gradient) gradients.set(weights[i]!, scale ? mul(gradient, div(1, scale)) : gradient)
    })
    if (gradients.size === 0)
      throw new TrainerError(`${name}: the loss depends on none of the weights that are not frozen.`)
    return gradients
  }

  // Also after the end of this run: another may go on from it.
  #everTrained(weight: Parameter): boolean {
    const schedule = this.#schedule
    return schedule.changes().some((update) => !schedule.isFrozen(weight, schedule.frozenModules(update)))
  }

  #trainedWith(frozen: readonly string[]): Parameter[] {
    return this.#weights.filter((weight) => !this.#schedule.isFrozen(weight, frozen))
  }

  #checkSchedule(): void {
    const { maxSteps = Number.POSITIVE_INFINITY } = this.#options
    for (const update of this.#schedule.changes()) {
      if (update > maxSteps) return
      const frozen = this.#schedule.frozenModules(update)
      if (this.#trainedWith(frozen).length === 0)
        throw new TrainerError(
          `freeze_updates leaves no weight of ${this.#model.constructor.name} to train from update ${update} on; ${frozen.join(', ')} are frozen then.`,
        )
    }
  }
}

function gradientSum(weight: Parameter): Parameter {
  const zeros = new Float32Array(sizeOf(weight.shape))
  return new Parameter(`grad_sum.${weight.name}`, { dtype: 'float32', shape: weight.shape, data: zeros }, 'state')
}
