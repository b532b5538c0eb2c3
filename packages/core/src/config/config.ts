import {
  type ConfigObject,
  type ConfigScalar,
  type ConfigValue,
  cloneConfigValue,
  describeConfigValue,
  getOwn,
  isConfigObject,
  MISSING,
  setOwn,
} from './configValue.js'
import { ConfigError, ConfigKeyError, InterpolationError, MissingValueError } from './errors.js'
import { hasInterpolation, parseInterpolatedText } from './interpolation.js'
import { formatKeyPath, parseKeyPath } from './keyPath.js'
import { loadYaml } from './loadYaml.js'
import { mergeInto } from './mergeConfigs.js'
import { nearestNames } from './nearestName.js'
import { parseYaml } from './parseYaml.js'
import { findResolver, type ResolverContext, resolverNames, textOfValue } from './resolvers.js'
import { stringifyYaml } from './stringifyYaml.js'
import type { InterpolationNode, TextPart, ValueNode } from './valueGrammar.js'

// Interpolations of untrusted files must not fill the memory: each step could double a text or a tree.
const MAX_TEXT = 1_000_000
const MAX_VALUES = 1_000_000

/** A value together with the place it stands at, which is what relative interpolations inside it refer to. */
interface Located {
  readonly value: ConfigValue
  /** Keys from the root; `undefined` for a value that a resolver made, which is final. */
  readonly keys: readonly string[] | undefined
}

/** A config value read lazily: mappings and lists have getters that resolve when touched. */
export type ConfigView = ConfigScalar | readonly ConfigView[] | { readonly [key: string]: ConfigView }

/**
 * A hierarchical config with OmegaConf's semantics: interpolations resolve when read, `???` raises when read.
 *
 * ```ts
 * const cfg = Config.load('conf/quartznet.yaml')
 * cfg.get('model.optim.lr')
 * cfg.set('trainer.max_epochs', 5)
 * ```
 */
export class Config {
  /** Where the config came from, for messages. */
  readonly source: string | undefined
  private readonly root: ConfigObject
  private settled = new Map<string, Located>()
  private readonly resolving: string[] = []

  /**
   * @param root - The tree as written; copied.
   * @param source - Where it came from, for messages.
   */
  constructor(root: ConfigObject = {}, source?: string) {
    this.root = cloneConfigValue(root)
    this.source = source
  }

  /** Reads a YAML file. See {@link loadYaml} for errors. */
  static load(path: string): Config {
    return new Config(loadYaml(path), path)
  }

  /** Reads YAML text whose top level is a mapping. @throws ConfigSyntaxError */
  static fromYaml(text: string, source = '<string>'): Config {
    const value = parseYaml(text, source)
    if (value !== null && !isConfigObject(value)) {
      throw new ConfigKeyError('', `${source}: the top level must be a mapping, found ${describeConfigValue(value)}`)
    }
    return new Config(value ?? {}, source)
  }

  /** The tree as written, interpolations and `???` unresolved. A copy. */
  raw(): ConfigObject {
    return cloneConfigValue(this.root)
  }

  /**
   * The value at a key path. Scalars come resolved; mappings and lists come as views that resolve when read.
   *
   * @throws ConfigKeyError if there is no such key; MissingValueError for `???`; InterpolationError.
   */
  get(path: string): ConfigView {
    const keys = parseKeyPath(path)
    return this.read(this.locate(keys, path))
  }

  /** The value at a key path, or `fallback` where there is none or it is `???`. Interpolation errors still raise. */
  select(path: string): ConfigView | undefined
  select<T>(path: string, fallback: T): ConfigView | T
  select(path: string, fallback?: unknown): unknown {
    const found = this.find(parseKeyPath(path))
    if (found === undefined) return fallback
    const { value } = found
    return value === MISSING && found.keys !== undefined ? fallback : this.read(found)
  }

  /** True if the key exists, whatever its value. */
  has(path: string): boolean {
    return this.find(parseKeyPath(path)) !== undefined
  }

  /** True if the key exists and its value, after interpolation, is `???`. */
  isMissing(path: string): boolean {
    const found = this.find(parseKeyPath(path))
    return found !== undefined && found.keys !== undefined && found.value === MISSING
  }

  /** Key paths of all values written `???`, in order. */
  missingKeys(): string[] {
    const missing: string[] = []
    const walk = (value: ConfigValue, keys: readonly string[]): void => {
      if (value === MISSING) missing.push(formatKeyPath(keys))
      else if (Array.isArray(value)) for (const [index, item] of value.entries()) walk(item, [...keys, String(index)])
      else if (isConfigObject(value)) for (const [key, item] of Object.entries(value)) walk(item, [...keys, key])
    }
    walk(this.root, [])
    return missing
  }

