import type { ConfigObject } from './configValue.js'
import { UnknownTargetError } from './errors.js'
import { nearestNames } from './nearestName.js'

/**
 * Makes the object that a config node with `_target_` describes.
 *
 * @param args - The node's other keys, nested `_target_` nodes made already.
 */
export type TargetFactory<T = unknown> = (args: Record<string, unknown>) => T

/** What a registered name leads to. */
export interface RegisteredTarget {
  /** The first of the names that it was registered with. */
  readonly name: string
  readonly factory: TargetFactory
}

const DOTTED = /^[\p{L}_][\p{L}\p{N}_]*(?:\.[\p{L}_][\p{L}\p{N}_]*)*$/u
const lastPart = (name: string): string => name.slice(name.lastIndexOf('.') + 1)

/** Maps dotted names, such as NeMo's Python paths, to factories. Nothing is ever loaded by name from outside. */
export class TargetRegistry {
  private readonly targets = new Map<string, RegisteredTarget>()

  /**
   * Registers a factory.
   *
   * @param names - One dotted name, or several for the same thing: NeMo reaches one class by several paths.
   * @param options.replace - Accept names that are taken. Default false.
   * @throws Error if a name is taken or is not dotted identifiers.
   */
  register(names: string | readonly string[], factory: TargetFactory, { replace = false } = {}): void {
    const list = typeof names === 'string' ? [names] : names
    const [first] = list
    if (first === undefined) throw new Error('a target needs at least one name')
    const target: RegisteredTarget = { name: first, factory }
    for (const name of list) {
      if (!DOTTED.test(name)) throw new Error(`target name "${name}" must be identifiers joined by dots`)
      const present = this.targets.get(name)
      if (present !== undefined && present.factory !== factory && !replace) {
        throw new Error(`a target "${name}" is registered already; pass { replace: true } to put another in its place`)
      }
    }
    for (const name of list) this.targets.set(name, target)
  }

  /** True if the name is registered. */
  has(name: string): boolean {
    return this.targets.has(name)
  }

  /** All registered names, sorted. */
  names(): string[] {
    return [...this.targets.keys()].sort()
  }

  /**
   * The target of a name.
   *
   * @param keyPath - Where in the config the name stands, for the message.
   * @throws UnknownTargetError that names the target, its key path and the nearest known names.
   */
  resolve(name: string, keyPath = '_target_'): RegisteredTarget {
    const target = this.targets.get(name)
    if (target !== undefined) return target
    const near = this.nearest(name)
    const hint =
      near.length > 0
        ? `; nearest known: ${near.join(', ')}`
        : this.targets.size === 0
          ? '; no target is registered: import the collection that has it'
          : '; nothing known is close: import the collection that has it, or register it with registerTarget'
    throw new UnknownTargetError(name, keyPath, `unknown target "${name}"${hint}`)
  }

  /** Up to three known names: those with the same or a like last part first, then those alike as a whole. */
  private nearest(name: string): string[] {
    const known = this.names()
    const wanted = lastPart(name)
    const same = known.filter((candidate) => lastPart(candidate) === wanted)
    const likely = nearestNames(wanted, known.map(lastPart), { limit: 3 })
    const alike = likely.flatMap((part) => known.filter((candidate) => lastPart(candidate) === part))
    const whole = nearestNames(name, known, { limit: 3, cutoff: 0.25 })
    return [...new Set([...same, ...alike, ...whole])].slice(0, 3)
  }
}

/** The registry that collections register their classes with when they are imported. */
export const targetRegistry: TargetRegistry = new TargetRegistry()

/** Registers a factory for a `_target_`, under one or several dotted names. See {@link TargetRegistry.register}. */
export function registerTarget(
  names: string | readonly string[],
  factory: TargetFactory,
  options: { replace?: boolean } = {},
): void {
  targetRegistry.register(names, factory, options)
}

/** The target registered under a dotted name. See {@link TargetRegistry.resolve}. */
export function resolveTarget(name: string, keyPath?: string): RegisteredTarget {
  return targetRegistry.resolve(name, keyPath)
}

/** The `_target_` of a node, if it has one. */
export function targetOf(node: ConfigObject): unknown {
  return Object.hasOwn(node, '_target_') ? node._target_ : undefined
}
