import type { Config } from './config.js'
import { describeConfigValue, isConfigObject } from './configValue.js'
import { ConfigKeyError, OverrideError } from './errors.js'
import { type Override, sameConfigValue } from './override.js'

/**
 * Applies overrides to a config in order, with Hydra's rules: `key=` changes what exists, `+key=` adds what does not
 * (or merges into a list or mapping), `++key=` does either, `~key` deletes, `~key=value` deletes if the value is that.
 *
 * @param options.isKnown - Says of a key that the config lacks whether the schema has it, so that `key=` may set it.
 * @throws OverrideError that quotes the override and says what to write instead.
 */
export function applyOverrides(
  config: Config,
  overrides: readonly Override[],
  { isKnown = () => false }: { isKnown?: (keyPath: string) => boolean } = {},
): void {
  for (const override of overrides) {
    const { key, type, value, input } = override
    if (override.sweep !== undefined) {
      throw new OverrideError(`override "${input}" has several values; add --multirun to run each, or quote the value`)
    }
    if (override.package !== undefined) {
      throw new OverrideError(`override "${input}": there is no config group "${key}"`)
    }
    if (key === '') throw new OverrideError(`override "${input}": the key is empty`)
    try {
      if (type === 'delete') {
        const found = config.has(key) ? config.valueAt(key) : undefined
        if (found === undefined) throw new OverrideError(`override "${input}": there is no key "${key}" to delete`)
        if (value !== undefined && !sameConfigValue(value, found)) {
          throw new OverrideError(
            `override "${input}": "${key}" is ${describeConfigValue(found)}, not ${describeConfigValue(value)}, so it was not deleted`,
          )
        }
        config.delete(key)
        continue
      }
      if (value === undefined) throw new OverrideError(`override "${input}" has no value`)
      if (type === 'add') {
        const present = config.has(key) && !config.isMissing(key) && config.valueAt(key) !== null
        if (present && !isConfigObject(value) && !Array.isArray(value)) {
          throw new OverrideError(
            `override "${input}": "${key}" exists already; write ${input.slice(1)} to change it, or +${input} to set it in any case`,
          )
        }
      }
      config.set(key, value, { merge: true, add: type !== 'change' || isKnown(key) })
    } catch (error) {
      if (!(error instanceof ConfigKeyError)) throw error
      const add = type === 'change' && !config.has(key) ? `; to add a new key write +${input}` : ''
      throw new OverrideError(`override "${input}": ${error.message}${add}`, { cause: error })
    }
  }
}
