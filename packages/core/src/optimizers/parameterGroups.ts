import type { Parameter } from '@nemo/graph'
import { type ConfigObject, isConfigObject } from '../config/configValue.js'
import type { Scheduler } from '../schedulers/scheduler.js'
import { OptimizerError } from './errors.js'
import type { Optimizer } from './optimizer.js'

/** An update rule with its learning rates. */
export interface UpdateRule {
  readonly optimizer: Optimizer
  readonly scheduler: Scheduler
}

/** Weights with an update rule of their own. */
export interface ParameterGroup extends UpdateRule {
  /** The key of the config: a module, a weight or a pattern. */
  readonly name: string
  readonly weights: readonly Parameter[]
}

/** How a model's weights are updated: by one rule, but for those in groups. */
export interface Optimization extends UpdateRule {
  readonly groups?: readonly ParameterGroup[]
}

/**
 * Weights with settings of their own, from an `optim_param_groups` section. Each key is a module (`encoder`, `decoder.0`),
 * a weight, or a pattern in which `*` stands for any characters (`*.bias`); its values replace those of `optim`.
 *
 * ```yaml
 * optim_param_groups:
 *   encoder: { lr: 0.0001 }
 *   '*.bias': { weight_decay: 0 }
 * ```
 *
 * Source: NeMo v1.7 `ModelPT.setup_optimizer_param_groups`, which knows modules only and takes every name that begins
 * like one for it.
 *
 * @param weights - The model's weights by dotted name.
 * @param rule - Makes the update rule of a group from its settings.
 * @throws OptimizerError if a key matches nothing, or a weight is matched by two keys.
 */
export function parameterGroups(
  config: unknown,
  weights: ReadonlyMap<string, Parameter>,
  rule: (settings: ConfigObject) => UpdateRule,
): ParameterGroup[] {
  if (config === undefined || config === null) return []
  if (!isConfigObject(config))
    throw new OptimizerError(
      `optim_param_groups: expected modules with their settings, such as { encoder: { lr: 0.001 } }, found ${JSON.stringify(config)}.`,
    )
  const owners = new Map<string, string>()
  return Object.entries(config).map(([name, settings]) => {
    const where = `optim_param_groups.${name}`
    if (!isConfigObject(settings))
      throw new OptimizerError(`${where}: expected settings, such as { lr: 0.001 }, found ${JSON.stringify(settings)}.`)
    for (const key of ['name', 'sched', 'args'])
      if (key in settings)
        throw new OptimizerError(
          `${where}.${key}: groups share this of optim; only the optimiser's settings can differ.`,
        )
    const matches = matcher(name)
    const names = [...weights.keys()].filter(matches)
    if (names.length === 0) {
      const modules = [...new Set([...weights.keys()].map((weight) => weight.split('.')[0]!))]
      throw new OptimizerError(
        `${where} matches no weight. Give a module (${modules.join(', ')}), the name of a weight, or a pattern such as '*.bias'.`,
      )
    }
    for (const weight of names) {
      const other = owners.get(weight)
      if (other !== undefined)
        throw new OptimizerError(
          `optim_param_groups: ${weight} is in two groups, ${other} and ${name}. A weight belongs to one; make the patterns narrower.`,
        )
      owners.set(weight, name)
    }
    return { name, weights: names.map((weight) => weights.get(weight)!), ...rule(settings) }
  })
}

function matcher(key: string): (weight: string) => boolean {
  if (!key.includes('*')) return (weight) => weight === key || weight.startsWith(`${key}.`)
  const escaped = key.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
  const pattern = new RegExp(`^${escaped.join('.*')}$`)
  return (weight) => pattern.test(weight)
}

/** An `optim` section with some of its settings replaced, wherever it keeps them. */
export function withGroupSettings(optim: ConfigObject, { lr, ...settings }: ConfigObject): ConfigObject {
  const rate = lr === undefined ? {} : { lr }
  // NeMo's configs may put the settings under args, which win.
  if (isConfigObject(optim.args)) return { ...optim, ...rate, args: { ...optim.args, ...settings } }
  return { ...optim, ...rate, ...settings }
}
