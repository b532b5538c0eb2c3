import { z } from 'zod'
import { Config } from './config.js'
import {
  type ConfigObject,
  configTypeName,
  describeConfigValue,
  getOwn,
  isConfigObject,
  MISSING,
  setOwn,
} from './configValue.js'
import { type ConfigProblem, ConfigValidationError } from './errors.js'
import { formatKeyPath, parseKeyPath } from './keyPath.js'
import { nearestNames } from './nearestName.js'

type Schema = z.core.$ZodType
type Issue = z.core.$ZodIssue
type Path = readonly PropertyKey[]

/** Options of {@link validateConfig}. */
export interface ValidateOptions {
  /** Where the config came from (a file, the command line), for the message. */
  readonly source?: string
  /** `error` (default): a `???` is a problem. `drop`: it counts as not given, so that the schema's default applies. */
  readonly missing?: 'error' | 'drop'
}

const keyPathOf = (path: Path): string => formatKeyPath(path.map(String))

/** A value for a message: what it is and of which type, `"fast" (string)`. */
function describeFound(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  return `${describeConfigValue(value)} (${configTypeName(value)})`
}

function valueAt(value: unknown, path: Path): unknown {
  let current = value
  for (const key of path) {
    if (typeof current !== 'object' || current === null) return undefined
    current = Object.hasOwn(current, key) ? (current as Record<PropertyKey, unknown>)[key] : undefined
  }
  return current
}

/** Looks through optional, nullable, default, lazy and the like to the schema that tells what a value holds. */
function unwrap(schema: Schema): Schema {
  const { def } = (schema as z.core.$ZodTypes)._zod
  switch (def.type) {
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'nonoptional':
    case 'catch':
    case 'readonly':
      return unwrap(def.innerType)
    case 'lazy':
      return unwrap(def.getter())
    case 'pipe':
      return unwrap(def.in)
    default:
      return schema
  }
}

const defOf = (schema: Schema): z.core.$ZodTypes['_zod']['def'] => (unwrap(schema) as z.core.$ZodTypes)._zod.def

/** The option of a union that a value fits, or the one whose literal keys fit, or none. */
function fittingOption(options: readonly Schema[], value: unknown): Schema | undefined {
  const fitting = options.find((option) => z.safeParse(option, value).success)
  if (fitting !== undefined || !isConfigObject(value)) return fitting
  return options.find((option) => {
    const def = defOf(option)
    if (def.type !== 'object') return false
    const literals = Object.entries(def.shape).filter(([, part]) => defOf(part).type === 'literal')
    return literals.length > 0 && literals.every(([key, part]) => z.safeParse(part, getOwn(value, key)).success)
  })
}

/**
 * Collects keys that the schema does not have. Plain `z.object` counts as strict here: a misspelt key must never be
 * dropped without a word. `z.looseObject` and `.catchall(...)` accept any key.
 */
function collectUnknownKeys(schema: Schema, value: unknown, path: Path, problems: ConfigProblem[]): void {
  const def = defOf(schema)
  if (Array.isArray(value)) {
    if (def.type === 'array') {
      value.forEach((item, index) => {
        collectUnknownKeys(def.element, item, [...path, index], problems)
      })
    } else if (def.type === 'tuple') {
      value.forEach((item, index) => {
        const part = def.items[index] ?? def.rest
        if (part) collectUnknownKeys(part, item, [...path, index], problems)
      })
    } else if (def.type === 'union') {
      const option = fittingOption(def.options, value)
      if (option !== undefined) collectUnknownKeys(option, value, path, problems)
    }
    return
  }
  if (!isConfigObject(value)) return
  if (def.type === 'record') {
    for (const [key, item] of Object.entries(value)) collectUnknownKeys(def.valueType, item, [...path, key], problems)
    return
  }
  if (def.type === 'union') {
    const objects = def.options.filter((option) => defOf(option).type === 'object')
    const option = fittingOption(def.options, value) ?? (objects.length === 1 ? objects[0] : undefined)
    if (option !== undefined) collectUnknownKeys(option, value, path, problems)
    return
  }
  const shape = shapeOf(schema)
  if (shape === undefined) return
  const known = Object.keys(shape.keys)
  for (const [key, item] of Object.entries(value)) {
    const part = getOwn(shape.keys, key)
    if (part !== undefined) collectUnknownKeys(part, item, [...path, key], problems)
    else if (shape.catchall !== undefined) collectUnknownKeys(shape.catchall, item, [...path, key], problems)
    else problems.push(unknownKey(key, known, path))
  }
}

