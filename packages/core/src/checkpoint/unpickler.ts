import { CheckpointLimitError, PickleError } from './errors.js'
import { OpaqueGlobal, OpaqueObject, OrderedDict, type PythonValue } from './pythonValue.js'

/** A Python function or class with an implementation of ours. Calling it runs only that. */
export class PickleCallable {
  constructor(
    readonly pythonName: string,
    readonly call: (args: readonly unknown[]) => unknown,
  ) {}
}

/** What a pickle stream may reach outside itself. */
export interface PickleEnvironment {
  /** Name of the stream, for messages. */
  readonly name: string
  /** The value of a Python global. Must throw PickleRefusedError for all that are not known to be harmless. */
  readonly resolveGlobal: (pythonName: string) => unknown
  /** The object that a persistent id stands for. */
  readonly persistentLoad: (id: unknown) => unknown
  /** Compound values that may be made. */
  readonly maxObjects: number
}

/** Python stops at 4300 decimal digits too; longer ones take quadratic time. */
const MAX_DIGITS = 4300
const MAX_LONG_BYTES = 65_536

/**
 * Runs the pickle at `start` and returns its value and where the next byte lies.
 *
 * A virtual machine for protocols 0 to 5 whose every instruction builds plain values; nothing is imported and
 * nothing is executed but the `PickleCallable`s that the environment hands out.
 *
 * @throws PickleError for malformed streams, PickleRefusedError for globals that are not allowed, CheckpointLimitError.
 *
 * Source: the opcode descriptions of Python's `pickletools`.
 */
