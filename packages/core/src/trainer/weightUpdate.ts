import {
  add,
  clip,
  constant,
  div,
  input,
  minimum,
  mul,
  type Parameter,
  type Program,
  reduceSum,
  sqrt,
  sum,
  type Tensor,
  type TensorData,
  withScope,
} from '@nemo/graph'
import { optimizerFeeds, stepContext } from '../optimizers/optimizer.js'
import type { Optimization, UpdateRule } from '../optimizers/parameterGroups.js'
import type { FreezeSchedule } from './freezeSchedule.js'
import type { WeightAverage } from './weightAverage.js'

/** How gradients are limited before they move weights. */
export interface GradientClipping {
  /** Largest norm or absolute value of gradients; 0 for no clipping. */
  readonly clipValue: number
  readonly clipAlgorithm: 'norm' | 'value'
}

/** Gradients, or sums of them, by weight. */
export type Gradients = ReadonlyMap<Parameter, Tensor>

// Weights that share rates and count of updates.
interface Part {
  readonly rule: UpdateRule
  readonly freezeKey: string
  /** End of the names of its inputs. */
  readonly suffix: string
  readonly weights: ReadonlySet<Parameter>
}

/**
 * The step from gradients to new weights, states of the optimiser and averages. Groups of weights have rates of their
 * own, and weights that were frozen for a while have made fewer steps than the others, which bias corrections count.
 */
export class WeightUpdate {
  readonly #optimization: Optimization
  readonly #schedule: FreezeSchedule
  readonly #clipping: GradientClipping
  readonly #average: WeightAverage | undefined
  readonly #parts: readonly Part[]
  // Steps that loss scaling left out, by the end of the names of a part's inputs.
  readonly #skipped = new Map<string, number>()

  /**
   * @param gradients - Of all weights that are trained at some time. All states are made now, so that checkpoints do not
   * depend on what is frozen when.
   */
  constructor(
    gradients: Gradients,
    optimization: Optimization,
    options: {
      readonly schedule: FreezeSchedule
      readonly clipping: GradientClipping
      readonly average: WeightAverage | undefined
    },
  ) {
    this.#optimization = optimization
    this.#schedule = options.schedule
    this.#clipping = options.clipping
    this.#average = options.average
    this.#parts = partition([...gradients.keys()], optimization, options.schedule)
    this.#updates(gradients)
  }

