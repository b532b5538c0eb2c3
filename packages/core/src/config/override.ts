import { type ConfigObject, type ConfigValue, isConfigObject, setOwn } from './configValue.js'
import { OverrideError } from './errors.js'
import { nearestNames } from './nearestName.js'
import {
  callSweepFunction,
  isSweep,
  type Sweep,
  type SweepArgument,
  simpleChoice,
  sweepFunctionNames,
} from './sweep.js'
import { describeGrammarError, GrammarError, type ValueNode, ValueScanner } from './valueGrammar.js'

/** What an override does: `key=`, `+key=`, `++key=`, `~key`. */
export type OverrideType = 'change' | 'add' | 'forceAdd' | 'delete'

/** One parsed command-line override. */
export interface Override {
  readonly type: OverrideType
  /** Dotted key path, or config group such as `db` or `model/encoder`. */
  readonly key: string
  /** The part after `@` in `group@package=option`. */
  readonly package: string | undefined
  /** The value. Interpolations in it are still text. `undefined` for a sweep and for `~key` without a value. */
  readonly value: ConfigValue | undefined
  /** The values of `key=a,b,c`, `key=choice(...)` or `key=range(...)`. */
  readonly sweep: Sweep | undefined
  /** The override as written. */
  readonly input: string
}

const WORD = String.raw`[\p{L}\p{N}_$][\p{L}\p{N}\p{M}_$-]*`
const KEY = new RegExp(
  `^(?:${WORD}(?:(?:\\.${WORD})|\\[[^\\][=]+\\])*|${WORD}(?:/${WORD})+|)(?:@(?:${WORD}(?:\\.${WORD})*)?)?$`,
  'u',
)

/** Evaluates a parsed element, functions included. */
function evaluate(node: ValueNode): SweepArgument {
  switch (node.kind) {
    case 'scalar':
      return node.value
    case 'text':
      return node.parts.map((part) => (typeof part === 'string' ? part : part.raw)).join('')
    case 'list':
      return node.items.map(evaluatePlain)
    case 'dict': {
      const map: ConfigObject = {}
      for (const { key, value } of node.entries) setOwn(map, key, evaluatePlain(value))
      return map
    }
    case 'call': {
      const positional: SweepArgument[] = []
      const named = new Map<string, SweepArgument>()
      for (const { name, value } of node.args) {
        if (name === undefined) positional.push(evaluate(value))
        else named.set(name, evaluate(value))
      }
      try {
        return callSweepFunction(node.name, positional, named)
      } catch (error) {
        const near = sweepFunctionNames().includes(node.name) ? [] : nearestNames(node.name, sweepFunctionNames())
        const hint = near[0] === undefined ? '' : `; did you mean ${near[0]}(...)?`
        throw new GrammarError(0, `${node.name}(...) ${(error as Error).message}${hint}`)
      }
    }
  }
}

function evaluatePlain(node: ValueNode): ConfigValue {
  const value = evaluate(node)
  if (isSweep(value)) throw new GrammarError(0, 'a sweep cannot stand inside a list or dictionary')
  return value
}

/**
 * Parses one override in Hydra's grammar: `key=value`, `+key=value`, `++key=value`, `~key`, `~key=value`, with lists
 * `[a,b]`, dictionaries `{a:1}`, quoted strings, `null`, booleans, numbers, interpolations, and sweeps `a,b`,
 * `choice(...)`, `range(...)`. An `=` may also stand unquoted in a value: `ckpt=epoch=3.ckpt`.
 *
 * @throws OverrideError that shows the override and the place.
 */
