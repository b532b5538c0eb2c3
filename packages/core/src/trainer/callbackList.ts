import type { DataLoader } from '../data/dataLoader.js'
import { getLogger } from '../logging/logger.js'
import type { Model } from '../models/model.js'
import type { Callback } from './callback.js'
import { TrainerError } from './errors.js'
import type { CallbackStates } from './runCheckpoint.js'
import type { Trainer } from './trainer.js'
import type { WeightAverage } from './weightAverage.js'

type Hooks = {
  [Name in keyof Callback as NonNullable<Callback[Name]> extends (trainer: Trainer, ...rest: never[]) => unknown
    ? Name
    : never]-?: NonNullable<Callback[Name]>
}
type Rest<Name extends keyof Hooks> = Hooks[Name] extends (trainer: Trainer, ...rest: infer R) => unknown ? R : never

/** A trainer's callbacks, called one after the other: those that write checkpoints come last. */
export class CallbackList {
  readonly #trainer: Trainer

  constructor(trainer: Trainer) {
    this.#trainer = trainer
  }

  get #ordered(): readonly Callback[] {
    const { callbacks } = this.#trainer
    return [
      ...callbacks.filter((callback) => !callback.savesCheckpoints),
      ...callbacks.filter((callback) => callback.savesCheckpoints),
    ]
  }

  /** Calls a hook of all callbacks that have it. */
  async call<Name extends keyof Hooks>(hook: Name, ...rest: Rest<Name>): Promise<void> {
    for (const callback of this.#ordered) {
      const method = callback[hook] as ((trainer: Trainer, ...rest: unknown[]) => unknown) | undefined
      if (!method) continue
      const action = `${callback.constructor.name}.${hook}`
      await this.#trainer.profile(action, () => method.call(callback, this.#trainer, ...rest))
    }
  }

  /** Has a line shown that a person should read; in the log, if no callback shows lines. */
  async say(line: string): Promise<void> {
    if (!this.#ordered.some((callback) => callback.onMessage)) getLogger('trainer').warning(line)
    await this.call('onMessage', line)
  }

  /** Says what a data set left out, and why. */
  async sayProblems(loader: DataLoader, set = ''): Promise<void> {
    for (const line of loader.dataset.problems?.() ?? []) await this.say(set === '' ? line : `${set}: ${line}`)
  }

  /** Tells all callbacks of an error, whatever they do about it. */
  async tellOf(error: unknown, model: Model): Promise<void> {
    for (const callback of this.#ordered) {
      try {
        await callback.onException?.(this.#trainer, model, error)
      } catch (second) {
        // The first error is the one to report.
        getLogger('trainer').error(`${callback.constructor.name}.onException failed: ${String(second)}`)
      }
    }
  }

  /** Averages of weights that a callback wants. @throws TrainerError if two do. */
  weightAverage(): WeightAverage | undefined {
    const wanting = this.#trainer.callbacks.filter((callback) => callback.weightAverage)
    if (wanting.length > 1)
      throw new TrainerError(
        `Two callbacks average the weights: ${wanting.map((callback) => callback.constructor.name).join(', ')}. Leave one.`,
      )
    return wanting[0]?.weightAverage
  }

  /** What the callbacks want to remember, by name. */
  states(): CallbackStates {
    const entries = this.#named().map(([name, callback]) => [name, callback.state?.()] as const)
    return Object.fromEntries(entries.filter(([, state]) => state !== undefined)) as CallbackStates
  }

  /** Gives callbacks back what they wanted to remember. */
  load(states: CallbackStates): void {
    for (const [name, callback] of this.#named()) {
      const saved = states[name]
      if (saved) callback.loadState?.(saved)
    }
  }

  // Class names, numbered where there are several of a class: what else is in the list must not matter.
  #named(): [string, Callback][] {
    const seen = new Map<string, number>()
    return this.#trainer.callbacks.map((callback) => {
      const type = callback.constructor.name
      const count = (seen.get(type) ?? 0) + 1
      seen.set(type, count)
      return [count === 1 ? type : `${type}.${count}`, callback]
    })
  }
}
