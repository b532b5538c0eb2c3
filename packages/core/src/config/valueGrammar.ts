import type { ConfigScalar } from './configValue.js'

/** A piece of text: literal, or an interpolation to be replaced. */
export type TextPart = string | InterpolationNode

/** `${a.b[0]}`, `${..sibling}`: a reference to another node of the config. */
export interface NodeInterpolation {
  readonly kind: 'node'
  /** The interpolation as written, with `${` and `}`. */
  readonly raw: string
  /** Leading dots: 0 is absolute, 1 the parent's keys, 2 the grandparent's, and so on. */
  readonly dots: number
  /** The key path after the dots; may hold nested interpolations. */
  readonly path: readonly TextPart[]
}

/** `${oc.env:HOME,default}`: a call of a resolver. */
export interface ResolverInterpolation {
  readonly kind: 'resolver'
  /** The interpolation as written, with `${` and `}`. */
  readonly raw: string
  readonly name: readonly TextPart[]
  readonly args: readonly ValueNode[]
}

export type InterpolationNode = NodeInterpolation | ResolverInterpolation

/** A parsed value of the grammar that Hydra's overrides and OmegaConf's resolver arguments share. */
export type ValueNode =
  | { readonly kind: 'scalar'; readonly value: ConfigScalar }
  | { readonly kind: 'text'; readonly parts: readonly TextPart[]; readonly quote?: "'" | '"' }
  | { readonly kind: 'list'; readonly items: readonly ValueNode[] }
  | { readonly kind: 'dict'; readonly entries: readonly { key: string; value: ValueNode }[] }
  | {
      readonly kind: 'call'
      readonly name: string
      readonly args: readonly { name: string | undefined; value: ValueNode }[]
    }

/** Where and why a text does not follow the grammar. */
export class GrammarError extends Error {
  /** Zero-based character position. */
  readonly position: number

  constructor(position: number, message: string) {
    super(message)
    this.name = 'GrammarError'
    this.position = position
  }
}

const INTEGER = /^[+-]?(?:0|[1-9](?:_?[0-9])*)$/
const FLOAT =
  /^[+-]?(?:(?:(?:0|[1-9](?:_?[0-9])*)\.|(?:0|[1-9](?:_?[0-9])*)?\.[0-9](?:_?[0-9])*|(?:0|[1-9](?:_?[0-9])*))(?:[eE][+-]?[0-9](?:_?[0-9])*)?|inf|nan)$/i
const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_-]*/
const ESCAPABLE = '\\()[]{}:=, \t'
const MAX_DEPTH = 200

/** The type that an unquoted word has on the command line: null, boolean, number, or just text. */
export function resolveWord(word: string): ConfigScalar {
  if (/^null$/i.test(word)) return null
  if (/^true$/i.test(word)) return true
  if (/^false$/i.test(word)) return false
  if (INTEGER.test(word)) {
    const value = Number(word.replaceAll('_', ''))
    // Beyond 2^53 a number would lose digits without a word; the text keeps them.
    return Number.isSafeInteger(value) ? (value === 0 ? 0 : value) : word
  }
  if (FLOAT.test(word)) {
    const plain = word.replaceAll('_', '').toLowerCase()
    if (plain.endsWith('nan')) return Number.NaN
    if (plain.endsWith('inf')) return plain.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
    return Number(plain)
  }
  return word
}

/**
 * Recursive-descent reader for the value grammar of Hydra 1.1+ overrides and OmegaConf 2.1+ interpolations. More
 * liberal than theirs where nothing is ambiguous: letters of every script, nested interpolations and quoted
 * dictionary keys need no extra quoting.
 */
export class ValueScanner {
  readonly text: string
  position: number
  private readonly functions: boolean
  private depth = 0

  /**
   * @param options.functions - `name(arg, key=value)` is a call, as in overrides. Otherwise parentheses are plain text.
   */
  constructor(text: string, { position = 0, functions }: { position?: number; functions: boolean }) {
    this.text = text
    this.position = position
    this.functions = functions
  }

  fail(message: string, position = this.position): never {
    throw new GrammarError(position, message)
  }

  get atEnd(): boolean {
    return this.position >= this.text.length
  }

  skipSpace(): void {
    while (this.text[this.position] === ' ' || this.text[this.position] === '\t') this.position += 1
  }

  /** Consumes `character` with the space around it, if it comes next. */
  take(character: string): boolean {
    const start = this.position
    this.skipSpace()
    if (this.text[this.position] === character) {
      this.position += 1
      this.skipSpace()
      return true
    }
    this.position = start
    return false
  }

  private nested<T>(read: () => T): T {
    this.depth += 1
    if (this.depth > MAX_DEPTH) this.fail(`nested more than ${MAX_DEPTH} levels deep`)
    try {
      return read()
    } finally {
      this.depth -= 1
    }
  }