  /** The whole config as a view: `cfg.view().model.optim.lr`. Reading a `???` raises; unknown keys are `undefined`. */
  view(): { readonly [key: string]: ConfigView } {
    return this.read({ value: this.root, keys: [] }) as { readonly [key: string]: ConfigView }
  }

  /**
   * The config as plain objects.
   *
   * @param options.resolve - Replace interpolations by their values. Default true.
   * @param options.throwOnMissing - Raise for the first `???`. Default false: it stays, also where it is interpolated.
   */
  toObject({
    resolve = true,
    throwOnMissing = false,
  }: {
    resolve?: boolean
    throwOnMissing?: boolean
  } = {}): ConfigObject {
    if (throwOnMissing) {
      const [first] = this.missingKeys()
      if (first !== undefined) this.failMissing(first)
    }
    return resolve ? (this.expand({ value: this.root, keys: [] }, true) as ConfigObject) : this.raw()
  }

  /** The resolved plain value at a key path, or `undefined` if there is no such key. `???` stays. */
  valueAt(path: string): ConfigValue | undefined {
    const found = this.find(parseKeyPath(path))
    return found === undefined ? undefined : this.expand(found, true)
  }

  /**
   * The resolved mapping at a key path: `config.section('model')` is what models are made from.
   *
   * @throws ConfigKeyError if there is no such key, or no mapping at it.
   */
  section(path: string): ConfigObject {
    const value = this.valueAt(path)
    if (isConfigObject(value)) return value
    if (value !== undefined)
      throw new ConfigKeyError(path, `${path}: expected a mapping, found ${JSON.stringify(value)}`)
    const keys = Object.keys(this.root)
    throw new ConfigKeyError(path, `${path}: the config has no such key; it has ${keys.join(', ') || 'none'}`)
  }

  /** The plain value at a key path as written, or `undefined` if there is no such key. Follows no interpolation. */
  rawAt(path: string): ConfigValue | undefined {
    let place: Located | undefined = { value: this.root, keys: [] }
    for (const key of parseKeyPath(path)) place = place && child(place, key)
    return place && cloneConfigValue(place.value)
  }

  /** The config as YAML. Interpolations are replaced unless `resolve` is false; `???` stays. */
  toYaml({ resolve = true }: { resolve?: boolean } = {}): string {
    return stringifyYaml(this.toObject({ resolve }))
  }

  /**
   * Sets the value at a key path.
   *
   * @param options.add - Create keys that do not exist. Default false: an unknown key raises.
   * @param options.merge - Merge a mapping into the one that is there instead of replacing it. Default false.
   * @throws ConfigKeyError naming the nearest known key.
   */
  set(path: string, value: ConfigValue, { add = false, merge = false }: { add?: boolean; merge?: boolean } = {}): void {
    const keys = parseKeyPath(path)
    const last = keys.at(-1)
    if (last === undefined) throw new ConfigKeyError(path, 'the key path is empty')
    const parent = this.container(keys.slice(0, -1), path, add)
    if (Array.isArray(parent)) {
      const index = /^\d+$/.test(last) ? Number(last) : Number.NaN
      if (!(index < parent.length || (add && index === parent.length))) {
        throw new ConfigKeyError(path, `${path}: the list has ${parent.length} items, there is no item ${last}`)
      }
      parent[index] = this.merged(parent[index], value, keys, merge)
    } else {
      const current = getOwn(parent, last)
      if (current === undefined && !add) this.failUnknown(keys, keys.length - 1, path, Object.keys(parent))
      setOwn(parent, last, this.merged(current, value, keys, merge))
    }
    this.settled.clear()
  }

  /** Deletes the key. @throws ConfigKeyError if it does not exist. */
  delete(path: string): void {
    const keys = parseKeyPath(path)
    const last = keys.at(-1)
    if (last === undefined) throw new ConfigKeyError(path, 'the key path is empty')
    const parent = this.container(keys.slice(0, -1), path, false)
    if (Array.isArray(parent)) {
      if (!/^\d+$/.test(last) || Number(last) >= parent.length) {
        throw new ConfigKeyError(path, `${path}: the list has ${parent.length} items, there is no item ${last}`)
      }
      parent.splice(Number(last), 1)
    } else {
      if (!Object.hasOwn(parent, last)) this.failUnknown(keys, keys.length - 1, path, Object.keys(parent))
      delete parent[last]
    }
    this.settled.clear()
  }

