import type { Config } from '../config/config.js'
import { InterpolationError } from '../config/errors.js'

/**
 * A config as YAML for people to read: resolved, or as written if an interpolation cannot be resolved. Only reading the
 * value itself is an error; a record of the run must not fail for a part that nobody uses.
 */
export function readableYaml(config: Config): string {
  try {
    return config.toYaml()
  } catch (error) {
    if (error instanceof InterpolationError) return config.toYaml({ resolve: false })
    throw error
  }
}