/** The keys of an object schema, or of several intersected; `catchall` is set if others are allowed. */
function shapeOf(schema: Schema): { keys: Record<string, Schema>; catchall: Schema | undefined } | undefined {
  const def = defOf(schema)
  if (def.type === 'intersection') {
    const left = shapeOf(def.left)
    const right = shapeOf(def.right)
    if (left === undefined || right === undefined) return undefined
    return { keys: { ...left.keys, ...right.keys }, catchall: left.catchall ?? right.catchall }
  }
  if (def.type !== 'object') return undefined
  const catchall = def.catchall !== undefined && defOf(def.catchall).type !== 'never' ? def.catchall : undefined
  return { keys: def.shape, catchall }
}

function unknownKey(key: string, known: readonly string[], path: Path): ConfigProblem {
  const keyPath = keyPathOf([...path, key])
  const [near] = nearestNames(key, known)
  if (near !== undefined) return { keyPath, message: 'unknown key', meant: keyPathOf([...path, near]) }
  if (known.length === 0) return { keyPath, message: 'unknown key; no key is allowed here' }
  const listed = known.length > 12 ? [...known.slice(0, 12), '...'] : known
  return { keyPath, message: `unknown key; known here: ${listed.join(', ')}` }
}

const TYPE_NAMES: Record<string, string> = {
  object: 'a mapping',
  record: 'a mapping',
  array: 'a list',
  tuple: 'a list',
  int: 'a whole number',
  number: 'a number',
  string: 'a string',
  boolean: 'true or false',
  null: 'null',
}

const typeName = (expected: string): string => TYPE_NAMES[expected] ?? expected

function describeValues(values: readonly unknown[]): string {
  const listed = values.map((value) => describeConfigValue(value))
  return listed.length === 1 ? listed[0]! : `one of ${listed.join(', ')}`
}

function bound(issue: Issue & { code: 'too_small' | 'too_big' }): string {
  const limit = issue.code === 'too_small' ? issue.minimum : issue.maximum
  const inclusive = issue.inclusive !== false
  const sign = issue.code === 'too_small' ? (inclusive ? '>=' : '>') : inclusive ? '<=' : '<'
  switch (issue.origin) {
    case 'string':
      return `a string with ${sign} ${limit} characters`
    case 'array':
    case 'set':
      return `a list with ${sign} ${limit} items`
    case 'object':
    case 'map':
      return `a mapping with ${sign} ${limit} keys`
    default:
      return `a number ${sign} ${limit}`
  }
}

/** Turns one of zod's issues into problems, one line each. */
function problemsOf(issue: Issue, root: unknown, base: Path): ConfigProblem[] {
  const path = [...base, ...issue.path]
  const found = valueAt(root, path)
  const one = (message: string): ConfigProblem[] => [{ keyPath: keyPathOf(path), message }]
  const expected = (what: string, hint = ''): ConfigProblem[] =>
    one(
      found === undefined ? `is required: expected ${what}` : `expected ${what}, found ${describeFound(found)}${hint}`,
    )
  switch (issue.code) {
    case 'unrecognized_keys':
      // The walk over the schema reports them, with the nearest key.
      return []
    case 'invalid_type':
      return expected(typeName(issue.expected))
    case 'invalid_value': {
      const texts = issue.values.filter((value) => typeof value === 'string')
      const [near] = typeof found === 'string' ? nearestNames(found, texts) : []
      return expected(describeValues(issue.values), near === undefined ? '' : `; did you mean ${JSON.stringify(near)}?`)
    }
    case 'too_small':
    case 'too_big':
      return expected(bound(issue))
    case 'not_multiple_of':
      return expected(`a multiple of ${issue.divisor}`)
    case 'invalid_format':
      return expected(
        issue.pattern === undefined ? `a string of the form ${issue.format}` : `a string like ${issue.pattern}`,
      )
    case 'invalid_union':
      return unionProblems(issue, root, path, expected)
    case 'invalid_key':
    case 'invalid_element':
      return issue.issues.flatMap((inner) => problemsOf(inner, root, path))
    default:
      return one(`${issue.message}, found ${describeFound(found)}`)
  }
}

function unionProblems(
  issue: Issue & { code: 'invalid_union' },
  root: unknown,
  path: Path,
  expected: (what: string) => ConfigProblem[],
): ConfigProblem[] {
  const branches = issue.errors
  // A branch whose only complaint is the value's own type was not meant; one with complaints further in was.
  const meant = branches.filter((branch) => branch.some((inner) => inner.path.length > 0))
  if (meant.length > 0) {
    const closest = [...meant].sort((a, b) => a.length - b.length)[0]!
    return closest.flatMap((inner) => problemsOf(inner, root, path))
  }
  const whats = branches.flatMap((branch) =>
    branch.map((inner) => {
      if (inner.code === 'invalid_type') return typeName(inner.expected)
      if (inner.code === 'invalid_value') return describeValues(inner.values)
      if (inner.code === 'too_small' || inner.code === 'too_big') return bound(inner)
      return inner.message
    }),
  )
  if (whats.length === 0) return expected(issue.message)
  return expected([...new Set(whats)].join(', or '))
}

