import {
  type ConfigObject,
  type ConfigValue,
  cloneConfigValue,
  getOwn,
  isConfigObject,
  MISSING,
  setOwn,
} from './configValue.js'
import { ConfigKeyError } from './errors.js'
import { hasInterpolation } from './interpolation.js'
import { formatKeyPath } from './keyPath.js'

/** Gives the mapping that the interpolation at `keys` of the merge's target points to, if it is one. */
export type Dereference = (keys: readonly string[]) => ConfigObject | undefined

/**
 * Merges configs the way `OmegaConf.merge` does: mappings key by key, later ones win; lists and scalars as a whole. A
 * `???` never overwrites a value that is there. No input is changed.
 *
 * @throws ConfigKeyError where a list meets a mapping.
 */
export function mergeConfigs(...configs: readonly ConfigObject[]): ConfigObject {
  const result: ConfigObject = {}
  for (const config of configs) mergeInto(result, config)
  return result
}

/**
 * Merges `source` into `target` in place. See {@link mergeConfigs}.
 *
 * @param dereference - Asked when a mapping is merged over an interpolation: OmegaConf then merges into a copy of what
 *   the interpolation points to.
 */
export function mergeInto(
  target: ConfigObject,
  source: ConfigObject,
  dereference?: Dereference,
  keys: readonly string[] = [],
): void {
  for (const [key, value] of Object.entries(source)) {
    setOwn(target, key, mergeValues(getOwn(target, key), value, dereference, [...keys, key]))
  }
}

function mergeValues(
  current: ConfigValue | undefined,
  next: ConfigValue,
  dereference: Dereference | undefined,
  keys: readonly string[],
): ConfigValue {
  if (current === undefined) return cloneConfigValue(next)
  if (next === MISSING) return current
  if (isConfigObject(next)) {
    const pointed = hasInterpolation(current) ? dereference?.(keys) : undefined
    const target = pointed === undefined ? current : cloneConfigValue(pointed)
    if (isConfigObject(target)) {
      mergeInto(target, next, dereference, keys)
      return target
    }
    if (Array.isArray(target)) failKinds(keys, 'mapping', 'list')
  } else if (Array.isArray(next) && isConfigObject(current)) failKinds(keys, 'list', 'mapping')
  return cloneConfigValue(next)
}

function failKinds(keys: readonly string[], next: string, current: string): never {
  const path = formatKeyPath(keys)
  throw new ConfigKeyError(path, `${path}: a ${next} cannot be merged into the ${current} that is there`)
}
