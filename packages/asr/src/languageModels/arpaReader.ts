import { LanguageModelFileError } from './errors.js'
import { LONGEST_ORDER } from './kenLmHeader.js'
import type { ProbingModel } from './probingModel.js'
import { ProbingModelBuilder } from './probingModelBuilder.js'

/** How strictly an ARPA file is read. */
export interface ArpaOptions {
  /** log10 P of unknown words where the file has no `<unk>`. Default -100. */
  readonly unknownLog10Prob?: number
  /** Take a probability above 1 as 1 instead of refusing it. Default false. */
  readonly clampPositive?: boolean
  /** Accept a file without `<s>` or `</s>`. Default false. */
  readonly allowMissingMarkers?: boolean
}

type Section = 'before' | 'counts' | 'ngrams' | 'expect' | 'done'

const [TAB, NEWLINE, RETURN, SPACE, ZERO] = [9, 10, 13, 32, 0]
const isBlank = (byte: number): boolean => byte === SPACE || byte === TAB || byte === RETURN || byte === ZERO

/**
 * Reads the text format of n-gram models, piece by piece. N-grams go into hash tables as they come; suffixes that the file
 * lacks are filled in, as KenLM does.
 */
export class ArpaReader {
  readonly #options: ArpaOptions
  readonly #source: string
  readonly #counts: number[] = []
  #builder: ProbingModelBuilder | undefined
  #section: Section = 'before'
  #order = 0
  #left = 0
  #line = 0
  #rest: Uint8Array = new Uint8Array(0)
  readonly #ids: number[] = []
  // Where the next word of the line begins and ends.
  #from = 0
  #to = 0

  /** @param source - What messages call the file. */
  constructor(source: string, options: ArpaOptions = {}) {
    this.#source = source
    this.#options = options
  }

