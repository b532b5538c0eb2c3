interface NodeModules {
  readonly 'node:child_process': typeof import('node:child_process')
  readonly 'node:crypto': typeof import('node:crypto')
  readonly 'node:fs': typeof import('node:fs')
  readonly 'node:module': typeof import('node:module')
  readonly 'node:os': typeof import('node:os')
  readonly 'node:path': typeof import('node:path')
  readonly 'node:url': typeof import('node:url')
  readonly 'node:worker_threads': typeof import('node:worker_threads')
}

/**
 * A built-in module of Node, found when it is used, so that a bundle for browsers neither contains nor asks for it.
 *
 * @throws Error in a browser: there are no files, processes or terminals to work with.
 */
export function nodeModule<K extends keyof NodeModules>(id: K): NodeModules[K] {
  const load = globalThis.process?.getBuiltinModule
  if (typeof load !== 'function') {
    throw new Error(`${id} is needed for this, which only Node 20.19 or newer has; a browser has no such thing`)
  }
  return load(id) as NodeModules[K]
}