  /** A new config: this one with others merged over it, as `OmegaConf.merge` does. */
  merge(...others: readonly (Config | ConfigObject)[]): Config {
    const result = new Config(this.root, this.source)
    for (const other of others) {
      mergeInto(result.root, other instanceof Config ? other.root : other, (keys) => result.dereference(keys))
      result.settled.clear()
    }
    return result
  }

  private dereference(keys: readonly string[]): ConfigObject | undefined {
    this.settled.clear()
    const found = this.find(keys)
    return found !== undefined && isConfigObject(found.value) ? found.value : undefined
  }

  private merged(
    current: ConfigValue | undefined,
    value: ConfigValue,
    keys: readonly string[],
    merge: boolean,
  ): ConfigValue {
    if (!merge || !isConfigObject(value) || current === undefined) return cloneConfigValue(value)
    const holder: ConfigObject = { value: current }
    mergeInto(holder, { value }, () => this.dereference(keys))
    return holder.value!
  }

  /** The mapping or list at `keys`, made on the way if `add`. An interpolation on the way is replaced by a copy. */
  private container(keys: readonly string[], path: string, add: boolean): ConfigObject | ConfigValue[] {
    let node: ConfigObject | ConfigValue[] = this.root
    keys.forEach((key, depth) => {
      const holder: ConfigObject | ConfigValue[] = node
      let next = Array.isArray(holder) ? holder[/^\d+$/.test(key) ? Number(key) : -1] : getOwn(holder, key)
      if (hasInterpolation(next)) {
        const target = this.find(keys.slice(0, depth + 1))?.value
        if (target !== undefined && typeof target === 'object' && target !== null) {
          next = cloneConfigValue(target)
          if (Array.isArray(holder)) holder[Number(key)] = next
          else setOwn(holder, key, next)
          this.settled.clear()
        }
      }
      if (typeof next !== 'object' || next === null) {
        const replaceable = next === undefined || next === null || next === MISSING
        if (!add || !replaceable || Array.isArray(holder)) {
          if (next === undefined) {
            this.failUnknown(keys, depth, path, Array.isArray(holder) ? [] : Object.keys(holder))
          }
          const at = formatKeyPath(keys.slice(0, depth + 1))
          throw new ConfigKeyError(
            path,
            `${path}: "${at}" is ${describeConfigValue(next)}, which cannot hold a key; set "${at}" itself first`,
          )
        }
        next = {}
        setOwn(holder, key, next)
      }
      node = next
    })
    return node
  }

  /** The place at `keys` with interpolations followed, or `undefined` where a key does not exist. */
  private find(keys: readonly string[]): Located | undefined {
    let place: Located = { value: this.root, keys: [] }
    for (const key of keys) {
      const next = child(place, key)
      if (next === undefined) return undefined
      place = this.settle(next)
    }
    return place
  }

  private locate(keys: readonly string[], path: string): Located {
    let place: Located = { value: this.root, keys: [] }
    for (const [depth, key] of keys.entries()) {
      if (place.value === MISSING && place.keys !== undefined) this.failMissing(formatKeyPath(place.keys))
      const next = child(place, key)
      if (next === undefined) {
        this.failUnknown(keys, depth, path, isConfigObject(place.value) ? Object.keys(place.value) : [], place.value)
      }
      place = this.settle(next)
    }
    if (place.value === MISSING && place.keys !== undefined) this.failMissing(path, formatKeyPath(place.keys))
    return place
  }

  /** Follows interpolations until the place holds a value. */
  private settle(place: Located): Located {
    let current = place
    while (current.keys !== undefined && hasInterpolation(current.value)) {
      const path = formatKeyPath(current.keys)
      const known = this.settled.get(path)
      if (known !== undefined) return known
      if (this.resolving.includes(path)) {
        const circle = [...this.resolving.slice(this.resolving.indexOf(path)), path].join(' -> ')
        throw new InterpolationError(path, `${path}: interpolations run in a circle: ${circle}`)
      }
      this.resolving.push(path)
      try {
        const found: Located = this.settle(this.evaluate(current.value, current.keys))
        this.settled.set(path, found)
        current = found
      } catch (error) {
        if (error instanceof RangeError) {
          throw new InterpolationError(path, `${path}: interpolations are nested too deeply`, { cause: error })
        }
        throw error
      } finally {
        this.resolving.pop()
      }
      return current
    }
    return current
  }