export function unpickle(
  bytes: Uint8Array,
  start: number,
  environment: PickleEnvironment,
): { value: unknown; end: number } {
  try {
    return new Machine(bytes, start, environment).run()
  } catch (cause) {
    // Strings and maps have sizes beyond which the engine itself gives up.
    if (cause instanceof RangeError) {
      throw new CheckpointLimitError(
        `${environment.name}: the pickle holds a value too large for JavaScript (${cause.message}).`,
      )
    }
    throw cause
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

class Machine {
  readonly view: DataView
  stack: unknown[] = []
  readonly marks: unknown[][] = []
  readonly memo = new Map<number, unknown>()
  at: number
  objects = 0

  constructor(
    readonly bytes: Uint8Array,
    start: number,
    readonly environment: PickleEnvironment,
  ) {
    this.at = start
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  run(): { value: unknown; end: number } {
    for (;;) {
      const opcode = this.bytes[this.at]
      if (opcode === undefined) throw this.truncated()
      this.at++
      if (opcode === 0x2e /* . STOP */) return { value: this.pop(), end: this.at }
      const instruction = instructions[opcode]
      if (!instruction) throw this.error(`unknown opcode 0x${opcode.toString(16).padStart(2, '0')}`)
      instruction(this)
    }
  }

  error(problem: string): PickleError {
    return new PickleError(`${this.environment.name}: the pickle is malformed at byte ${this.at}: ${problem}.`)
  }

  truncated(): PickleError {
    return new PickleError(
      `${this.environment.name}: the pickle ends early, at byte ${this.bytes.length}. The file is cut short or corrupt.`,
    )
  }

  count(objects = 1): void {
    this.objects += objects
    if (this.objects > this.environment.maxObjects) {
      throw new CheckpointLimitError(
        `${this.environment.name}: the pickle makes more than ${this.environment.maxObjects} objects. If the file is trustworthy, raise maxPickleObjects.`,
      )
    }
  }

  push(value: unknown): void {
    this.stack.push(value)
  }

  pop(): unknown {
    if (this.stack.length === 0) throw this.error('the stack is empty')
    return this.stack.pop()
  }

  top(): unknown {
    if (this.stack.length === 0) throw this.error('the stack is empty')
    return this.stack[this.stack.length - 1]
  }

  mark(): void {
    this.count()
    this.marks.push(this.stack)
    this.stack = []
  }

  popMark(): unknown[] {
    const below = this.marks.pop()
    if (!below) throw this.error('there is no mark')
    const items = this.stack
    this.stack = below
    return items
  }

  take(length: number): Uint8Array {
    const end = this.at + length
    if (!(length >= 0 && end <= this.bytes.length)) throw this.truncated()
    const part = this.bytes.subarray(this.at, end)
    this.at = end
    return part
  }

  /** Moves past a fixed-size operand and returns where it lies. */
  skip(length: number): number {
    const from = this.at
    this.take(length)
    return from
  }

  uint8 = (): number => this.view.getUint8(this.skip(1))
  uint16 = (): number => this.view.getUint16(this.skip(2), true)
  int32 = (): number => this.view.getInt32(this.skip(4), true)
  uint32 = (): number => this.view.getUint32(this.skip(4), true)
  float64 = (): number => this.view.getFloat64(this.skip(8), false)

  uint64(): number {
    const value = this.view.getBigUint64(this.skip(8), true)
    if (value > BigInt(this.bytes.length)) throw this.truncated()
    return Number(value)
  }

  line(): string {
    const end = this.bytes.indexOf(0x0a, this.at)
    if (end < 0) throw this.truncated()
    const text = latin1(this.take(end - this.at))
    this.at++
    return text
  }

  text(bytes: Uint8Array): string {
    try {
      return utf8.decode(bytes)
    } catch {
      throw this.error('a string is not valid UTF-8')
    }
  }

  memoize(index: number): void {
    this.count()
    this.memo.set(index, this.top())
  }

  recall(index: number): void {
    if (!this.memo.has(index)) throw this.error(`memo entry ${index} is missing`)
    this.push(this.memo.get(index))
  }

  memoizeNext(): void {
    this.memoize(this.memo.size)
  }

  index(text: string): number {
    const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN
    if (Number.isNaN(value)) throw this.error(`expected a memo index, found ${JSON.stringify(text)}`)
    return value
  }

  tuple(items: unknown[]): void {
    this.count()
    this.push(Object.freeze(items))
  }

  dict(items: unknown[]): void {
    this.count()
    const map = new Map<PythonValue, PythonValue>()
    this.setItems(map, items)
    this.push(map)
  }

  append(target: unknown, items: readonly unknown[]): void {
    const list = target instanceof OpaqueObject ? target.items : target
    if (!Array.isArray(list) || Object.isFrozen(list))
      throw this.error('items are appended to something that is not a list')
    for (const item of items) list.push(item)
  }

  setItems(target: unknown, items: readonly unknown[]): void {
    const map = target instanceof OpaqueObject ? target.entries : target
    if (!(map instanceof Map)) throw this.error('entries are set on something that is not a dict')
    if (items.length % 2 !== 0) throw this.error('a key has no value')
    this.count(items.length / 2)
    for (let i = 0; i < items.length; i += 2) map.set(items[i], items[i + 1])
  }

  addItems(target: unknown, items: readonly unknown[]): void {
    if (!(target instanceof Set)) throw this.error('items are added to something that is not a set')
    this.count(items.length)
    for (const item of items) target.add(item)
  }

  global(module: string, name: string): void {
    const pythonName = `${MODULES_OF_PYTHON_2.get(module) ?? module}.${name}`
    this.push(this.environment.resolveGlobal(TYPES_OF_PYTHON_2.get(pythonName) ?? pythonName))
  }

  call(callable: unknown, args: unknown): void {
    this.count()
    if (!Array.isArray(args)) throw this.error('the arguments of a call are not a tuple')
    if (callable instanceof PickleCallable) this.push(callable.call(args))
    else if (callable instanceof OpaqueGlobal) this.push(new OpaqueObject(callable.pythonName, args))
    else throw this.error('something that is not a function or class is called')
  }

  build(target: unknown, state: unknown): void {
    if (target instanceof OpaqueObject) {
      target.state = state as PythonValue
    } else if (target instanceof OrderedDict && state instanceof Map) {
      target.attributes = state as Map<string, PythonValue>
    } else {
      throw this.error('a state is set on something that takes none')
    }
  }

  integer(text: string): number | bigint {
    if (!/^[+-]?\d+$/.test(text) || text.length > MAX_DIGITS) {
      throw this.error(`expected an integer, found ${JSON.stringify(text.slice(0, 40))}`)
    }
    return narrow(BigInt(text))
  }

  long(length: number): number | bigint {
    if (length < 0 || length > MAX_LONG_BYTES) throw this.error(`an integer has ${length} bytes`)
    const bytes = this.take(length)
    if (length === 0) return 0
    let hex = '0x'
    for (let i = length - 1; i >= 0; i--) hex += bytes[i]!.toString(16).padStart(2, '0')
    return narrow(BigInt.asIntN(length * 8, BigInt(hex)))
  }

  float(text: string): number {
    const special = SPECIAL_FLOATS.get(text.toLowerCase())
    const value = special ?? Number(text)
    if (text.trim() === '' || (Number.isNaN(value) && special === undefined)) {
      throw this.error(`expected a float, found ${JSON.stringify(text.slice(0, 40))}`)
    }
    return value
  }

  /** A `str` of Python 2, written as its `repr`. */
  quoted(text: string): string {
    const quote = text[0]
    if (text.length < 2 || (quote !== "'" && quote !== '"') || !text.endsWith(quote))
      throw this.error('a string is not quoted')
    const raw = text.slice(1, -1).replace(/\\(x[0-9a-fA-F]{2}|[0-7]{1,3}|[\s\S])/g, (_, code: string) => {
      if (code[0] === 'x' && code.length === 3) return String.fromCharCode(Number.parseInt(code.slice(1), 16))
      if (/^[0-7]/.test(code)) return String.fromCharCode(Number.parseInt(code, 8) & 0xff)
      return ESCAPES.get(code) ?? `\\${code}`
    })
    return this.text(Uint8Array.from(raw, (character) => character.charCodeAt(0)))
  }

  /** A `str` in raw-unicode-escape encoding. */
  rawUnicode(text: string): string {
    return text.replace(/\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})/g, (_, short?: string, long?: string) => {
      const code = Number.parseInt((short ?? long) as string, 16)
      if (code > 0x10ffff) throw this.error('a character is beyond Unicode')
      return String.fromCodePoint(code)
    })
  }
}

/** Modules that were renamed between Python 2, whose names protocols 0 to 2 use, and Python 3. */
const MODULES_OF_PYTHON_2: ReadonlyMap<string, string> = new Map([
  ['__builtin__', 'builtins'],
  ['copy_reg', 'copyreg'],
])

const TYPES_OF_PYTHON_2: ReadonlyMap<string, string> = new Map([
  ['builtins.long', 'builtins.int'],
  ['builtins.unicode', 'builtins.str'],
])

const SPECIAL_FLOATS: ReadonlyMap<string, number> = new Map([
  ['nan', Number.NaN],
  ['inf', Number.POSITIVE_INFINITY],
  ['-inf', Number.NEGATIVE_INFINITY],
])

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['\\', '\\'],
  ["'", "'"],
  ['"', '"'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['a', '\x07'],
  ['b', '\b'],
  ['f', '\f'],
  ['v', '\v'],
  ['\n', ''],
])

