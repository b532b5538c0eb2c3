import { OpaqueObject, PythonFloat, type PythonValue } from '../checkpoint/pythonValue.js'
import { type ConfigObject, type ConfigValue, isConfigObject, setOwn } from '../config/configValue.js'
import { ModelError } from './errors.js'

/** A config as the `hyper_parameters` of a checkpoint hold it: plain Python containers. */
export function toPython(value: ConfigValue): PythonValue {
  if (Array.isArray(value)) return value.map(toPython)
  if (isConfigObject(value)) return new Map(Object.entries(value).map(([key, item]) => [key, toPython(item)]))
  return typeof value === 'number' && !Number.isInteger(value) ? new PythonFloat(value) : (value as PythonValue)
}

/**
 * A config out of a checkpoint's `hyper_parameters`: plain containers, or OmegaConf's objects as NeMo pickles them.
 *
 * @throws ModelError naming the key of a value that is none of a config.
 */
export function fromPython(value: PythonValue | undefined, keyPath: string): ConfigValue {
  if (value === undefined || value === null) return null
  if (typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number') return value
  if (typeof value === 'bigint') return Number(value)
  if (value instanceof PythonFloat) return value.value
  if (Array.isArray(value)) return value.map((item, i) => fromPython(item, `${keyPath}[${i}]`))
  if (value instanceof Map) return mapping(value, keyPath)
  if (value instanceof OpaqueObject && value.pythonName.startsWith('omegaconf.')) {
    // DictConfig and ListConfig keep their nodes in _content, the nodes of values theirs in _val.
    const state = value.state instanceof Map ? (value.state as ReadonlyMap<PythonValue, PythonValue>) : value.entries
    for (const field of ['_content', '_val']) if (state.has(field)) return fromPython(state.get(field), keyPath)
  }
  const found = value instanceof OpaqueObject ? value.pythonName : (value as object).constructor.name
  throw new ModelError(`${keyPath}: expected a value of a config, found ${found}.`)
}

function mapping(map: ReadonlyMap<PythonValue, PythonValue>, keyPath: string): ConfigObject {
  const object: ConfigObject = {}
  for (const [key, item] of map) setOwn(object, String(key), fromPython(item, `${keyPath}.${String(key)}`))
  return object
}