  /** Reads one element: list, dictionary, quoted string, call, or word. `stops` end a word. */
  readElement(stops: string): ValueNode {
    this.skipSpace()
    const next = this.text[this.position]
    if (next === '[') return this.nested(() => this.readList(stops))
    if (next === '{') return this.nested(() => this.readDict(stops))
    if (next === "'" || next === '"') {
      const parts = this.readQuoted(next)
      this.skipSpace()
      return { kind: 'text', parts, quote: next }
    }
    if (this.functions) {
      const name = IDENTIFIER.exec(this.text.slice(this.position))?.[0]
      if (name !== undefined) {
        const start = this.position
        this.position += name.length
        if (this.take('(')) return this.nested(() => this.readCall(name))
        this.position = start
      }
    }
    return this.readWord(stops)
  }

  private readList(stops: string): ValueNode {
    const start = this.position
    this.position += 1
    const items: ValueNode[] = []
    if (this.take(']')) return { kind: 'list', items }
    do {
      items.push(this.readElement(stops))
    } while (this.take(','))
    if (!this.take(']')) this.failUnclosed('[', start)
    return { kind: 'list', items }
  }

  private readDict(stops: string): ValueNode {
    const start = this.position
    this.position += 1
    const entries: { key: string; value: ValueNode }[] = []
    if (this.take('}')) return { kind: 'dict', entries }
    do {
      this.skipSpace()
      const at = this.position
      const next = this.text[at]
      const node: ValueNode =
        next === "'" || next === '"' ? { kind: 'text', parts: this.readQuoted(next) } : this.readWord(':=', false)
      const key = node.kind === 'scalar' ? String(this.text.slice(at, this.position)).trim() : textOf(node)
      if (key === undefined) this.fail('an interpolation cannot be a dictionary key', at)
      if (!this.take(':')) this.fail(`expected ":" after the dictionary key "${key}"`)
      entries.push({ key, value: this.readElement(stops) })
    } while (this.take(','))
    if (!this.take('}')) this.failUnclosed('{', start)
    return { kind: 'dict', entries }
  }

  private readCall(name: string): ValueNode {
    const start = this.position - 1
    const args: { name: string | undefined; value: ValueNode }[] = []
    if (this.take(')')) return { kind: 'call', name, args }
    do {
      this.skipSpace()
      const argument = /^([A-Za-z_][A-Za-z0-9_-]*)[ \t]*=/.exec(this.text.slice(this.position))
      if (argument !== null) this.position += argument[0].length
      else if (args.some((earlier) => earlier.name !== undefined)) {
        this.fail('a positional argument cannot follow a named one')
      }
      args.push({ name: argument?.[1], value: this.readElement('=') })
    } while (this.take(','))
    if (!this.take(')')) this.failUnclosed('(', start)
    return { kind: 'call', name, args }
  }

  private failUnclosed(bracket: string, start: number): never {
    if (this.atEnd) this.fail(`"${bracket}" is never closed`, start)
    return this.fail(`"${this.text[this.position]}" is not expected here; quote the value if it belongs to it`)
  }

  /** Reads unquoted text up to a delimiter. Space at both ends does not count; `\` escapes what has a meaning. */
  private readWord(stops: string, interpolations = true): ValueNode {
    const start = this.position
    const parts: TextPart[] = []
    let literal = ''
    let kept = 0
    let escaped = false
    for (;;) {
      const character = this.text[this.position]
      if (character === undefined) break
      if (character === '\\' && ESCAPABLE.includes(this.text[this.position + 1] ?? '\0')) {
        literal += this.text[this.position + 1]
        this.position += 2
        kept = literal.length
        escaped = true
        continue
      }
      if (interpolations && character === '$' && this.text[this.position + 1] === '{') {
        if (literal !== '') parts.push(literal)
        literal = ''
        kept = 0
        parts.push(this.readInterpolation())
        continue
      }
      if (',[]{}'.includes(character) || stops.includes(character)) break
      if (this.functions && (character === '(' || character === ')')) break
      if (character === "'" || character === '"') {
        this.fail(`the quote ${character} must enclose the whole value, or be left out`)
      }
      literal += character
      this.position += 1
      if (character !== ' ' && character !== '\t') kept = literal.length
    }
    if (kept > 0) parts.push(literal.slice(0, kept))
    if (parts.length === 0) {
      const found = this.text[this.position]
      this.fail(found === undefined ? 'a value is missing at the end' : `a value is missing before "${found}"`, start)
    }
    const only = parts[0]
    if (parts.length === 1 && typeof only === 'string' && !escaped) {
      const value = resolveWord(only)
      if (typeof value !== 'string') return { kind: 'scalar', value }
    }
    return { kind: 'text', parts }
  }

