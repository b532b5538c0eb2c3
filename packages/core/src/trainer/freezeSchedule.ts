import type { Parameter } from '@nemo/graph'
import { z } from 'zod'
import { validateConfig } from '../config/validateConfig.js'
import type { Model } from '../models/model.js'
import { TrainerError } from './errors.js'

const schema = z.strictObject({
  enabled: z.boolean().default(false),
  modules: z
    .record(z.string(), z.union([z.number().int().min(-1), z.tuple([z.number().int(), z.number().int().min(-1)])]))
    .default({}),
})

// Updates during which a module is frozen, first and last, counted from 1.
interface Span {
  readonly from: number
  readonly to: number
}

/**
 * Which weights are frozen at which update of the weights, from a model's `freeze_updates` section:
 *
 * ```yaml
 * freeze_updates:
 *   enabled: true
 *   modules:
 *     encoder: 200      # the first 200 updates
 *     decoder: [50, -1] # from the 50th on
 *     joint: [10, 100]  # from the 10th to the 100th
 *     transcoder: -1    # always
 * ```
 *
 * A frozen module stays in training mode: dropout goes on and running statistics move. It follows from the number of the
 * update alone, so a resumed run needs no memory of it. Two differences to the original, NeMo 1.20
 * `ModelPT.on_train_batch_start`: momentum and weight decay do not move frozen weights either, and weights that were
 * frozen by `freeze` before training stay so.
 */
export class FreezeSchedule {
  readonly #spans: ReadonlyMap<string, Span>
  /** Modules of the schedule that hold a weight. */
  readonly #modulesOf = new Map<Parameter, readonly string[]>()

  /**
   * @param model - `cfg.freeze_updates` is read; modules are children of the model, or deeper ones by dotted name.
   * @throws ConfigValidationError for a malformed section, TrainerError for a module that is not there.
   */
  constructor(model: Model) {
    const config = model.cfg.freeze_updates
    const { enabled, modules } = validateConfig(schema, config ?? {}, { source: 'freeze_updates' })
    const spans = Object.entries(enabled ? modules : {}).map(([name, value]) => [name, spanOf(value)] as const)
    this.#spans = new Map(spans)
    const weights = [...model.namedParameters()]
    for (const name of this.#spans.keys()) {
      const held = weights.filter(([weight]) => weight.startsWith(`${name}.`))
      if (held.length === 0)
        throw new TrainerError(
          `freeze_updates.modules: ${model.constructor.name} has no module ${name} with weights; it has ${[...model.children.keys()].join(', ')}.`,
        )
      for (const [, weight] of held) this.#modulesOf.set(weight, [...(this.#modulesOf.get(weight) ?? []), name])
    }
  }

  /** Modules that are frozen at an update, counted from 1. */
  frozenModules(update: number): string[] {
    return [...this.#spans].filter(([, { from, to }]) => update >= from && update <= to).map(([name]) => name)
  }

  /** Whether a weight is frozen where these modules are. */
  isFrozen(weight: Parameter, modules: readonly string[]): boolean {
    return (this.#modulesOf.get(weight) ?? []).some((name) => modules.includes(name))
  }

  /** Updates at which other modules are frozen than before, beginning with the first. */
  changes(): number[] {
    const edges = [...this.#spans.values()].flatMap(({ from, to }) => [from, to + 1])
    return [...new Set([1, ...edges])].filter((update) => update >= 1 && Number.isFinite(update)).sort((a, b) => a - b)
  }

  /** Names those weights equally that are frozen at the same updates; empty for those that never are. */
  key(weight: Parameter): string {
    return (this.#modulesOf.get(weight) ?? []).join('+')
  }

  /** How often the weights of a key have been updated when this many updates of the model are done. */
  updatesOf(key: string, updates: number): number {
    const modules = key.split('+')
    const spans = [...this.#spans].filter(([name]) => modules.includes(name)).map(([, span]) => span)
    return updates - covered(spans, updates)
  }
}

function spanOf(value: number | readonly [number, number]): Span {
  const [from, to] = typeof value === 'number' ? [1, value] : value
  return { from, to: to === -1 ? Number.POSITIVE_INFINITY : to }
}

// Updates from 1 to `last` that lie in one of the spans.
function covered(spans: readonly Span[], last: number): number {
  let count = 0
  let done = 0
  for (const { from, to } of [...spans].sort((a, b) => a.from - b.from)) {
    const start = Math.max(from, done + 1)
    const end = Math.min(to, last)
    if (end >= start) {
      count += end - start + 1
      done = end
    }
  }
  return count
}
