import { CommandLineError } from './errors.js'
import { nearestNames } from './nearestName.js'
import { type Override, parseOverride } from './override.js'

/** The type of a flag's value. `path` is a string that the help shows as `PATH`. */
export type FlagType = 'string' | 'path' | 'number' | 'integer' | 'boolean'

/** Declares one `--flag` of a recipe. */
export interface FlagDeclaration {
  readonly type: FlagType
  /** One line for `--help`. */
  readonly help: string
  /** The value without the flag. Default `undefined`; `false` for a boolean. */
  readonly default?: string | number | boolean
  /** The only values allowed. */
  readonly choices?: readonly (string | number)[]
  /** Raise if the flag is not given. Default false. */
  readonly required?: boolean
}

/** A recipe's flags by name, in `snake_case`: `{ data_dir: { type: 'path', help: '...' } }`. */
export type FlagDeclarations = Readonly<Record<string, FlagDeclaration>>

type BaseValue<T extends FlagType> = T extends 'string' | 'path' ? string : T extends 'boolean' ? boolean : number
type IsGiven<D extends FlagDeclaration> = D extends { required: true } | { default: string | number | boolean }
  ? true
  : D extends { type: 'boolean' }
    ? true
    : false

/** The values that a recipe gets for its flags. */
export type FlagValues<F extends FlagDeclarations> = {
  readonly [K in keyof F]: IsGiven<F[K]> extends true ? BaseValue<F[K]['type']> : BaseValue<F[K]['type']> | undefined
}

/** A parsed command line. */
export interface CommandLine<F extends FlagDeclarations = FlagDeclarations> {
  readonly overrides: readonly Override[]
  readonly flags: FlagValues<F>
  readonly configName: string | undefined
  readonly configPath: string | undefined
  /** More folders with configs: every `--config-dir`. */
  readonly configDirs: readonly string[]
  /** `--cfg job`: print the composed config and stop. */
  readonly cfg: 'job' | undefined
  /** `--resolve`, with `--cfg`: replace interpolations. */
  readonly resolve: boolean
  /** `--package a.b`, with `--cfg`: print only this part. */
  readonly package: string | undefined
  readonly multirun: boolean
  readonly help: boolean
}

interface Builtin {
  readonly short?: string
  readonly value?: string
  readonly help: string
}

const BUILTIN: Record<string, Builtin> = {
  help: { short: '-h', help: 'show this help' },
  'config-name': { short: '-cn', value: 'NAME', help: 'use another config file' },
  'config-path': { short: '-cp', value: 'DIR', help: 'look for configs in another folder' },
  'config-dir': { short: '-cd', value: 'DIR', help: 'look for configs in this folder too' },
  cfg: { short: '-c', value: 'job', help: 'print the composed config instead of running' },
  resolve: { help: 'with --cfg: print values in place of interpolations' },
  package: { short: '-p', value: 'KEY', help: 'with --cfg: print only this part of the config' },
  run: { help: 'run once (the default)' },
  multirun: { short: '-m', help: 'run once for each combination of a=1,2 b=x,y' },
}

const SHORT = new Map(Object.entries(BUILTIN).flatMap(([name, { short }]) => (short ? [[short, name] as const] : [])))

/** `--data-dir` and `--data_dir` are the same flag. */
const normalise = (name: string): string => name.replaceAll('-', '_')

/**
 * Parses a recipe's command line: Hydra's flags, the recipe's own, and overrides (`key=value`). A flag's value may
 * follow it or an `=`; boolean flags also exist as `--no-FLAG`; after `--` everything is an override.
 *
 * ```ts
 * const { flags, overrides } = parseCommandLine(process.argv.slice(2), { data_dir: { type: 'path', help: 'corpus' } })
 * ```
 *
 * @throws CommandLineError naming the flag and the nearest known one; OverrideError.
 */
