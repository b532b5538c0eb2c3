import type { Parameter, Runtime, Tensor, TensorData } from '@nemo/graph'
import type { DataLoader } from '../data/dataLoader.js'
import type { Batch } from '../data/dataset.js'
import type { Model } from '../models/model.js'
import type { PortTypes } from '../neuralTypes/ports.js'
import { inContext } from './errors.js'
import { EvaluationProgram } from './evaluationProgram.js'

/** What a model is run for outside of training. */
export type Purpose = 'validation' | 'test' | 'predict'

/** A batch with what the model made of it. */
export interface EvaluatedBatch {
  readonly position: number
  /** Undefined where all samples of the batch were left out. */
  readonly batch: Batch | undefined
  readonly outputs: Readonly<Record<string, TensorData>>
}

// A compiled evaluation step; sets of equal ports share it.
interface Evaluation {
  readonly model: Model
  readonly ports: PortTypes
  readonly purpose: Purpose
  readonly averages: ReadonlyMap<Parameter, Parameter>
  readonly program: EvaluationProgram
}

const NO_AVERAGES: ReadonlyMap<Parameter, Parameter> = new Map()

/** Runs models in evaluation mode over data, and keeps the compiled programs for the next time. */
export class EvaluationLoop {
  readonly #runtime: Runtime
  readonly #made: Evaluation[] = []

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  /**
   * Runs the first `batches` of a loader.
   *
   * @param set - Name of the data, for messages.
   * @param averages - What to read in place of weights.
   * @throws TrainerError naming set and batch if the program fails.
   */
  async *run(
    model: Model,
    data: { readonly set: string; readonly loader: DataLoader; readonly batches: number },
    purpose: Purpose,
    averages: ReadonlyMap<Parameter, Parameter> = NO_AVERAGES,
  ): AsyncGenerator<EvaluatedBatch> {
    const { set, loader, batches } = data
    const program = await this.#program(model, loader.outputTypes, purpose, averages)
    for await (const { position, batch } of loader.epoch(0, 0, batches)) {
      const outputs = batch ? await inContext(`${purpose} batch ${position} of ${set}`, () => program.run(batch)) : {}
      yield { position, batch, outputs }
    }
  }

  async #program(
    model: Model,
    ports: PortTypes,
    purpose: Purpose,
    averages: ReadonlyMap<Parameter, Parameter>,
  ): Promise<EvaluationProgram> {
    const made = this.#made.find(
      (evaluation) =>
        evaluation.model === model &&
        evaluation.ports === ports &&
        evaluation.purpose === purpose &&
        evaluation.averages === averages,
    )
    if (made) return made.program
    const step = stepOf(model, purpose)
    const program = await EvaluationProgram.build(model, step, { runtime: this.#runtime, ports, averages })
    this.#made.push({ model, ports, purpose, averages, program })
    return program
  }

  /** Frees the programs. */
  async dispose(): Promise<void> {
    for (const { program } of this.#made.splice(0)) await program.dispose()
  }
}

type Step = (batch: Readonly<Record<string, Tensor>>) => Readonly<Record<string, Tensor>>

function stepOf(model: Model, purpose: Purpose): Step {
  const steps = { validation: model.validationStep, test: model.testStep, predict: model.predictStep }
  return steps[purpose].bind(model)
}