  /** Reads a quoted string. A backslash is special only before the closing quote's kind, or an interpolation. */
  readQuoted(quote: "'" | '"'): TextPart[] {
    const start = this.position
    this.position += 1
    const parts: TextPart[] = []
    let literal = ''
    for (;;) {
      const character = this.text[this.position]
      if (character === undefined) return this.fail(`the quote ${quote} is never closed`, start)
      if (character === '\\') {
        let end = this.position
        while (this.text[end] === '\\') end += 1
        const count = end - this.position
        const before = this.text[end]
        this.position = end
        if (before === quote) {
          literal += '\\'.repeat(Math.floor(count / 2))
          if (count % 2 === 1) {
            literal += quote
            this.position += 1
          }
        } else if (!this.functions && before === '$' && this.text[end + 1] === '{') {
          literal += '\\'.repeat(Math.floor(count / 2))
          if (count % 2 === 1) {
            literal += '${'
            this.position += 2
          }
        } else literal += '\\'.repeat(count)
        continue
      }
      // An override's quoted text is stored as it is; its interpolations are read when the config is.
      if (!this.functions && character === '$' && this.text[this.position + 1] === '{') {
        if (literal !== '') parts.push(literal)
        literal = ''
        parts.push(this.readInterpolation())
        continue
      }
      this.position += 1
      if (character === quote) break
      literal += character
    }
    if (literal !== '') parts.push(literal)
    return parts
  }

  /** Reads `${...}` from the `$` on. */
  readInterpolation(): InterpolationNode {
    return this.nested(() => {
      const start = this.position
      this.position += 2
      this.skipSpace()
      let dots = 0
      while (this.text[this.position] === '.') {
        dots += 1
        this.position += 1
      }
      const path: TextPart[] = []
      let literal = ''
      let resolver = false
      for (;;) {
        const character = this.text[this.position]
        if (character === undefined) this.fail('"${" is never closed by "}"', start)
        if (character === '}') break
        if (character === '$' && this.text[this.position + 1] === '{') {
          if (literal !== '') path.push(literal)
          literal = ''
          path.push(this.readInterpolation())
          continue
        }
        if (character === ':') {
          resolver = true
          break
        }
        if (character === ' ' || character === '\t') {
          this.skipSpace()
          if (this.text[this.position] === ':' || this.text[this.position] === '}') continue
          this.fail('a key in an interpolation cannot hold spaces')
        }
        if ('\\{()\'",'.includes(character!)) this.fail(`"${character}" is not allowed in an interpolation's key`)
        literal += character
        this.position += 1
      }
      if (literal !== '') path.push(literal)
      if (!resolver) {
        if (path.length === 0) this.fail('the interpolation is empty', start)
        this.position += 1
        return { kind: 'node', raw: this.text.slice(start, this.position), dots, path }
      }
      if (dots > 0) this.fail('a resolver name cannot start with a dot', start)
      this.position += 1
      const args = this.readArguments(start)
      return { kind: 'resolver', raw: this.text.slice(start, this.position), name: path, args }
    })
  }

  private readArguments(start: number): ValueNode[] {
    const args: ValueNode[] = []
    // Arguments never call functions, whatever surrounds the interpolation.
    const scanner = new ValueScanner(this.text, { position: this.position, functions: false })
    scanner.depth = this.depth
    const empty: ValueNode = { kind: 'text', parts: [] }
    scanner.skipSpace()
    if (scanner.text[scanner.position] !== '}') {
      for (;;) {
        scanner.skipSpace()
        const next = scanner.text[scanner.position]
        // OmegaConf takes `${f:a,,b}` and `${f:a,}` with empty strings in the gaps.
        args.push(next === ',' || next === '}' ? empty : scanner.readElement(''))
        if (!scanner.take(',')) break
      }
    }
    scanner.skipSpace()
    const found = scanner.text[scanner.position]
    if (found === undefined) this.fail('"${" is never closed by "}"', start)
    if (found !== '}') scanner.fail(`"${found}" is not expected here; quote the argument if it belongs to it`)
    this.position = scanner.position + 1
    return args
  }
}

/** The text of a node without interpolations; `undefined` if it has some or is no text. */
export function textOf(node: ValueNode): string | undefined {
  if (node.kind === 'scalar') return node.value === null ? 'null' : String(node.value)
  if (node.kind !== 'text' || node.parts.some((part) => typeof part !== 'string')) return undefined
  return node.parts.join('')
}

/** A grammar error's message with the text and a mark under the offending character. */
export function describeGrammarError(text: string, error: GrammarError): string {
  return `${error.message}\n  ${text.replace(/[\n\t]/g, ' ')}\n  ${' '.repeat(error.position)}^`
}
