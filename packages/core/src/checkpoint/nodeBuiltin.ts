import { CheckpointFileError } from './errors.js'

interface NodeModules {
  'node:fs': typeof import('node:fs')
  'node:path': typeof import('node:path')
}

/**
 * A built-in module of Node, found at call time, so that bundles for browsers neither contain nor ask for it.
 *
 * @param feature - What needs it, for the error.
 * @throws CheckpointFileError in a browser.
 */
export function nodeBuiltin<K extends keyof NodeModules>(id: K, feature: string): NodeModules[K] {
  const getBuiltinModule = globalThis.process?.getBuiltinModule
  if (typeof getBuiltinModule !== 'function') {
    throw new CheckpointFileError(
      `${feature} needs a file system: Node 20.19 or newer. In a browser, pass the bytes instead of a path.`,
    )
  }
  return getBuiltinModule(id) as NodeModules[K]
}