  private settleOrMissing(place: Located): Located {
    try {
      return this.settle(place)
    } catch (error) {
      if (error instanceof MissingValueError) return { value: MISSING, keys: place.keys }
      throw error
    }
  }

  private evaluate(text: string, keys: readonly string[]): Located {
    const path = formatKeyPath(keys)
    const parts = parseInterpolatedText(text, path)
    const only = parts[0]
    if (parts.length === 1 && only !== undefined && typeof only !== 'string') return this.interpolate(only, keys)
    return { value: this.concatenate(parts, keys), keys: undefined }
  }

  private concatenate(parts: readonly TextPart[], keys: readonly string[]): string {
    let text = ''
    for (const part of parts) {
      if (typeof part === 'string') text += part
      else text += textOfValue(this.expand(this.interpolate(part, keys)))
      if (text.length > MAX_TEXT) {
        const path = formatKeyPath(keys)
        throw new InterpolationError(path, `${path}: the interpolated text is longer than ${MAX_TEXT} characters`)
      }
    }
    return text
  }

  private interpolate(node: InterpolationNode, keys: readonly string[]): Located {
    const path = formatKeyPath(keys)
    const fail = (message: string, options?: ErrorOptions): never => {
      throw new InterpolationError(path, `${path === '' ? '' : `${path}: `}${node.raw}: ${message}`, options)
    }
    if (node.kind === 'resolver') {
      const name = this.concatenate(node.name, keys)
      const resolver = findResolver(name)
      if (resolver === undefined) {
        const near = nearestNames(name, resolverNames())[0]
        return fail(
          `there is no resolver "${name}"${near === undefined ? '' : `; did you mean "${near}"?`} (known: ${resolverNames().join(', ')})`,
        )
      }
      const args = node.args.map((arg) => this.argument(arg, keys))
      const context: ResolverContext = {
        keyPath: path,
        select: (target) => {
          const { base, rest } = this.relative(target, keys, fail)
          const found = this.find([...base, ...parseKeyPath(rest)])
          return found === undefined || (found.value === MISSING && found.keys !== undefined)
            ? undefined
            : this.expand(found)
        },
      }
      try {
        return { value: resolver(args, context), keys: undefined }
      } catch (error) {
        if (error instanceof ConfigError) throw error
        return fail((error as Error).message, { cause: error })
      }
    }
    const written = '.'.repeat(node.dots) + this.concatenate(node.path, keys)
    const { base, rest } = this.relative(written, keys, fail)
    let place: Located = { value: this.root, keys: [] }
    const target = [...base, ...parseKeyPath(rest)]
    for (const [depth, key] of target.entries()) {
      if (place.value === MISSING && place.keys !== undefined) {
        this.failMissing(formatKeyPath(place.keys), undefined, path)
      }
      const next = child(place, key)
      if (next === undefined) {
        const at = formatKeyPath(target.slice(0, depth + 1))
        if (typeof place.value !== 'object' || place.value === null) {
          return fail(
            `"${formatKeyPath(target.slice(0, depth))}" is ${describeConfigValue(place.value)}, which has no keys`,
          )
        }
        const [near] = nearestNames(key, Object.keys(place.value))
        const hint = near === undefined ? '' : `; did you mean "${formatKeyPath([...target.slice(0, depth), near])}"?`
        return fail(`there is no key "${at}"${hint}`)
      }
      place = this.settle(next)
    }
    if (place.value === MISSING && place.keys !== undefined) {
      this.failMissing(formatKeyPath(place.keys), undefined, path)
    }
    return place
  }

  /** Splits `..a.b` at the value `keys` into the keys that the dots stand for and the path after them. */
  private relative(
    written: string,
    keys: readonly string[],
    fail: (message: string) => never,
  ): { base: readonly string[]; rest: string } {
    const dots = /^\.*/.exec(written)![0].length
    if (dots === 0) return { base: [], rest: written }
    if (dots > keys.length) return fail(`${dots} leading dots lead out of the config`)
    return { base: keys.slice(0, keys.length - dots), rest: written.slice(dots) }
  }

