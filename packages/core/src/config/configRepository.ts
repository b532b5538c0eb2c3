import { type ConfigObject, type ConfigValue, isConfigObject } from './configValue.js'
import { ConfigCompositionError } from './errors.js'
import { loadYaml } from './loadYaml.js'
import { nodeModule } from './nodeModule.js'

/** One entry of a config's `defaults` list. */
export type DefaultsEntry =
  | { readonly kind: 'self' }
  | { readonly kind: 'config'; readonly path: string; readonly package: string | undefined; readonly optional: boolean }
  | {
      readonly kind: 'group'
      readonly group: string
      /** The chosen option, several, none (`null`), or `???`. */
      readonly value: string | readonly string[] | null
      readonly package: string | undefined
      readonly optional: boolean
      /** `override group: option` changes an entry made elsewhere. */
      readonly override: boolean
    }

/** A config file of the search path, split into its parts. */
export interface ConfigFile {
  /** File path. */
  readonly file: string
  /** Content without the `defaults` list. */
  readonly content: ConfigObject
  readonly defaults: readonly DefaultsEntry[]
  /** The `# @package NAME` line's name, if there is one. */
  readonly packageHeader: string | undefined
}

/** The folders in which configs and config groups are looked for, first match wins. */
export class ConfigRepository {
  readonly searchPath: readonly string[]
  private readonly files = new Map<string, ConfigFile | undefined>()

  constructor(searchPath: readonly string[]) {
    const { resolve } = nodeModule('node:path')
    this.searchPath = searchPath.map((folder) => resolve(folder))
  }

  /** True if `group` is a folder of the search path. */
  hasGroup(group: string): boolean {
    const { statSync } = nodeModule('node:fs')
    return this.searchPath.some((folder) => {
      const path = this.inside(folder, group)
      return path !== undefined && group !== '' && statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
    })
  }

  /** Names of the configs in a group, sorted, without extension. */
  options(group: string): string[] {
    const { existsSync, readdirSync, statSync } = nodeModule('node:fs')
    const names = new Set<string>()
    for (const folder of this.searchPath) {
      const path = this.inside(folder, group)
      if (path === undefined || !existsSync(path) || !statSync(path).isDirectory()) continue
      for (const entry of readdirSync(path, { withFileTypes: true })) {
        const name = /^(.+)\.ya?ml$/.exec(entry.name)?.[1]
        if (name !== undefined && !entry.isDirectory()) names.add(name)
      }
    }
    return [...names].sort()
  }

  /** Reads the config `path` (`db/mysql`, with or without `.yaml`), or `undefined` if there is none. */
  load(path: string): ConfigFile | undefined {
    const { existsSync } = nodeModule('node:fs')
    const name = path.replace(/\.ya?ml$/, '')
    if (this.files.has(name)) return this.files.get(name)
    let found: ConfigFile | undefined
    for (const folder of this.searchPath) {
      const file = ['.yaml', '.yml']
        .map((extension) => this.inside(folder, name + extension))
        .find((candidate) => candidate !== undefined && existsSync(candidate))
      if (file !== undefined) {
        found = readConfigFile(file)
        break
      }
    }
    this.files.set(name, found)
    return found
  }

  /** `path` in `folder`, or `undefined` if it leads out of it. */
  private inside(folder: string, path: string): string | undefined {
    const { isAbsolute, join, sep } = nodeModule('node:path')
    if (isAbsolute(path)) return undefined
    const joined = join(folder, path)
    return joined === folder || joined.startsWith(folder.endsWith(sep) ? folder : folder + sep) ? joined : undefined
  }
}

function readConfigFile(file: string): ConfigFile {
  const { defaults, ...content } = loadYaml(file)
  return { file, content, defaults: parseDefaults(file, defaults), packageHeader: readPackageHeader(file) }
}

function readPackageHeader(file: string): string | undefined {
  for (const line of nodeModule('node:fs').readFileSync(file, 'utf8').split('\n')) {
    const text = line.trim()
    if (text === '') continue
    if (!text.startsWith('#')) return undefined
    const header = /^#\s*@package\s+(\S+)\s*$/.exec(text)
    if (header !== null) return header[1]
  }
  return undefined
}

function parseDefaults(file: string, defaults: ConfigValue | undefined): DefaultsEntry[] {
  if (defaults === undefined || defaults === null) return []
  if (!Array.isArray(defaults)) {
    throw new ConfigCompositionError(`${file}: "defaults" must be a list, found ${JSON.stringify(defaults)}`)
  }
  const fail = (item: ConfigValue, what: string): never => {
    throw new ConfigCompositionError(
      `${file}: defaults entry ${JSON.stringify(item)}: ${what}; write "- group: option", "- config" or "- _self_"`,
    )
  }
  let seenSelf = false
  return defaults.map((item): DefaultsEntry => {
    if (typeof item === 'string') {
      if (item === '_self_') {
        if (seenSelf) fail(item, '_self_ stands twice')
        seenSelf = true
        return { kind: 'self' }
      }
      const { name, package: pkg, optional } = splitEntry(item)
      return { kind: 'config', path: name, package: pkg, optional }
    }
    if (!isConfigObject(item)) return fail(item, 'is neither a name nor a mapping')
    // Hydra 1.0 wrote `- db: mysql` with `optional: true` beside it.
    const { optional: legacyOptional, ...groups } = item
    const single = Object.keys(groups).length === 0 ? item : groups
    const [entry, ...more] = Object.entries(single)
    if (entry === undefined || more.length > 0) return fail(item, 'must name exactly one group')
    const [key, value] = entry
    const { name, package: pkg, optional, override } = splitEntry(key)
    const legal =
      value === null ||
      typeof value === 'string' ||
      (Array.isArray(value) && value.every((option) => typeof option === 'string'))
    if (!legal) return fail(item, 'the option must be a name, a list of names or null')
    return {
      kind: 'group',
      group: name,
      value: value as string | string[] | null,
      package: pkg,
      optional: optional || (single !== item && legacyOptional === true),
      override,
    }
  })
}

/** Splits `optional override group@package`. */
function splitEntry(text: string): { name: string; package: string | undefined; optional: boolean; override: boolean } {
  const words = text.trim().split(/\s+/)
  const last = words.pop()!
  const at = last.indexOf('@')
  return {
    name: at < 0 ? last : last.slice(0, at),
    package: at < 0 ? undefined : last.slice(at + 1),
    optional: words.includes('optional'),
    override: words.includes('override'),
  }
}
