import { addDims, type Dim, floorDivideDims, multiplyDims, subtractDims } from '../../dim.js'

// Longer texts are opaque names: they could unfold into thousands of terms.
const LONGEST = 80

const token = /\s*(?:(\d+)|([A-Za-z_][\w.]*)|(\/\/|[-+*/(),]))/y

/**
 * Reads a `dim_param` as a size: a whole number, a name, or a formula over names with `+ - * //`, parentheses and
 * `floor(a/b)`, as this package and PyTorch's exporter write them.
 *
 * @param resolve - The dim that stands for a name. Default: the name itself.
 * @returns undefined if the text is anything else.
 */
export function parseDimExpression(text: string, resolve: (name: string) => Dim = (name) => name): Dim | undefined {
  if (text.length > LONGEST) return undefined
  const tokens: string[] = []
  token.lastIndex = 0
  while (token.lastIndex < text.length) {
    const match = token.exec(text)
    if (!match) return undefined
    tokens.push((match[1] ?? match[2] ?? match[3])!)
  }
  try {
    const parser = new DimParser(tokens, resolve)
    return parser.parse()
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

class DimParser {
  readonly #tokens: readonly string[]
  #at = 0
  readonly #resolve: (name: string) => Dim

  constructor(tokens: readonly string[], resolve: (name: string) => Dim) {
    this.#tokens = tokens
    this.#resolve = resolve
  }

  parse(): Dim {
    const dim = this.#sum()
    if (this.#at !== this.#tokens.length) throw new SyntaxError('text is left')
    return dim
  }

  #take(...expected: string[]): string | undefined {
    const next = this.#tokens[this.#at]
    if (next === undefined || !expected.includes(next)) return undefined
    this.#at++
    return next
  }

  #require(expected: string): void {
    if (!this.#take(expected)) throw new SyntaxError(`expected ${expected}`)
  }

  #sum(): Dim {
    let left = this.#take('-') ? multiplyDims(-1, this.#product()) : this.#product()
    for (let operator = this.#take('+', '-'); operator; operator = this.#take('+', '-')) {
      const right = this.#product()
      left = operator === '+' ? addDims(left, right) : subtractDims(left, right)
    }
    return left
  }

  #product(): Dim {
    let left = this.#factor()
    for (let operator = this.#take('*', '//'); operator; operator = this.#take('*', '//')) {
      const right = this.#factor()
      left = operator === '*' ? multiplyDims(left, right) : divide(left, right)
    }
    return left
  }

  #factor(): Dim {
    if (this.#take('(')) {
      const inner = this.#sum()
      this.#require(')')
      return inner
    }
    const text = this.#tokens[this.#at++]
    if (text === undefined || !/^\w/.test(text)) throw new SyntaxError('expected a name or number')
    if (/^\d/.test(text)) {
      if (!Number.isSafeInteger(Number(text))) throw new SyntaxError('too large')
      return Number(text)
    }
    if (text === 'floor' && this.#take('(')) {
      const numerator = this.#product()
      this.#require('/')
      const divisor = this.#factor()
      this.#require(')')
      return divide(numerator, divisor)
    }
    if (this.#tokens[this.#at] === '(') throw new SyntaxError(`unknown function ${text}`)
    return this.#resolve(text)
  }
}

function divide(a: Dim, b: Dim): Dim {
  if (typeof b === 'number' && b < 1) throw new SyntaxError('division by zero')
  return floorDivideDims(a, b)
}
