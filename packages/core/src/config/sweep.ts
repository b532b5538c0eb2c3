import { type ConfigValue, describeConfigValue } from './configValue.js'

/** `a,b,c` or `choice(a,b,c)`: one run for each value. */
export interface ChoiceSweep {
  readonly kind: 'choice'
  readonly list: readonly ConfigValue[]
  /** True for the bare form `a,b,c`. */
  readonly simple: boolean
  readonly shuffle: boolean
  readonly tags: readonly string[]
}

/** `range(start, stop, step)`: one run for each number from `start` on that does not reach `stop`. */
export interface RangeSweep {
  readonly kind: 'range'
  readonly start: number
  readonly stop: number
  readonly step: number
  readonly shuffle: boolean
  readonly tags: readonly string[]
}

/** `interval(start, end)`: a continuous range. Only an optimising sweeper can choose points in it. */
export interface IntervalSweep {
  readonly kind: 'interval'
  readonly start: number
  readonly end: number
  readonly tags: readonly string[]
}

/** Several values for one key, one run each. */
export type Sweep = ChoiceSweep | RangeSweep | IntervalSweep

/** What an argument of a grammar function can be. */
export type SweepArgument = ConfigValue | Sweep

// Sweeps are told from dictionaries of the same shape by identity, not by their keys.
const sweeps = new WeakSet<object>()

/** True for a sweep, false for every plain value. */
export function isSweep(value: SweepArgument): value is Sweep {
  return typeof value === 'object' && value !== null && sweeps.has(value)
}

/** Marks an object as a sweep. */
function makeSweep<S extends Sweep>(sweep: S): S {
  sweeps.add(sweep)
  return sweep
}

// Enough for any grid by hand; a typo such as range(0,1e9) should not fill the memory.
const MAX_RUNS = 100_000

/** The order is shuffled, but always the same way: a sweep that is repeated does the same runs. */
function shuffled<T>(items: readonly T[]): T[] {
  const list = [...items]
  let state = 0x9e3779b9
  for (let index = list.length - 1; index > 0; index -= 1) {
    state = (Math.imul(state ^ (state >>> 15), 0x85ebca6b) + 0x6d2b79f5) >>> 0
    const other = state % (index + 1)
    const kept = list[index]!
    list[index] = list[other]!
    list[other] = kept
  }
  return list
}

/**
 * All values of a sweep. The numbers of a range are rounded to 15 digits, so `range(0,1,0.1)` gives `0.3`, not
 * `0.30000000000000004`.
 *
 * @throws Error for an interval, a step of 0, or more than 100,000 values.
 */
export function enumerateSweep(sweep: Sweep): ConfigValue[] {
  if (sweep.kind === 'interval') {
    throw new Error('an interval has no separate values to run; use range(start,stop,step) or choice(...)')
  }
  if (sweep.kind === 'choice') return sweep.shuffle ? shuffled(sweep.list) : [...sweep.list]
  const { start, stop, step } = sweep
  if (step === 0 || ![start, stop, step].every(Number.isFinite)) {
    throw new Error(`range(${start},${stop},${step}) never ends; give finite numbers and a step other than 0`)
  }
  const values: number[] = []
  for (let index = 0; ; index += 1) {
    const value = Number((start + step * index).toPrecision(15))
    if (step > 0 ? value >= stop : value <= stop) break
    if (values.length === MAX_RUNS) throw new Error(`range(${start},${stop},${step}) has more than ${MAX_RUNS} values`)
    values.push(value)
  }
  return sweep.shuffle ? shuffled(values) : values
}

function requireNumber(value: SweepArgument | undefined, name: string): number {
  if (typeof value === 'number') return value
  throw new Error(`${name} must be a number, found ${describeConfigValue(value)}`)
}

function requireValues(args: readonly SweepArgument[], name: string): ConfigValue[] {
  return args.map((arg) => {
    if (isSweep(arg)) throw new Error(`${name} cannot hold another sweep`)
    return arg
  })
}

