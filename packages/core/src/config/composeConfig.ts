import { applyOverrides } from './applyOverrides.js'
import { Config } from './config.js'
import { type ConfigFile, ConfigRepository, type DefaultsEntry } from './configRepository.js'
import { type ConfigObject, setOwn } from './configValue.js'
import { ConfigCompositionError, OverrideError } from './errors.js'
import { nearestNames } from './nearestName.js'
import { type Override, parseOverride } from './override.js'

/** What {@link composeConfig} puts together. */
export interface ComposeOptions {
  /** Folder of the primary config and its groups. */
  readonly configDir?: string | undefined
  /** More folders to look in, after `configDir`. */
  readonly searchPath?: readonly string[]
  /** Name of the primary config, with or without `.yaml`. Without it the config starts empty (or as `base`). */
  readonly configName?: string | undefined
  /** Command-line overrides, as text or parsed. Those on `hydra.*` and `hydra/*` are accepted and ignored. */
  readonly overrides?: readonly (string | Override)[]
  /** Laid under everything: the defaults of a schema. */
  readonly base?: ConfigObject
  /** Says of a key that the config lacks whether a schema has it, so that `key=value` may set it. */
  readonly isKnown?: (keyPath: string) => boolean
}

/** One loaded config and the place in the final config where it goes. */
interface Placed {
  readonly file: ConfigFile
  /** Dotted path, empty for the root. */
  readonly package: string
}

interface Node {
  /** Path of the config in the search path. */
  readonly path: string
  /** Group of the config: what its own relative entries start from. */
  readonly group: string
  readonly package: string
}

const joinPath = (base: string, rest: string): string => (base === '' ? rest : rest === '' ? base : `${base}/${rest}`)
const joinPackage = (base: string, rest: string): string =>
  base === '' ? rest : rest === '' ? base : `${base}.${rest}`
const isHydraOwn = (key: string): boolean => key === 'hydra' || /^hydra[./]/.test(key)

/** Walks the `defaults` lists and keeps account of which group options were chosen. */
class Composition {
  private readonly choices = new Map<string, string | readonly string[] | null>()
  private readonly choiceSources = new Map<string, { by: string; used: boolean }>()
  private readonly deletions = new Map<string, { option: string | undefined; used: boolean; input: string }>()
  private readonly known = new Map<string, string | null>()
  private readonly appended: DefaultsEntry[] = []
  private readonly open: string[] = []

  constructor(
    private readonly repository: ConfigRepository,
    groupOverrides: readonly Override[],
  ) {
    for (const { type, key, package: pkg, value, input } of groupOverrides) {
      const name = pkg === undefined ? key : `${key}@${pkg}`
      const option = Array.isArray(value) ? value.map(String) : value === null ? null : String(value ?? '')
      if (type === 'forceAdd') {
        throw new OverrideError(`override "${input}": ++ does not work on a config group; use +${name}= or ${name}=`)
      }
      if (type === 'delete') {
        this.deletions.set(name, { option: value === undefined ? undefined : String(value), used: false, input })
      } else if (type === 'add') {
        this.appended.push({ kind: 'group', group: key, value: option, package: pkg, optional: false, override: false })
      } else {
        this.choices.set(name, option)
        this.choiceSources.set(name, { by: `override "${input}"`, used: false })
      }
    }
  }

  compose(configName: string): Placed[] {
    const placed = this.expand({ path: configName, group: '', package: '' }, true)
    for (const [name, { by, used }] of this.choiceSources) {
      if (used) continue
      const [near] = nearestNames(name, this.known.keys(), { cutoff: 0.6 })
      const hint = near === undefined ? '' : `; did you mean ${near}?`
      throw new ConfigCompositionError(
        `${by}: no defaults list has an entry "${name}"${hint} To add one write +${name}=OPTION`,
      )
    }
    for (const { used, input } of this.deletions.values()) {
      if (!used) throw new ConfigCompositionError(`override "${input}": no defaults list has such an entry`)
    }
    return placed
  }