  /** Reads on. @throws LanguageModelFileError */
  push(piece: Uint8Array): void {
    let bytes = piece
    if (this.#rest.length > 0) {
      bytes = new Uint8Array(this.#rest.length + piece.length)
      bytes.set(this.#rest)
      bytes.set(piece, this.#rest.length)
    }
    let start = 0
    for (;;) {
      const end = bytes.indexOf(NEWLINE, start)
      if (end < 0) break
      this.#take(bytes, start, end)
      start = end + 1
    }
    this.#rest = bytes.slice(start)
  }

  /** The model. @throws LanguageModelFileError if the file ends too early. */
  finish(): ProbingModel {
    if (this.#rest.length > 0) this.#take(this.#rest, 0, this.#rest.length)
    if (this.#section !== 'done') this.#fail('the file ends without \\end\\. It was cut off.')
    const builder = this.#builder!
    const missing = ['<s>', '</s>'].filter((marker) => builder.index(marker) === 0)
    if (missing.length > 0 && !this.#options.allowMissingMarkers)
      this.#fail(
        `there is no unigram ${missing.join(' nor ')}. Scores of sentences need it; allowMissingMarkers reads it all the same.`,
      )
    return builder.finish()
  }

  #take(bytes: Uint8Array, start: number, lineEnd: number): void {
    this.#line++
    let end = lineEnd
    while (end > start && isBlank(bytes[end - 1]!)) end--
    if (end === start) return
    if (this.#section === 'ngrams' && this.#left > 0 && bytes[start] !== 0x5c) this.#takeNGram(bytes, start, end)
    else this.#takeOther(new TextDecoder().decode(bytes.subarray(start, end)))
  }

  #takeOther(text: string): void {
    switch (this.#section) {
      case 'before':
        if (text === '\\data\\') this.#section = 'counts'
        else if (!text.startsWith('#')) this.#fail(`expected \\data\\, found ${quote(text)}. Is it an ARPA file?`)
        return
      case 'counts': {
        const count = /^ngram\s+(\d+)\s*=\s*(\d+)$/.exec(text)
        if (!count) {
          this.#begin()
          this.#takeOther(text)
          return
        }
        if (Number(count[1]) !== this.#counts.length + 1 || this.#counts.length === LONGEST_ORDER)
          this.#fail(`expected the count of order ${this.#counts.length + 1}, found ${quote(text)}.`)
        this.#counts.push(Number(count[2]))
        return
      }
      case 'expect': {
        const wanted = this.#order < this.#counts.length ? `\\${this.#order + 1}-grams:` : '\\end\\'
        if (text !== wanted) {
          const much = text.startsWith('\\')
            ? ''
            : ` It declares ${this.#counts[this.#order - 1]} n-grams of order ${this.#order}; are there more?`
          this.#fail(`expected ${wanted}, found ${quote(text)}.${much}`)
        }
        if (wanted === '\\end\\') {
          this.#section = 'done'
          return
        }
        this.#order++
        this.#left = this.#counts[this.#order - 1]!
        this.#builder!.beginOrder(this.#order)
        this.#section = this.#left > 0 ? 'ngrams' : 'expect'
        return
      }
      case 'ngrams':
        this.#fail(
          `expected ${this.#left} more n-grams of order ${this.#order} of the ${this.#counts[this.#order - 1]} declared, found ${quote(text)}.`,
        )
        return
      case 'done':
        this.#fail(`expected nothing after \\end\\, found ${quote(text)}.`)
    }
  }

  #begin(): void {
    if (this.#counts.length === 0) this.#fail('expected the numbers of n-grams after \\data\\, found none.')
    this.#builder = new ProbingModelBuilder(this.#counts, {
      fail: (problem) => this.#fail(problem),
      unknownLog10Prob: this.#options.unknownLog10Prob ?? -100,
    })
    this.#section = 'expect'
  }

  #takeNGram(bytes: Uint8Array, start: number, end: number): void {
    const order = this.#order
    const builder = this.#builder!
    this.#to = start
    this.#next(bytes, end)
    let prob = this.#number(bytes, 'probability')
    if (prob > 0) {
      if (!this.#options.clampPositive)
        this.#fail(`the log10 probability is ${prob}, above 0. clampPositive takes it as 0.`)
      prob = 0
    }
    const ids = this.#ids
    ids.length = order
    let [wordStart, wordEnd] = [0, 0]
    for (let i = 0; i < order; i++) {
      this.#next(bytes, end)
      if (this.#from === this.#to) this.#fail(`expected ${order} words, found ${i}.`)
      if (order === 1) {
        wordStart = this.#from
        wordEnd = this.#to
      } else {
        ids[i] = builder.indexOfBytes(bytes, this.#from, this.#to)
      }
    }
    this.#next(bytes, end)
    let backoff = -0
    if (this.#from < this.#to) {
      backoff = this.#number(bytes, 'backoff')
      // A backoff of 0 says nothing; whether longer n-grams begin so is seen when they come.
      if (backoff === 0) backoff = -0
      if (order === this.#counts.length && order > 1 && backoff !== 0)
        this.#fail(`an n-gram of the longest order has the backoff ${backoff}, expected none.`)
      this.#next(bytes, end)
      if (this.#from < this.#to) this.#fail(`expected the end of the line after the backoff.`)
    }
    if (order === 1) builder.addWord(bytes.subarray(wordStart, wordEnd), prob, backoff)
    else builder.addNGram(ids, prob, backoff)
    if (--this.#left === 0) this.#section = 'expect'
  }

  #next(bytes: Uint8Array, end: number): void {
    let at = this.#to
    while (at < end && isBlank(bytes[at]!)) at++
    this.#from = at
    while (at < end && !isBlank(bytes[at]!)) at++
    this.#to = at
  }

  // A number, in single precision; the plain ones of ARPA files without making a string.
  #number(bytes: Uint8Array, what: string): number {
    let at = this.#from
    const end = this.#to
    const negative = bytes[at] === 0x2d
    if (negative) at++
    let digits = 0
    let value = 0
    let scale = 1
    let point = false
    for (; at < end; at++) {
      const byte = bytes[at]!
      if (byte >= 0x30 && byte <= 0x39) {
        value = value * 10 + byte - 0x30
        if (point) scale *= 10
        digits++
      } else if (byte === 0x2e && !point) point = true
      else break
    }
    if (at === end && digits > 0 && digits <= 15) return Math.fround((negative ? -value : value) / scale)
    const text = new TextDecoder().decode(bytes.subarray(this.#from, end))
    const known = /^-inf(inity)?$/i.test(text)
      ? Number.NEGATIVE_INFINITY
      : /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text)
        ? Number(text)
        : Number.NaN
    if (Number.isNaN(known)) this.#fail(`expected a number as ${what}, found ${quote(text)}.`)
    return Math.fround(known)
  }

  #fail(problem: string): never {
    throw new LanguageModelFileError('NEMO_ASR_ARPA', `${this.#source}, line ${this.#line}: ${problem}`)
  }
}

const quote = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text)