function choice(list: readonly ConfigValue[], simple: boolean): ChoiceSweep {
  if (list.length === 0) throw new Error('needs at least one value')
  return makeSweep({ kind: 'choice', list, simple, shuffle: false, tags: [] })
}

/** The sweep that `a,b,c` stands for. */
export function simpleChoice(list: readonly ConfigValue[]): ChoiceSweep {
  return choice(list, true)
}

type Cast = (value: Exclude<ConfigValue, object>) => ConfigValue

const CASTS: Record<string, Cast> = {
  int: (value) => {
    const number = typeof value === 'string' && !/^[+-]?\d+$/.test(value.trim()) ? Number.NaN : Number(value)
    if (value === null || !Number.isFinite(number)) throw new Error(`${describeConfigValue(value)} is no whole number`)
    return Math.trunc(number)
  },
  float: (value) => {
    const text = typeof value === 'string' ? value.trim() : undefined
    const number =
      text === undefined
        ? Number(value)
        : /^[+-]?inf$/i.test(text)
          ? Number(`${text[0] === '-' ? '-' : ''}Infinity`)
          : Number(text)
    if (value === null || text === '' || (Number.isNaN(number) && !/^nan$/i.test(text ?? ''))) {
      throw new Error(`${describeConfigValue(value)} is no number`)
    }
    return number
  },
  str: (value) => (value === null ? 'null' : String(value)),
  bool: (value) => {
    if (typeof value !== 'string') return Boolean(value)
    if (/^true$/i.test(value)) return true
    if (/^false$/i.test(value)) return false
    throw new Error(`${describeConfigValue(value)} is neither true nor false`)
  },
}

function castDeep(value: ConfigValue, cast: Cast): ConfigValue {
  if (Array.isArray(value)) return value.map((item) => castDeep(item, cast))
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, castDeep(item, cast)]))
  }
  return cast(value)
}

function castArgument(value: SweepArgument, name: string): SweepArgument {
  const cast = CASTS[name]!
  if (!isSweep(value)) return castDeep(value, cast)
  if (value.kind === 'choice') return makeSweep({ ...value, list: value.list.map((item) => castDeep(item, cast)) })
  if (name !== 'int' && name !== 'float') throw new Error(`a ${value.kind} can only be cast to int or float`)
  const number = (item: number): number => Number(cast(item))
  if (value.kind === 'range') {
    return makeSweep({ ...value, start: number(value.start), stop: number(value.stop), step: number(value.step) })
  }
  return makeSweep({ ...value, start: number(value.start), end: number(value.end) })
}

function compare(a: ConfigValue, b: ConfigValue): number {
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : a > b ? 1 : 0
  const comparable = (value: ConfigValue): value is number | boolean =>
    typeof value === 'number' || typeof value === 'boolean'
  if (comparable(a) && comparable(b)) return Number(a) - Number(b)
  throw new Error(`${describeConfigValue(a)} and ${describeConfigValue(b)} cannot be put in order`)
}

function sort(value: SweepArgument, reverse: boolean): SweepArgument {
  const order = (list: readonly ConfigValue[]): ConfigValue[] => {
    const sorted = [...list].sort(compare)
    return reverse ? sorted.reverse() : sorted
  }
  if (Array.isArray(value)) return order(value)
  if (!isSweep(value)) return value
  if (value.kind === 'choice') return makeSweep({ ...value, list: order(value.list) })
  if (value.kind === 'range') {
    const list = enumerateSweep({ ...value, shuffle: false })
    return makeSweep({ kind: 'choice', list: order(list), simple: false, shuffle: false, tags: value.tags })
  }
  throw new Error('an interval cannot be sorted')
}

const NAMES = ['choice', 'range', 'interval', 'int', 'float', 'str', 'bool', 'sort', 'shuffle', 'tag']

/** The functions of the override grammar. */
export function sweepFunctionNames(): readonly string[] {
  return NAMES
}