  private argument(node: ValueNode, keys: readonly string[]): ConfigValue {
    switch (node.kind) {
      case 'scalar':
        return node.value
      case 'text': {
        const only = node.parts[0]
        if (node.quote === undefined && node.parts.length === 1 && typeof only === 'object') {
          return this.expand(this.interpolate(only, keys))
        }
        return this.concatenate(node.parts, keys)
      }
      case 'list':
        return node.items.map((item) => this.argument(item, keys))
      case 'dict': {
        const map: ConfigObject = {}
        for (const { key, value } of node.entries) setOwn(map, key, this.argument(value, keys))
        return map
      }
      case 'call':
        throw new InterpolationError(formatKeyPath(keys), `${node.name}(...) cannot stand in an interpolation`)
    }
  }

  /** A plain copy with every interpolation inside replaced. `keepMissing`: those that lead to `???` become `???`. */
  private expand(place: Located, keepMissing = false): ConfigValue {
    let count = 0
    const open = new Set<object>()
    const walk = (unsettled: Located): ConfigValue => {
      const { value, keys } = keepMissing ? this.settleOrMissing(unsettled) : this.settle(unsettled)
      count += 1
      if (count > MAX_VALUES) {
        const path = formatKeyPath(place.keys ?? [])
        throw new InterpolationError(path, `${path}: interpolations expand to more than ${MAX_VALUES} values`)
      }
      if (typeof value !== 'object' || value === null) return value
      if (open.has(value)) {
        const path = formatKeyPath(keys ?? [])
        throw new InterpolationError(path, `${path}: contains itself through an interpolation`)
      }
      open.add(value)
      const below = (key: string): readonly string[] | undefined => keys && [...keys, key]
      let copy: ConfigValue
      if (Array.isArray(value)) {
        copy = value.map((item, index) => walk({ value: item, keys: below(String(index)) }))
      } else {
        copy = {}
        for (const [key, item] of Object.entries(value)) setOwn(copy, key, walk({ value: item, keys: below(key) }))
      }
      open.delete(value)
      return copy
    }
    return walk(place)
  }

  private read(unsettled: Located): ConfigView {
    const place = this.settle(unsettled)
    const { value, keys } = place
    if (value === MISSING && keys !== undefined) {
      this.failMissing(formatKeyPath(unsettled.keys ?? keys), formatKeyPath(keys))
    }
    if (typeof value !== 'object' || value === null) return value
    const view: object = Array.isArray(value) ? new Array(value.length) : {}
    for (const key of Object.keys(value)) {
      let cached: { view: ConfigView } | undefined
      Object.defineProperty(view, key, {
        enumerable: true,
        get: (): ConfigView => {
          cached ??= { view: this.read(child(place, key)!) }
          return cached.view
        },
      })
    }
    return view as ConfigView
  }

  private failMissing(path: string, origin = path, needed?: string): never {
    const where = this.source === undefined ? '' : ` in ${this.source}`
    const via = origin === path ? '' : ` (it refers to ${origin})`
    const by = needed === undefined ? '' : `, needed by ${needed},`
    throw new MissingValueError(
      origin,
      `${path}${via}${by} is mandatory and has no value (???)${where}; set it in the config or give ${origin}=VALUE on the command line`,
    )
  }

  private failUnknown(
    keys: readonly string[],
    depth: number,
    path: string,
    known: readonly string[],
    parent?: ConfigValue,
  ): never {
    const where = this.source === undefined ? '' : ` in ${this.source}`
    if (parent !== undefined && (typeof parent !== 'object' || parent === null)) {
      const holder = formatKeyPath(keys.slice(0, depth))
      throw new ConfigKeyError(
        path,
        `${path}: "${holder}" is ${describeConfigValue(parent)}, which has no keys${where}`,
      )
    }
    const [near] = nearestNames(keys[depth]!, known)
    const at = formatKeyPath(keys.slice(0, depth + 1))
    let hint =
      known.length === 0 ? '' : `; known here: ${known.slice(0, 12).join(', ')}${known.length > 12 ? ', ...' : ''}`
    if (near !== undefined)
      hint = `; did you mean "${formatKeyPath([...keys.slice(0, depth), near, ...keys.slice(depth + 1)])}"?`
    throw new ConfigKeyError(path, `there is no key "${at}"${where}${hint}`)
  }
}

/** The value under `key`, or `undefined`. Lists take whole numbers. */
function child(place: Located, key: string): Located | undefined {
  const { value, keys } = place
  let item: ConfigValue | undefined
  if (Array.isArray(value)) item = /^\d+$/.test(key) ? value[Number(key)] : undefined
  else if (isConfigObject(value)) item = getOwn(value, key)
  return item === undefined ? undefined : { value: item, keys: keys && [...keys, key] }
}