export function parseCommandLine<const F extends FlagDeclarations>(argv: readonly string[], flags: F): CommandLine<F> {
  const declared = new Map(Object.entries(flags).map(([name, declaration]) => [normalise(name), { name, declaration }]))
  const values: Record<string, string | number | boolean | undefined> = {}
  const given = new Set<string>()
  const builtin: Record<string, string | true> = {}
  const configDirs: string[] = []
  const overrides: Override[] = []
  let index = 0

  const takeValue = (flag: string, inline: string | undefined): string => {
    if (inline !== undefined) return inline
    const next = argv[index]
    const missing = next === undefined || (/^--?[A-Za-z]/.test(next) && !/^-\d/.test(next))
    if (missing) throw new CommandLineError(`${flag} needs a value: ${flag} VALUE`)
    index += 1
    return next
  }

  while (index < argv.length) {
    const word = argv[index]!
    index += 1
    if (word === '--') {
      for (const rest of argv.slice(index)) overrides.push(parseOverride(rest))
      break
    }
    if (!word.startsWith('-') || /^-\d/.test(word)) {
      overrides.push(parseWord(word))
      continue
    }
    const [, flag, inline] = /^(--?[^=]*)(?:=([\s\S]*))?$/.exec(word) as unknown as [string, string, string | undefined]
    const long = flag.startsWith('--') ? flag.slice(2) : SHORT.get(flag)
    const name = normalise(long ?? flag)
    const own = declared.get(name)
    const hydra = BUILTIN[name.replaceAll('_', '-')]
    if (own !== undefined) {
      given.add(own.name)
      if (own.declaration.type === 'boolean') {
        values[own.name] = inline === undefined ? true : parseFlag(flag, own.declaration, inline)
      } else values[own.name] = parseFlag(flag, own.declaration, takeValue(flag, inline))
    } else if (hydra !== undefined) {
      if (hydra.value === undefined) {
        if (inline !== undefined) throw new CommandLineError(`${flag} takes no value, found "${inline}"`)
        builtin[name] = true
      } else {
        const value = takeValue(flag, inline)
        if (name === 'config_dir') configDirs.push(value)
        builtin[name] = value
      }
    } else {
      const negated = declared.get(name.replace(/^no_/, ''))
      if (negated?.declaration.type === 'boolean' && name.startsWith('no_')) {
        values[negated.name] = false
        given.add(negated.name)
        continue
      }
      const known = [...declared.keys(), ...Object.keys(BUILTIN)]
      const [near] = nearestNames(name, known)
      const hint = near === undefined ? '' : `; did you mean --${near}?`
      throw new CommandLineError(`unknown flag ${flag}${hint} See --help. Config values are given as key=value`)
    }
  }

  if (builtin.cfg !== undefined && builtin.cfg !== 'job') {
    throw new CommandLineError(`--cfg prints "job", found "${builtin.cfg}"`)
  }
  for (const [name, declaration] of Object.entries(flags)) {
    if (given.has(name)) continue
    if (declaration.required && builtin.help === undefined) {
      throw new CommandLineError(`--${name} is required (${declaration.help})`)
    }
    values[name] = declaration.default ?? (declaration.type === 'boolean' ? false : undefined)
  }
  const text = (name: string): string | undefined => (typeof builtin[name] === 'string' ? builtin[name] : undefined)
  return {
    overrides,
    flags: values as FlagValues<F>,
    configName: text('config_name'),
    configPath: text('config_path'),
    configDirs,
    cfg: builtin.cfg === 'job' ? 'job' : undefined,
    resolve: builtin.resolve === true,
    package: text('package'),
    multirun: builtin.multirun === true,
    help: builtin.help === true,
  }
}

function parseWord(word: string): Override {
  if (!word.includes('=') && !word.startsWith('~')) {
    throw new CommandLineError(
      `"${word}" is neither a flag nor an override; write --FLAG VALUE, key=value, +key=value or ~key`,
    )
  }
  return parseOverride(word)
}

function parseFlag(flag: string, { type, choices }: FlagDeclaration, text: string): string | number | boolean {
  const fail = (expected: string): never => {
    throw new CommandLineError(`${flag}: expected ${expected}, found "${text}"`)
  }
  let value: string | number | boolean = text
  if (type === 'number' || type === 'integer') {
    value = Number(text)
    if (text.trim() === '' || Number.isNaN(value)) return fail(type === 'integer' ? 'a whole number' : 'a number')
    if (type === 'integer' && !Number.isSafeInteger(value)) return fail('a whole number')
  } else if (type === 'boolean') {
    if (!/^(?:true|false)$/i.test(text)) return fail('true or false')
    value = text.toLowerCase() === 'true'
  }
  if (choices !== undefined && !choices.includes(value as string | number)) {
    const [near] = nearestNames(text, choices.map(String))
    return fail(`one of ${choices.join(', ')}${near === undefined ? '' : ` (did you mean ${near}?)`}`)
  }
  return value
}

const METAVARS: Record<FlagType, string> = {
  string: 'TEXT',
  path: 'PATH',
  number: 'NUMBER',
  integer: 'N',
  boolean: '',
}

/**
 * The text of `--help`.
 *
 * @param usage - How the recipe is called, for the first line.
 * @param description - What it does.
 */
export function formatHelp(usage: string, description: string, flags: FlagDeclarations): string {
  const own = Object.entries(flags).map(([name, { type, help, choices, required, default: fallback }]) => {
    const metavar = choices === undefined ? METAVARS[type] : `{${choices.join(',')}}`
    const note = required ? ' (required)' : fallback === undefined ? '' : ` (default ${String(fallback)})`
    return [`--${name}${metavar === '' ? '' : ` ${metavar}`}`, `${help}${note}`] as const
  })
  const general = Object.entries(BUILTIN).map(([name, { short, value, help }]) => {
    const metavar = value === undefined ? '' : ` ${value}`
    return [`${short === undefined ? '' : `${short}, `}--${name}${metavar}`, help] as const
  })
  const width = Math.max(...[...own, ...general].map(([left]) => left.length))
  const table = (rows: readonly (readonly [string, string])[]): string =>
    rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n')
  const sections = [`${usage} [flags] [key=value ...]`, description]
  if (own.length > 0) sections.push(`Flags:\n${table(own)}`)
  sections.push(
    `General flags:\n${table(general)}`,
    'Overrides:\n  key=value  change a value      +key=value  add one      ++key=value  either      ~key  delete one',
  )
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`
}
