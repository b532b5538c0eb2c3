let path = ''

/** Slash-separated path of the scopes that are open. */
export function currentScope(): string {
  return path
}

/**
 * Builds under a name: nodes made inside carry it in messages, profiles and exported node names.
 *
 * @param name - Usually a module's attribute name, e.g. `encoder`.
 */
export function withScope<T>(name: string, build: () => T): T {
  return inScope(path === '' ? name : `${path}/${name}`, build)
}

/** Builds as if exactly the scopes of `scope` were open; rewrites and gradients keep the place of the node they replace. */
export function inScope<T>(scope: string, build: () => T): T {
  const outer = path
  path = scope
  try {
    return build()
  } finally {
    path = outer
  }
}