  /** States of the optimiser by name. */
  state(): ReadonlyMap<string, Parameter> {
    return new Map(rulesOf(this.#optimization).flatMap(({ optimizer }) => [...optimizer.state()]))
  }

  /**
   * Draws the step for some of the weights.
   *
   * @returns new values, and the norm of all gradients before clipping.
   */
  draw(gradients: Gradients): { readonly updates: Map<Parameter, Tensor>; readonly norm: Tensor } {
    return withScope('optimizer', () => {
      const { clipped, norm } = clipGradients(gradients, this.#clipping)
      const updates = this.#updates(clipped)
      return { updates: new Map([...updates, ...this.#averages(updates)]), norm }
    })
  }

  // Averages of these weights; another optimiser sees to the others.
  #averages(updates: ReadonlyMap<Parameter, Tensor>): [Parameter, Tensor][] {
    if (!this.#average) return []
    const weights = new Set(this.#parts.flatMap(({ weights }) => [...weights]))
    const own = new Set(
      [...this.#average.averages].flatMap(([weight, average]) => (weights.has(weight) ? [average] : [])),
    )
    const drawn = this.#average.updates(updates, (name) => input(name, 'float32', []))
    return [...drawn].filter(([average]) => own.has(average))
  }

  /**
   * What the step depends on besides gradients.
   *
   * @param step - Optimiser steps done so far.
   */
  feeds(program: Pick<Program, 'inputs'>, step: number): Record<string, TensorData> {
    const feeds: Record<string, TensorData> = {}
    for (const { rule, suffix, freezeKey } of this.#parts) {
      const update = this.#schedule.updatesOf(freezeKey, step) + 1 - (this.#skipped.get(suffix) ?? 0)
      Object.assign(feeds, optimizerFeeds(rule.optimizer, rule.scheduler.lr(step), update, program.inputs, suffix))
    }
    const averaging = this.#average?.scalars(step) ?? {}
    for (const { name } of program.inputs) {
      const value = averaging[name]
      if (value !== undefined) feeds[name] = { dtype: 'float32', shape: [], data: Float32Array.of(value) }
    }
    return feeds
  }

  /**
   * Remembers that a step was left out, so that bias corrections do not count it.
   *
   * @param step - Optimiser steps before it, those left out included.
   */
  skip(step: number): void {
    for (const { freezeKey, suffix } of this.#parts) {
      const made = this.#schedule.updatesOf(freezeKey, step + 1) - this.#schedule.updatesOf(freezeKey, step)
      if (made > 0) this.#skipped.set(suffix, (this.#skipped.get(suffix) ?? 0) + made)
    }
  }

  /** How many steps were left out, for each part of the weights that has such; `loadSkipped` takes it back. */
  get skipped(): ReadonlyMap<string, number> {
    return this.#skipped
  }

  /** Goes on from counts of steps left out. */
  loadSkipped(skipped: ReadonlyMap<string, number>): void {
    this.#skipped.clear()
    for (const { suffix } of this.#parts) if (skipped.has(suffix)) this.#skipped.set(suffix, skipped.get(suffix)!)
  }

  #updates(gradients: Gradients): Map<Parameter, Tensor> {
    const updates = this.#parts.flatMap(({ rule, suffix, weights }) => {
      const own = new Map([...gradients].filter(([weight]) => weights.has(weight)))
      return own.size === 0 ? [] : [...rule.optimizer.updates(own, stepContext(suffix))]
    })
    return new Map(updates)
  }
}

// The common rule first.
const rulesOf = ({ groups = [], ...rule }: Optimization): readonly UpdateRule[] => [rule, ...groups]

function partition(weights: readonly Parameter[], optimization: Optimization, schedule: FreezeSchedule): Part[] {
  const rules = rulesOf(optimization)
  const inGroup = new Map(
    (optimization.groups ?? []).flatMap((group, i) => group.weights.map((weight) => [weight, i + 1])),
  )
  const parts = new Map<string, Part & { readonly weights: Set<Parameter> }>()
  for (const weight of weights) {
    const group = inGroup.get(weight) ?? 0
    const freezeKey = schedule.key(weight)
    const key = `${group} ${freezeKey}`
    const suffix = parts.size === 0 ? '' : `.${parts.size}`
    const part = parts.get(key) ?? { rule: rules[group]!, freezeKey, suffix, weights: new Set<Parameter>() }
    parts.set(key, part)
    part.weights.add(weight)
  }
  return [...parts.values()]
}

/** Norm of all gradients together, a scalar. */
export function normOf(gradients: Gradients): Tensor {
  return sqrt(sum([...gradients.values()].map((gradient) => reduceSum(mul(gradient, gradient)))))
}

function clipGradients(
  gradients: Gradients,
  { clipValue, clipAlgorithm }: GradientClipping,
): { clipped: Gradients; norm: Tensor } {
  const norm = normOf(gradients)
  let shape = (gradient: Tensor) => gradient
  if (clipValue > 0 && clipAlgorithm === 'value') shape = (gradient) => clip(gradient, -clipValue, clipValue)
  else if (clipValue > 0) {
    // PyTorch's clip_grad_norm_: the coefficient is limited to 1.
    const factor = minimum(div(constant(clipValue), add(norm, 1e-6)), 1)
    shape = (gradient) => mul(gradient, factor)
  }
  return { clipped: new Map([...gradients].map(([weight, gradient]) => [weight, shape(gradient)])), norm }
}