/**
 * Evaluates a function of the override grammar: `choice`, `range`, `interval`, the casts `int`, `float`, `str`, `bool`,
 * and `sort`, `shuffle`, `tag`.
 *
 * @throws Error that says which argument is wrong.
 */
export function callSweepFunction(
  name: string,
  args: readonly SweepArgument[],
  named: ReadonlyMap<string, SweepArgument>,
): SweepArgument {
  const accept = (parameters: readonly string[]): (SweepArgument | undefined)[] => {
    for (const key of named.keys()) {
      if (!parameters.includes(key)) {
        throw new Error(`has no argument "${key}"; its arguments are ${parameters.join(', ') || 'positional'}`)
      }
      if (parameters.indexOf(key) < args.length) throw new Error(`the argument "${key}" is given twice`)
    }
    if (args.length > parameters.length) throw new Error(`takes at most ${parameters.length} arguments`)
    return parameters.map((parameter, index) => args[index] ?? named.get(parameter))
  }
  switch (name) {
    case 'choice': {
      accept(args.map((_, index) => String(index)))
      const [first] = args
      if (args.length === 1 && first !== undefined && isSweep(first) && first.kind === 'choice' && first.simple) {
        return choice(first.list, false)
      }
      return choice(requireValues(args, 'a choice'), false)
    }
    case 'range': {
      const [first, second, third] = accept(['start', 'stop', 'step'])
      const onlyStop = second === undefined
      return makeSweep({
        kind: 'range',
        start: onlyStop ? 0 : requireNumber(first, 'start'),
        stop: requireNumber(onlyStop ? first : second, 'stop'),
        step: third === undefined ? 1 : requireNumber(third, 'step'),
        shuffle: false,
        tags: [],
      })
    }
    case 'interval': {
      const [start, end] = accept(['start', 'end'])
      return makeSweep({
        kind: 'interval',
        start: requireNumber(start, 'start'),
        end: requireNumber(end, 'end'),
        tags: [],
      })
    }
    case 'int':
    case 'float':
    case 'str':
    case 'bool': {
      if (args.length > 1) return castArgument(simpleChoice(requireValues(args, name)), name)
      const [value] = accept(['value'])
      if (value === undefined) throw new Error('needs a value')
      return castArgument(value, name)
    }
    case 'sort': {
      const reverse = named.get('reverse') ?? false
      if (typeof reverse !== 'boolean') throw new Error('reverse must be true or false')
      const given = named.get('list') ?? named.get('sweep')
      if (given !== undefined) return sort(given, reverse)
      if (args.length === 0) throw new Error('needs something to sort')
      return sort(args.length === 1 ? args[0]! : simpleChoice(requireValues(args, 'sort')), reverse)
    }
    case 'shuffle': {
      const given = named.get('list') ?? named.get('sweep') ?? (args.length === 1 ? args[0] : undefined)
      if (given === undefined) return makeSweep({ ...simpleChoice(requireValues(args, 'shuffle')), shuffle: true })
      if (Array.isArray(given)) return shuffled(given)
      if (!isSweep(given)) return [given]
      if (given.kind === 'interval') throw new Error('an interval cannot be shuffled')
      return makeSweep({ ...given, shuffle: true })
    }
    case 'tag': {
      const sweep = named.get('sweep') ?? args.at(-1)
      const tags = named.has('sweep') ? args : args.slice(0, -1)
      if (sweep === undefined || !isSweep(sweep))
        throw new Error('the last argument must be a choice, range or interval')
      return makeSweep({
        ...sweep,
        tags: tags.map((tag) => {
          if (typeof tag !== 'string') throw new Error(`a tag must be text, found ${describeConfigValue(tag)}`)
          return tag
        }),
      })
    }
    default:
      throw new Error(`is no function; known: ${NAMES.join(', ')}. Quote the value if the parentheses belong to it`)
  }
}