function narrow(value: bigint): number | bigint {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value
}

/** One character per byte. */
function latin1(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; i += 4096) text += String.fromCharCode(...bytes.subarray(i, i + 4096))
  return text
}

type Instruction = (machine: Machine) => void

const extension: Instruction = (m) => {
  throw m.error('the copyreg extension registry is not supported')
}
const outOfBand: Instruction = (m) => {
  throw m.error('out-of-band buffers are not supported')
}

/** Every opcode of protocols 0 to 5 but STOP, under its byte. */
const instructions: (Instruction | undefined)[] = []
const table: readonly (readonly [opcode: number | string, run: Instruction])[] = [
  ['(', (m) => m.mark()],
  ['0', (m) => (m.stack.length === 0 ? m.popMark() : m.pop())],
  ['1', (m) => m.popMark()],
  ['2', (m) => m.push(m.top())],
  ['F', (m) => m.push(m.float(m.line()))],
  [
    'I',
    (m) => {
      const text = m.line()
      m.push(text === '01' ? true : text === '00' ? false : m.integer(text))
    },
  ],
  ['J', (m) => m.push(m.int32())],
  ['K', (m) => m.push(m.uint8())],
  ['L', (m) => m.push(m.integer(m.line().replace(/L$/, '')))],
  ['M', (m) => m.push(m.uint16())],
  ['N', (m) => m.push(null)],
  ['P', (m) => m.push(m.environment.persistentLoad(m.line()))],
  ['Q', (m) => m.push(m.environment.persistentLoad(m.pop()))],
  [
    'R',
    (m) => {
      const args = m.pop()
      m.call(m.pop(), args)
    },
  ],
  ['S', (m) => m.push(m.quoted(m.line()))],
  ['T', (m) => m.push(m.text(m.take(m.int32())))],
  ['U', (m) => m.push(m.text(m.take(m.uint8())))],
  ['V', (m) => m.push(m.rawUnicode(m.line()))],
  ['X', (m) => m.push(m.text(m.take(m.uint32())))],
  [
    'a',
    (m) => {
      const item = m.pop()
      m.append(m.top(), [item])
    },
  ],
  [
    'b',
    (m) => {
      const state = m.pop()
      m.build(m.top(), state)
    },
  ],
  [
    'c',
    (m) => {
      const module = m.line()
      m.global(module, m.line())
    },
  ],
  ['d', (m) => m.dict(m.popMark())],
  ['}', (m) => m.dict([])],
  [
    'e',
    (m) => {
      const items = m.popMark()
      m.append(m.top(), items)
    },
  ],
  ['g', (m) => m.recall(m.index(m.line()))],
  ['h', (m) => m.recall(m.uint8())],
  [
    'i',
    (m) => {
      const module = m.line()
      const name = m.line()
      const args = m.popMark()
      m.global(module, name)
      m.call(m.pop(), args)
    },
  ],
  ['j', (m) => m.recall(m.uint32())],
  [
    'l',
    (m) => {
      m.count()
      m.push(m.popMark())
    },
  ],
  [
    ']',
    (m) => {
      m.count()
      m.push([])
    },
  ],
  [
    'o',
    (m) => {
      const [callable, ...args] = m.popMark()
      m.call(callable, args)
    },
  ],
  ['p', (m) => m.memoize(m.index(m.line()))],
  ['q', (m) => m.memoize(m.uint8())],
  ['r', (m) => m.memoize(m.uint32())],
  [
    's',
    (m) => {
      const value = m.pop()
      const key = m.pop()
      m.setItems(m.top(), [key, value])
    },
  ],
  ['t', (m) => m.tuple(m.popMark())],
  [')', (m) => m.tuple([])],
  [
    'u',
    (m) => {
      const items = m.popMark()
      m.setItems(m.top(), items)
    },
  ],
  ['G', (m) => m.push(m.float64())],
  [
    0x80, // PROTO
    (m) => {
      const protocol = m.uint8()
      if (protocol > 5) throw m.error(`expected protocol 0 to 5, found ${protocol}`)
    },
  ],
  [
    0x81, // NEWOBJ
    (m) => {
      const args = m.pop()
      m.call(m.pop(), args)
    },
  ],
  [0x82, extension],
  [0x83, extension],
  [0x84, extension],
  [0x85, (m) => m.tuple([m.pop()])],
  [
    0x86,
    (m) => {
      const second = m.pop()
      m.tuple([m.pop(), second])
    },
  ],
  [
    0x87,
    (m) => {
      const third = m.pop()
      const second = m.pop()
      m.tuple([m.pop(), second, third])
    },
  ],
  [0x88, (m) => m.push(true)],
  [0x89, (m) => m.push(false)],
  [0x8a, (m) => m.push(m.long(m.uint8()))],
  [0x8b, (m) => m.push(m.long(m.int32()))],
  ['B', (m) => m.push(m.take(m.uint32()).slice())],
  ['C', (m) => m.push(m.take(m.uint8()).slice())],
  [0x8c, (m) => m.push(m.text(m.take(m.uint8())))],
  [0x8d, (m) => m.push(m.text(m.take(m.uint64())))],
  [0x8e, (m) => m.push(m.take(m.uint64()).slice())],
  [
    0x8f, // EMPTY_SET
    (m) => {
      m.count()
      m.push(new Set())
    },
  ],
  [
    0x90, // ADDITEMS
    (m) => {
      const items = m.popMark()
      m.addItems(m.top(), items)
    },
  ],
  [
    0x91, // FROZENSET
    (m) => {
      m.count()
      m.push(new Set(m.popMark()))
    },
  ],
  [
    0x92, // NEWOBJ_EX
    (m) => {
      const keywords = m.pop()
      const args = m.pop()
      if (!(keywords instanceof Map) || keywords.size > 0) throw m.error('keyword arguments are not supported')
      m.call(m.pop(), args)
    },
  ],
  [
    0x93, // STACK_GLOBAL
    (m) => {
      const name = m.pop()
      const module = m.pop()
      if (typeof name !== 'string' || typeof module !== 'string') throw m.error('the name of a global is not a string')
      m.global(module, name)
    },
  ],
  [0x94, (m) => m.memoizeNext()],
  [0x95, (m) => void m.uint64()], // FRAME: its length only helps buffered reading
  [0x96, (m) => m.push(m.take(m.uint64()).slice())],
  [0x97, outOfBand],
  [0x98, outOfBand],
]
for (const [opcode, run] of table) instructions[typeof opcode === 'string' ? opcode.charCodeAt(0) : opcode] = run
