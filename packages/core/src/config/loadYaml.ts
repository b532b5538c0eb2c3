import { type ConfigObject, isConfigObject } from './configValue.js'
import { ConfigCompositionError, ConfigSyntaxError } from './errors.js'
import { nodeModule } from './nodeModule.js'
import { parseYaml } from './parseYaml.js'

/**
 * Reads a YAML file whose top level is a mapping.
 *
 * @throws ConfigCompositionError if the file cannot be read; ConfigSyntaxError if it is not a YAML mapping.
 */
export function loadYaml(path: string): ConfigObject {
  const { readFileSync } = nodeModule('node:fs')
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path))
  } catch (error) {
    if (error instanceof TypeError) {
      throw new ConfigSyntaxError(`${path}: is not UTF-8 text; save it as UTF-8`, { cause: error })
    }
    const reason = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file' : (error as Error).message
    throw new ConfigCompositionError(`cannot read the config ${path}: ${reason}`, { cause: error })
  }
  const value = parseYaml(text, path)
  if (value === null) return {}
  if (!isConfigObject(value)) {
    const found = Array.isArray(value) ? 'a list' : `the scalar ${JSON.stringify(value)}`
    throw new ConfigSyntaxError(`${path}: the top level must be a mapping (key: value), found ${found}`)
  }
  return value
}