/** A copy of `value` without its `???`, whose key paths go to `missing`. */
function dropMissing(value: ConfigObject, path: Path, missing: string[]): ConfigObject {
  const copy: ConfigObject = {}
  for (const [key, item] of Object.entries(value)) {
    if (item === MISSING) missing.push(keyPathOf([...path, key]))
    else setOwn(copy, key, isConfigObject(item) ? dropMissing(item, [...path, key], missing) : item)
  }
  return copy
}

/**
 * Checks a config against a zod schema and fills in the schema's defaults. Keys stay as they are (`snake_case`).
 *
 * The error has one line per problem, each with the key path, what is allowed and what was found; an unknown key comes
 * with the nearest known one. Objects are strict unless the schema says otherwise (`z.looseObject`, `.catchall`).
 *
 * @param value - A {@link Config} (interpolations are resolved) or a plain mapping.
 * @returns The value as the schema types it.
 * @throws ConfigValidationError
 */
export function validateConfig<S extends Schema>(
  schema: S,
  value: Config | unknown,
  { source, missing = 'error' }: ValidateOptions = {},
): z.output<S> {
  const from = source ?? (value instanceof Config ? value.source : undefined)
  const plain = value instanceof Config ? value.toObject() : value
  const absent: string[] = []
  const given = isConfigObject(plain) ? dropMissing(plain, [], absent) : plain
  const problems: ConfigProblem[] = []
  if (missing === 'error') {
    for (const keyPath of absent) {
      problems.push({ keyPath, message: 'mandatory value is missing (???)', missing: true })
    }
  }
  collectUnknownKeys(schema, given, [], problems)
  const result = z.safeParse(schema, given)
  if (!result.success) {
    const reported = new Set(problems.map(({ keyPath }) => keyPath))
    const absentSet = new Set(missing === 'error' ? absent : [])
    for (const problem of result.error.issues.flatMap((issue) => problemsOf(issue, given, []))) {
      if (
        !absentSet.has(problem.keyPath) &&
        !(reported.has(problem.keyPath) && problem.message.startsWith('unknown'))
      ) {
        problems.push(problem)
      }
    }
    if (problems.length === 0) problems.push({ keyPath: '', message: result.error.message })
  }
  if (problems.length > 0) throw new ConfigValidationError(problems, from)
  return result.data as z.output<S>
}

/** True if the schema has a place for the key, so that the command line may set it though no file mentions it. */
export function schemaHasKey(schema: Schema, keyPath: string): boolean {
  let parts: Schema[] = [schema]
  for (const key of parseKeyPath(keyPath)) {
    parts = parts.flatMap((part) => partsUnder(part, key))
    if (parts.length === 0) return false
  }
  return true
}

function partsUnder(schema: Schema, key: string): Schema[] {
  const def = defOf(schema)
  if (def.type === 'union') return def.options.flatMap((option) => partsUnder(option, key))
  if (def.type === 'record') return [def.valueType]
  if (def.type === 'any' || def.type === 'unknown') return [schema]
  if (def.type === 'array') return /^\d+$/.test(key) ? [def.element] : []
  const shape = shapeOf(schema)
  const part = shape === undefined ? undefined : (getOwn(shape.keys, key) ?? shape.catchall)
  return part === undefined ? [] : [part]
}

/**
 * The defaults of a schema as a config: what an empty config becomes, as far as the schema can fill it. Mandatory keys
 * without default are `???`.
 */
export function schemaDefaults(schema: Schema): ConfigObject {
  const value = defaultsOf(schema)
  return isConfigObject(value) ? value : {}
}

function defaultsOf(schema: Schema): unknown {
  const whole = z.safeParse(schema, undefined)
  if (whole.success) return whole.data === undefined ? undefined : prune(schema, JSON.parse(JSON.stringify(whole.data)))
  const shape = shapeOf(schema)
  if (shape === undefined) return MISSING
  const defaults: ConfigObject = {}
  for (const [key, part] of Object.entries(shape.keys)) {
    const value = defaultsOf(part)
    if (value !== undefined) setOwn(defaults, key, value as ConfigObject)
  }
  return defaults
}

/**
 * Leaves out mappings whose keys the schema does not fix (unions, records): merged under a config that chooses another
 * option, their keys would not belong to it. The schema fills them in later if the config has none.
 */
function prune(schema: Schema, value: unknown): unknown {
  if (!isConfigObject(value)) return value
  const shape = shapeOf(schema)
  if (shape === undefined) return undefined
  const kept: ConfigObject = {}
  for (const [key, item] of Object.entries(value)) {
    const part = getOwn(shape.keys, key)
    const pruned = part === undefined ? undefined : prune(part, item)
    if (pruned !== undefined) setOwn(kept, key, pruned as ConfigObject)
  }
  return kept
}
