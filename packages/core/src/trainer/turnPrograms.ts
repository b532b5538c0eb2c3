import type { Parameter } from '@nemo/graph'
import type { Model } from '../models/model.js'
import type { OptimizerTurn } from '../models/optimizerTurn.js'
import type { LossScaler } from './lossScaler.js'
import type { RunTensors } from './runCheckpoint.js'
import { TrainingProgram, type TrainingProgramOptions } from './trainingProgram.js'
import { TurnSchedule } from './turnSchedule.js'

/** A turn with its program. */
export interface ProgrammedTurn extends OptimizerTurn {
  readonly program: TrainingProgram
}

/** A turn at some step of the run. */
export interface TurnState extends ProgrammedTurn {
  /** Steps that this optimiser has made. */
  readonly stepsDone: number
}

// More random ops than any step has; each turn draws numbers of its own.
const STREAMS = 2 ** 20

/** The training steps of all of a model's optimisers. With one of them it is that one's program under another name. */
export class TurnPrograms implements RunTensors {
  readonly #turns: readonly ProgrammedTurn[]
  readonly #schedule: TurnSchedule
  readonly #average: TrainingProgramOptions['average']
  /** Scales the losses of all turns, in mixed precision. */
  readonly lossScaler: LossScaler | undefined

  private constructor(
    turns: readonly ProgrammedTurn[],
    schedule: TurnSchedule,
    { average, lossScaler }: Pick<TrainingProgramOptions, 'average' | 'lossScaler'>,
  ) {
    this.#turns = turns
    this.#schedule = schedule
    this.#average = average
    this.lossScaler = lossScaler
  }

  /**
   * Draws the steps.
   *
   * @throws TrainerError for turns that do not go together, and as `TrainingProgram.build` does.
   */
  static async build(model: Model, options: TrainingProgramOptions): Promise<TurnPrograms> {
    const { maxSteps, average } = options
    const turns = model.optimizerTurns(maxSteps)
    const schedule = new TurnSchedule(turns)
    const programmed = turns.map((turn, i) => {
      const own = maxSteps === undefined ? undefined : schedule.stepsOf(i, maxSteps)
      const program = TrainingProgram.build(model, turn, { ...options, maxSteps: own, firstStream: i * STREAMS })
      return { ...turn, program }
    })
    await average?.start([...new Set(programmed.flatMap(({ program }) => program.weights))])
    return new TurnPrograms(programmed, schedule, options)
  }

  /** All turns, in order. */
  get turns(): readonly ProgrammedTurn[] {
    return this.#turns
  }

  /** All turns, as they stand when the model has made so many steps. */
  at(globalStep: number): TurnState[] {
    return this.#turns.map((turn, i) => ({ ...turn, stepsDone: this.#schedule.stepsOf(i, globalStep) }))
  }

  /** The turns that make the next step, in order. */
  active(globalStep: number): TurnState[] {
    const turns = this.at(globalStep)
    return this.#schedule.active(globalStep).map((i) => turns[i]!)
  }

  /** Compiles what the next steps need, so that mistakes show before training begins. */
  async prepare(globalStep: number): Promise<void> {
    for (const { program, stepsDone } of this.at(globalStep)) await program.prepare(stepsDone)
  }

  /** Registry names of the optimisers, in order. */
  get optimizerName(): string {
    return this.#turns.map(({ program }) => program.optimizerName).join(', ')
  }

  optimizerState(): ReadonlyMap<string, Parameter> {
    return this.#gather((program) => program.optimizerState())
  }

  gradientSums(): ReadonlyMap<string, Parameter> {
    return this.#gather((program) => program.gradientSums())
  }

  averages(): ReadonlyMap<string, Parameter> {
    return new Map([...(this.#average?.averages ?? [])].map(([weight, average]) => [weight.name, average]))
  }

  skippedSteps(): ReadonlyMap<string, number> {
    return new Map(
      this.#turns.flatMap(({ program }, turn) =>
        [...program.skippedSteps].map(([part, count]) => [`${turn}${part}`, count] as const),
      ),
    )
  }

  loadSkippedSteps(skipped: ReadonlyMap<string, number>): void {
    for (const [turn, { program }] of this.#turns.entries()) {
      const own = [...skipped].filter(([key]) => /^\d+/.exec(key)![0] === String(turn))
      program.loadSkippedSteps(new Map(own.map(([key, count]) => [key.slice(String(turn).length), count])))
    }
  }

  // Two optimisers may have tensors of the same names, if both move a weight.
  #gather(tensors: (program: TrainingProgram) => ReadonlyMap<string, Parameter>): Map<string, Parameter> {
    const all = this.#turns.flatMap(({ name, program }) =>
      [...tensors(program)].map(([key, tensor]) => [name === '' ? key : `${name}.${key}`, tensor] as const),
    )
    return new Map(all)
  }

  /** Memory of the steps' activations, in bytes, once they have run. */
  async workspaceBytes(): Promise<number> {
    let total = 0
    for (const { program } of this.#turns) total += await program.workspaceBytes()
    return total
  }

  async dispose(): Promise<void> {
    for (const { program } of this.#turns) await program.dispose()
  }
}
