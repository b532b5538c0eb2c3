import type { OptimizerTurn } from '../models/optimizerTurn.js'
import { TrainerError } from './errors.js'

/**
 * Which of a model's optimisers make which steps; a function of the number of the step alone, so a resumed run needs no
 * memory of it. Source: Lightning v1.3, `optimizer_idx` and `frequency` of `configure_optimizers`; it changes turns by
 * batches, we by steps, which differs with accumulation only.
 */
export class TurnSchedule {
  /** Undefined where every step is one of all optimisers. */
  readonly #frequencies: readonly number[] | undefined
  readonly #count: number

  /** @throws TrainerError for turns that do not go together. */
  constructor(turns: readonly OptimizerTurn[]) {
    if (turns.length === 0) throw new TrainerError('The model has no optimiser: optimizerTurns gave an empty list.')
    const names = turns.map(({ name }) => name)
    if (turns.length > 1 && (new Set(names).size < names.length || names.includes('')))
      throw new TrainerError(
        `Optimisers that take turns need names, each its own; found ${names.map((name) => JSON.stringify(name)).join(', ')}.`,
      )
    if (new Set(turns.map(({ optimization }) => optimization.optimizer)).size < turns.length)
      throw new TrainerError(
        `One optimiser was given to several of the turns ${names.join(', ')}. Make one for each: they count their steps.`,
      )
    const frequencies = turns.flatMap(({ frequency }) => (frequency === undefined ? [] : [frequency]))
    if (frequencies.length > 0 && frequencies.length < turns.length)
      throw new TrainerError(
        `Of the turns ${names.join(', ')} some have a frequency and some have none. Give all or none.`,
      )
    const wrong = frequencies.find((frequency) => !Number.isInteger(frequency) || frequency < 1)
    if (wrong !== undefined)
      throw new TrainerError(`frequency of a turn: expected a whole number >= 1, found ${wrong}.`)
    this.#count = turns.length
    this.#frequencies = frequencies.length > 0 ? frequencies : undefined
  }

  /**
   * Indices of the turns that make a step, in order.
   *
   * @param globalStep - Steps done before.
   */
  active(globalStep: number): number[] {
    const all = Array.from({ length: this.#count }, (_, i) => i)
    return all.filter((turn) => this.stepsOf(turn, globalStep + 1) > this.stepsOf(turn, globalStep))
  }

  /** How many steps a turn has made of so many. */
  stepsOf(turn: number, globalStep: number): number {
    if (!this.#frequencies) return globalStep
    const own = this.#frequencies[turn]!
    const cycle = sum(this.#frequencies)
    const before = sum(this.#frequencies.slice(0, turn))
    const rest = Math.min(own, Math.max(0, (globalStep % cycle) - before))
    return Math.floor(globalStep / cycle) * own + rest
  }
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
