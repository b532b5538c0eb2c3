import { Config } from './config.js'
import { type ConfigObject, describeConfigValue, isConfigObject, MISSING, setOwn } from './configValue.js'
import { ConfigError, InstantiationError, MissingValueError, UnknownTargetError } from './errors.js'
import { type TargetRegistry, targetOf, targetRegistry } from './targetRegistry.js'

/** Options of {@link instantiate}. */
export interface InstantiateOptions {
  /** Where the node stands in the config, for messages. Default the config's root. */
  readonly keyPath?: string
  /** Default: the registry that collections register with. */
  readonly registry?: TargetRegistry
}

/**
 * Makes the object that a config describes: calls the factory registered for its `_target_` with the node's other keys,
 * nested nodes with a `_target_` first. As in Hydra, `_recursive_: false` leaves nested nodes as plain data and
 * `_convert_` is accepted (values are always plain); `_partial_: true` gives a function that waits for more arguments.
 *
 * @param node - A mapping with `_target_`, or a {@link Config}, whose interpolations are resolved.
 * @param extra - More arguments. They win over the config's and are passed as they are.
 * @throws UnknownTargetError, MissingValueError, InstantiationError
 */
export function instantiate<T = unknown>(
  node: Config | ConfigObject,
  extra: Readonly<Record<string, unknown>> = {},
  { keyPath = '', registry = targetRegistry }: InstantiateOptions = {},
): T {
  const plain = node instanceof Config ? node.toObject() : node
  return make(plain, extra, keyPath, registry) as T
}

const at = (path: string, key: string | number): string =>
  typeof key === 'number' ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`

function make(
  node: ConfigObject,
  extra: Readonly<Record<string, unknown>>,
  keyPath: string,
  registry: TargetRegistry,
): unknown {
  const targetPath = at(keyPath, '_target_')
  const name = targetOf(node)
  if (typeof name !== 'string' || name === MISSING) {
    const found = name === undefined ? 'it has no such key' : `found ${describeConfigValue(name)}`
    throw new UnknownTargetError(String(name), targetPath, `must name what to make; ${found}`)
  }
  const { factory } = registry.resolve(name, targetPath)
  const recursive = node._recursive_ !== false
  const args: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(node)) {
    if (['_target_', '_recursive_', '_convert_', '_partial_'].includes(key)) continue
    if (Object.hasOwn(extra, key)) continue
    setOwn(args, key, convert(value, at(keyPath, key), registry, recursive))
  }
  for (const [key, value] of Object.entries(extra)) setOwn(args, key, value)
  const call = (more: Readonly<Record<string, unknown>> = {}): unknown => {
    try {
      return factory({ ...args, ...more })
    } catch (error) {
      // What a factory finds wrong with the node is named from the node; readers know the whole config.
      if (error instanceof ConfigError) throw keyPath === '' ? error : error.under(keyPath)
      throw new InstantiationError(keyPath, name, error)
    }
  }
  return node._partial_ === true ? call : call()
}

function convert(value: unknown, keyPath: string, registry: TargetRegistry, recursive: boolean): unknown {
  if (value === MISSING && recursive) {
    throw new MissingValueError(keyPath)
  }
  if (!recursive) return value
  if (Array.isArray(value)) return value.map((item, index) => convert(item, at(keyPath, index), registry, recursive))
  if (!isConfigObject(value)) return value
  if (targetOf(value) !== undefined) return make(value, {}, keyPath, registry)
  const copy: Record<string, unknown> = {}
  for (const [key, item] of Object.entries(value))
    setOwn(copy, key, convert(item, at(keyPath, key), registry, recursive))
  return copy
}
