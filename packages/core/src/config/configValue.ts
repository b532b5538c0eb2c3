/** A scalar of a config file. NeMo's YAML knows no other. */
export type ConfigScalar = null | boolean | number | string

/** A mapping of a config. Keys stay as they are written: `snake_case`. */
export interface ConfigObject {
  [key: string]: ConfigValue
}

/**
 * Any value of a config as written: interpolations (`${a.b}`) and missing values (`???`) are still strings.
 * Whole and fractional numbers are both `number`, so a `1.0` is written back as `1`.
 */
export type ConfigValue = ConfigScalar | ConfigValue[] | ConfigObject

/** The scalar that stands for a mandatory value which nobody has given yet. */
export const MISSING = '???'

/** True for a mapping: neither scalar, list nor class instance. */
export function isConfigObject(value: unknown): value is ConfigObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** Sets an own property, whatever the key is called: `__proto__` in a data file must not reach the prototype. */
export function setOwn<T>(target: Record<string, T>, key: string, value: T): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })
  } else {
    target[key] = value
  }
}

/** The own property `key` of `target`, or `undefined`. Never looks at the prototype. */
export function getOwn<T>(target: Record<string, T>, key: string): T | undefined {
  return Object.hasOwn(target, key) ? target[key] : undefined
}

/** A deep copy of a config value; shared parts (YAML aliases) become separate. */
export function cloneConfigValue<T extends ConfigValue>(value: T): T
export function cloneConfigValue(value: ConfigValue): ConfigValue {
  if (Array.isArray(value)) return value.map((item) => cloneConfigValue(item))
  if (!isConfigObject(value)) return value
  const copy: ConfigObject = {}
  for (const [key, item] of Object.entries(value)) setOwn(copy, key, cloneConfigValue(item))
  return copy
}

/** Names a value's type the way a reader of YAML would: `null`, `boolean`, `number`, `string`, `list`, `mapping`. */
export function configTypeName(value: unknown): string {
  if (value === null) return 'null'
  if (value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'list'
  if (typeof value === 'object') return 'mapping'
  return typeof value
}

/** A short, one-line print of a value for messages, at most about 60 characters. */
export function describeConfigValue(value: unknown): string {
  const text = value === undefined ? 'nothing' : (JSON.stringify(value) ?? String(value))
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}