export function parseOverride(input: string): Override {
  const prefix = /^(?:\+\+|\+|~)?/.exec(input)![0]
  const type: OverrideType =
    prefix === '++' ? 'forceAdd' : prefix === '+' ? 'add' : prefix === '~' ? 'delete' : 'change'
  const equals = input.indexOf('=')
  const left = input.slice(prefix.length, equals < 0 ? undefined : equals).trim()
  const fail = (message: string): never => {
    throw new OverrideError(`override "${input}": ${message}`)
  }
  if (!KEY.test(left) || (left === '' && equals < 0)) {
    fail(`"${left}" is no key; write it like model.optim.lr=0.1, data.files[0]=a.json or group=option`)
  }
  if (equals < 0 && type !== 'delete') {
    fail(
      `a value is missing; write ${prefix}${left}=VALUE${type === 'change' ? `, or ~${left} to delete the key` : ''}`,
    )
  }
  const [key, pkg] = left.split('@') as [string, string | undefined]
  const result = { type, key, package: pkg, input }
  if (equals < 0) return { ...result, value: undefined, sweep: undefined }

  const scanner = new ValueScanner(input, { position: equals + 1, functions: true })
  try {
    scanner.skipSpace()
    if (scanner.atEnd) return { ...result, value: '', sweep: undefined }
    if (input[scanner.position] === '=')
      scanner.fail('a single "=" separates key and value; quote the value if it starts with one')
    const elements = [scanner.readElement('')]
    while (scanner.take(',')) elements.push(scanner.readElement(''))
    if (!scanner.atEnd) {
      scanner.fail(`"${input[scanner.position]}" is not expected here; quote the value if it belongs to it`)
    }
    const value = elements.length === 1 ? evaluate(elements[0]!) : simpleChoice(elements.map(evaluatePlain))
    if (!isSweep(value)) return { ...result, value, sweep: undefined }
    if (type === 'delete') fail('~ cannot be combined with several values')
    return { ...result, value: undefined, sweep: value }
  } catch (error) {
    if (!(error instanceof GrammarError)) throw error
    throw new OverrideError(`override ${describeGrammarError(input, error)}`, { cause: error })
  }
}

const needsEscape = /[\\()[\]{}:=,\s'"]|\$\{/

/**
 * Writes a value so that {@link parseOverride} reads it back: text that could mean something else is quoted.
 */
export function formatOverrideValue(value: ConfigValue): string {
  if (value === null) return 'null'
  if (typeof value === 'boolean') return String(value)
  if (typeof value === 'number') {
    if (Number.isNaN(value)) return 'nan'
    if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
    const exact = !Number.isInteger(value) || Number.isSafeInteger(value) || /e/.test(String(value))
    return exact ? String(value) : `${value}.0`
  }
  if (typeof value === 'string') {
    if (value !== '' && !needsEscape.test(value) && /^[\p{L}_/.][\p{L}\p{N}\p{M}_/.-]*$/u.test(value)) {
      const words = /^(?:null|true|false|[+-]?(?:inf|nan)|[+-]?[\d._]+(?:e[+-]?[\d_]+)?)$/i
      if (!words.test(value)) return value
    }
    // Backslashes count only before a quote, so exactly those runs are doubled.
    const escaped = value.replace(/(\\*)('|$)/g, (_, slashes: string, quote: string) =>
      quote === '' ? slashes + slashes : `${slashes}${slashes}\\'`,
    )
    return `'${escaped}'`
  }
  if (Array.isArray(value)) return `[${value.map(formatOverrideValue).join(',')}]`
  return `{${Object.entries(value)
    .map(([key, item]) => `${formatOverrideValue(key)}:${formatOverrideValue(item)}`)
    .join(',')}}`
}

/** True if two config values are the same, order of keys aside. */
export function sameConfigValue(a: ConfigValue, b: ConfigValue): boolean {
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, index) => sameConfigValue(item, b[index]!))
  }
  if (isConfigObject(a)) {
    if (!isConfigObject(b)) return false
    const keys = Object.keys(a)
    return (
      keys.length === Object.keys(b).length &&
      keys.every((key) => Object.hasOwn(b, key) && sameConfigValue(a[key]!, b[key]!))
    )
  }
  return Object.is(a, b)
}
