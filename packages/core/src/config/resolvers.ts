import { type ConfigValue, isConfigObject } from './configValue.js'
import { resolveElementText } from './elementText.js'

/** What a resolver may ask of the config that its interpolation stands in. */
export interface ResolverContext {
  /** Full dotted path of the value that holds the interpolation. */
  readonly keyPath: string
  /** The resolved value at a key path; `undefined` if there is none or it is missing. A leading dot is relative. */
  select(path: string): ConfigValue | undefined
}

/**
 * Computes the value of `${name:arg,...}`.
 *
 * @param args - The arguments, already resolved: `${f:1,a,[2]}` gives `[1, 'a', [2]]`.
 */
export type Resolver = (args: readonly ConfigValue[], context: ResolverContext) => ConfigValue

function environment(args: readonly ConfigValue[]): { value: string | undefined; fallback: ConfigValue | undefined } {
  const [name, fallback] = args
  if (typeof name !== 'string' || args.length > 2) {
    throw new Error('expected the name of an environment variable and at most one default')
  }
  const value = globalThis.process?.env[name]
  if (value === undefined && args.length < 2) {
    throw new Error(
      `the environment variable ${name} is not set; set it, or give a default: \${oc.env:${name},DEFAULT}`,
    )
  }
  return { value, fallback }
}

/** The text that OmegaConf makes of a value inside a longer string: Python's spelling. */
export function textOfValue(value: ConfigValue): string {
  if (value === null) return 'None'
  if (value === true) return 'True'
  if (value === false) return 'False'
  if (typeof value === 'number') return textOfNumber(value)
  if (typeof value === 'string') return value
  const quoted = (item: ConfigValue): string =>
    typeof item === 'string' ? `'${item.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'` : textOfValue(item)
  if (Array.isArray(value)) return `[${value.map(quoted).join(', ')}]`
  return `{${Object.entries(value)
    .map(([key, item]) => `${quoted(key)}: ${quoted(item)}`)
    .join(', ')}}`
}

/** Python's shortest print of a number, except that a whole one has no `.0`: JavaScript has one kind of number. */
function textOfNumber(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
  if (value === 0) return '0'
  const [mantissa, power] = value.toExponential().split('e') as [string, string]
  const exponent = Number(power)
  if (exponent >= -4 && exponent < 16) return String(value)
  return `${mantissa}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`
}

const STARTED = new Date()

const pad = (value: number, width = 2): string => String(value).padStart(width, '0')

/** Formats the local time of process start by the usual `strftime` letters: `%Y-%m-%d_%H-%M-%S`. */
function formatTime(pattern: string, time: Date): string {
  const fields: Record<string, string> = {
    Y: pad(time.getFullYear(), 4),
    y: pad(time.getFullYear() % 100),
    m: pad(time.getMonth() + 1),
    d: pad(time.getDate()),
    H: pad(time.getHours()),
    M: pad(time.getMinutes()),
    S: pad(time.getSeconds()),
    f: pad(time.getMilliseconds() * 1000, 6),
    j: pad(Math.floor((time.getTime() - new Date(time.getFullYear(), 0, 1).getTime()) / 86_400_000) + 1, 3),
    '%': '%',
  }
  return pattern.replace(/%(.)/g, (whole, letter: string) => fields[letter] ?? whole)
}

function oneName(args: readonly ConfigValue[]): string {
  const [name] = args
  if (typeof name !== 'string' || args.length !== 1) throw new Error('expected one key path')
  return name
}

/** Every resolver that a config can use without registering it. */
const BUILT_IN: Record<string, Resolver> = {
  /** The environment variable as text, or the default as text. */
  'oc.env': (args) => {
    const { value, fallback } = environment(args)
    if (value !== undefined) return value
    return fallback === null || fallback === undefined ? null : textOfValue(fallback)
  },
  /** OmegaConf 2.0's form, which NeMo 1.0 uses: numbers, booleans and lists in the variable are read as such. */
  env: (args) => {
    const { value, fallback } = environment(args)
    return value === undefined ? (fallback ?? null) : resolveElementText(value)
  },
  'oc.decode': (args) => {
    const [text] = args
    if (args.length !== 1) throw new Error('expected one value to decode')
    if (text === null) return null
    if (typeof text !== 'string') throw new Error(`expected a string to decode, found ${JSON.stringify(text)}`)
    return resolveElementText(text)
  },
  'oc.create': (args) => {
    if (args.length !== 1) throw new Error('expected one value')
    return args[0]!
  },
  'oc.select': (args, context) => {
    const [path, fallback] = args
    if (typeof path !== 'string' || args.length > 2) throw new Error('expected a key path and at most one default')
    return context.select(path) ?? fallback ?? null
  },
  'oc.dict.keys': (args, context) => {
    const path = oneName(args)
    const value = context.select(path)
    if (!isConfigObject(value)) throw new Error(`"${path}" is no mapping`)
    return Object.keys(value)
  },
  'oc.dict.values': (args, context) => {
    const path = oneName(args)
    const value = context.select(path)
    if (!isConfigObject(value)) throw new Error(`"${path}" is no mapping`)
    return Object.values(value)
  },
  /** `${now:%Y-%m-%d}`: when this process started, in local time. */
  now: (args) => {
    const [pattern = '%Y-%m-%d_%H-%M-%S'] = args
    // Commas and colons are separators of the grammar, so a format may arrive in several pieces.
    return formatTime(args.length > 1 ? args.map(textOfValue).join(',') : textOfValue(pattern), STARTED)
  },
  /** The parts of `${hydra:...}` that mean something without Hydra. */
  hydra: (args) => {
    const name = oneName(args)
    if (name === 'runtime.cwd') return process.cwd()
    throw new Error(`"hydra:${name}" does not exist here; known: hydra:runtime.cwd`)
  },
}

const registered = new Map<string, Resolver>(Object.entries(BUILT_IN))

/**
 * Adds a resolver for `${name:...}` to every config of this process, as `OmegaConf.register_new_resolver` does.
 *
 * @param options.replace - Accept a name that is taken. Default false.
 * @throws Error if the name is taken or no identifier (parts joined by dots).
 */
export function registerResolver(name: string, resolver: Resolver, { replace = false } = {}): void {
  if (!/^[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*$/.test(name)) {
    throw new Error(`resolver name "${name}" must be identifiers joined by dots`)
  }
  if (registered.has(name) && !replace) {
    throw new Error(`a resolver "${name}" is registered already; pass { replace: true } to put another in its place`)
  }
  registered.set(name, resolver)
}

/** The resolver registered under `name`, if any. */
export function findResolver(name: string): Resolver | undefined {
  return registered.get(name)
}

/** All registered resolver names. */
export function resolverNames(): string[] {
  return [...registered.keys()]
}