  private expand(node: Node, isRoot = false): Placed[] {
    const file = this.repository.load(node.path)
    if (file === undefined) throw this.notFound(node.path)
    if (this.open.includes(node.path)) {
      const circle = [...this.open.slice(this.open.indexOf(node.path)), node.path].join(' -> ')
      throw new ConfigCompositionError(`${file.file}: the defaults lists run in a circle: ${circle}`)
    }
    const entries = [...file.defaults]
    // Hydra since 1.1: without _self_, a config's own content comes last and wins.
    if (!entries.some((entry) => entry.kind === 'self')) entries.push({ kind: 'self' })
    if (isRoot) entries.push(...this.appended)
    this.registerOverrides(node, file, entries)

    this.open.push(node.path)
    const results: Placed[][] = entries.map(() => [])
    const deferred: number[] = []
    // From the end, so that an `override` in a later config reaches the ones before it.
    for (let index = entries.length - 1; index >= 0; index -= 1) {
      const entry = entries[index]!
      if (entry.kind === 'self') results[index] = [{ file, package: node.package }]
      else if (this.isDeferred(node, entry)) deferred.unshift(index)
      else results[index] = this.expandEntry(node, file, entry)
    }
    for (const index of deferred) {
      results[index] = this.expandEntry(node, file, entries[index] as Exclude<DefaultsEntry, { kind: 'self' }>)
    }
    this.open.pop()
    return results.flat()
  }

  private registerOverrides(node: Node, file: ConfigFile, entries: readonly DefaultsEntry[]): void {
    for (const entry of entries) {
      if (entry.kind !== 'group' || !entry.override) continue
      if (isHydraOwn(entry.group.replace(/^\//, ''))) continue
      const name = this.place(node, entry).name
      if (this.choices.has(name)) continue
      this.choices.set(name, entry.value)
      this.choiceSources.set(name, { by: `${file.file}: "override ${entry.group}"`, used: false })
    }
  }

  private isDeferred(node: Node, entry: Exclude<DefaultsEntry, { kind: 'self' }>): boolean {
    if (entry.kind === 'config') return entry.path.includes('${')
    const value = this.choices.get(this.place(node, entry).name) ?? entry.value
    return typeof value === 'string' && value.includes('${')
  }

  /** Where an entry's configs are and go. `name` is what an override calls it: `group`, or `group@package`. */
  private place(
    node: Node,
    entry: Exclude<DefaultsEntry, { kind: 'self' }>,
  ): { group: string; package: string; name: string } {
    const path = entry.kind === 'group' ? entry.group : entry.path.slice(0, Math.max(0, entry.path.lastIndexOf('/')))
    const absolute = (entry.kind === 'group' ? entry.group : entry.path).startsWith('/')
    const relative = path.replace(/^\//, '')
    const group = absolute ? relative : joinPath(node.group, relative)
    const written = entry.package === '_here_' ? '' : entry.package
    const pkg = this.finalPackage(node.package, written ?? relative.replaceAll('/', '.'), group)
    const name = pkg === group.replaceAll('/', '.') ? group : `${group}@${pkg === '' ? '_global_' : pkg}`
    return { group, package: pkg, name }
  }

  private finalPackage(parent: string, pkg: string, group: string): string {
    const named = pkg.includes('_group_') ? `_global_.${pkg.replaceAll('_group_', group.replaceAll('/', '.'))}` : pkg
    const joined = joinPackage(parent, named)
    const root = joined.lastIndexOf('_global_')
    return root < 0 ? joined : joined.slice(root + '_global_'.length).replace(/^\./, '')
  }

  private expandEntry(node: Node, file: ConfigFile, entry: Exclude<DefaultsEntry, { kind: 'self' }>): Placed[] {
    const place = this.place(node, entry)
    // Hydra's own groups (logging, launcher, sweeper) have no meaning here.
    if (isHydraOwn(place.group)) return []
    if (entry.kind === 'config') {
      const path = this.interpolate(entry.path, file)
      const slash = path.lastIndexOf('/')
      const name = path.slice(slash + 1)
      return this.expandOption(place, name, entry, file)
    }
    if (entry.override) return []
    let value = entry.value
    if (this.choices.has(place.name)) {
      value = this.choices.get(place.name)!
      const source = this.choiceSources.get(place.name)
      if (source !== undefined) source.used = true
    }
    const deletion = this.deletions.get(place.name)
    if (deletion !== undefined && (deletion.option === undefined || deletion.option === value)) {
      deletion.used = true
      return []
    }
    if (Array.isArray(value)) {
      return value.flatMap((option: string) => this.expandOption(place, option, entry, file))
    }
    const option = value === null ? null : this.interpolate(value as string, file)
    const earlier = this.known.get(place.name)
    if (earlier !== undefined && earlier !== option) {
      throw new ConfigCompositionError(
        `${file.file}: the group "${place.name}" is chosen twice, as "${earlier}" and "${option}"; write "override ${place.name}: ${option}" for the second`,
      )
    }
    if (earlier !== undefined) {
      throw new ConfigCompositionError(`${file.file}: the group "${place.name}" stands twice in the defaults lists`)
    }
    this.known.set(place.name, option)
    if (option === null) return []
    if (option === '???') {
      throw new ConfigCompositionError(
        `${file.file}: the group "${place.name}" needs a choice; give ${place.name}=OPTION with one of: ${this.repository.options(place.group).join(', ') || '(the group is empty)'}`,
      )
    }
    return this.expandOption(place, option, entry, file)
  }

  private expandOption(
    place: { group: string; package: string; name: string },
    option: string,
    entry: Exclude<DefaultsEntry, { kind: 'self' }>,
    parent: ConfigFile,
  ): Placed[] {
    const path = joinPath(place.group, option)
    const file = this.repository.load(path)
    if (file === undefined) {
      if (entry.optional) return []
      throw this.notFound(path, parent, place.group)
    }
    let pkg = place.package
    // A package in the defaults list wins over the file's own header, which counts from the root.
    if (entry.package === undefined && file.packageHeader !== undefined && file.packageHeader !== '_group_') {
      pkg = this.finalPackage('', file.packageHeader, place.group).replaceAll('_name_', option)
    }
    const group = option.includes('/') ? joinPath(place.group, option.slice(0, option.lastIndexOf('/'))) : place.group
    return this.expand({ path, group, package: pkg })
  }

  private interpolate(text: string, file: ConfigFile): string {
    return text.replace(/\$\{([^{}]+)\}/g, (whole, name: string) => {
      const value = this.known.get(name.trim())
      if (value === undefined || value === null) {
        const choices = [...this.known.keys()].join(', ') || 'none yet'
        throw new ConfigCompositionError(
          `${file.file}: ${whole} in the defaults list names no chosen group (chosen: ${choices})`,
        )
      }
      return value
    })
  }

  private notFound(path: string, parent?: ConfigFile, group?: string): ConfigCompositionError {
    const folder = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : ''
    const options = this.repository.options(group ?? folder)
    const [near] = nearestNames(path.slice(path.lastIndexOf('/') + 1), options)
    const hint = near === undefined ? '' : ` Did you mean "${near}"?`
    const available = options.length === 0 ? '' : ` Available: ${options.join(', ')}.`
    const where = parent === undefined ? '' : `${parent.file}: `
    return new ConfigCompositionError(
      `${where}there is no config "${path}" (looked for ${path}.yaml in ${this.repository.searchPath.join(', ')}).${hint}${available}`,
    )
  }
}

/** The content of a config wrapped in the mappings of its package. */
function wrap(content: ConfigObject, pkg: string): ConfigObject {
  let wrapped = content
  for (const key of pkg === '' ? [] : pkg.split('.').reverse()) {
    const outer: ConfigObject = {}
    setOwn(outer, key, wrapped)
    wrapped = outer
  }
  return wrapped
}

/**
 * Composes a config as Hydra (1.1 and later) does: the primary config, the config groups of its `defaults` list, then
 * command-line overrides; `group=option` picks another option.
 *
 * ```ts
 * const cfg = composeConfig({ configDir: 'conf', configName: 'quartznet_15x5', overrides: ['model.optim.lr=0.02'] })
 * ```
 *
 * @throws ConfigCompositionError, OverrideError, ConfigSyntaxError
 */
export function composeConfig(options: ComposeOptions): Config {
  const { configDir, configName } = options
  const repository = new ConfigRepository([
    ...(configDir === undefined ? [] : [configDir]),
    ...(options.searchPath ?? []),
  ])
  const parsed = (options.overrides ?? []).map((item) => (typeof item === 'string' ? parseOverride(item) : item))
  const groupOverrides: Override[] = []
  const keyOverrides: Override[] = []
  for (const override of parsed) {
    const { key, sweep, input, value } = override
    if (sweep !== undefined) {
      throw new OverrideError(`override "${input}" has several values; add --multirun to run each, or quote the value`)
    }
    if (isHydraOwn(key)) continue
    const isGroup = repository.hasGroup(key) && (value === null || typeof value !== 'object' || Array.isArray(value))
    if (isGroup) groupOverrides.push(override)
    else keyOverrides.push(override)
  }
  const composition = new Composition(repository, groupOverrides)
  let config = new Config(options.base ?? {}, configName)
  if (configName !== undefined) {
    const placed = composition.compose(configName)
    const primary = repository.load(configName)!
    config = new Config(options.base ?? {}, primary.file).merge(
      ...placed.map(({ file, package: pkg }) => wrap(file.content, pkg)),
    )
    // Settings of Hydra itself are no part of the task's config.
    if (config.has('hydra')) config.delete('hydra')
  } else if (groupOverrides.length > 0) {
    throw new OverrideError(
      `override "${groupOverrides[0]!.input}": config groups need a primary config (--config-name)`,
    )
  }
  applyOverrides(config, keyOverrides, options.isKnown === undefined ? {} : { isKnown: options.isKnown })
  return config
}
