import { AsrError } from '../errors.js'
import { editDistance } from './editDistance.js'

/** Edit operations over reference units. */
export interface ErrorCounts {
  /** Insertions, deletions and substitutions. */
  readonly errors: number
  /** Words (or characters) of the references. */
  readonly units: number
}

// What Python's `str.isspace` says yes to; JavaScript's `\s` lacks the five separators and has U+FEFF.
const separators = String.fromCodePoint(0x1c, 0x1d, 0x1e, 0x1f, 0x85)
const whiteSpace = new RegExp(
  `[${separators}\\t-\\r \\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+`,
  'u',
)

/** Words as Python's `str.split` finds them. */
export const splitWords = (text: string): string[] => text.split(whiteSpace).filter((word) => word !== '')

/** Errors of one hypothesis: over words, or over characters (code points) with `useCer`. */
export function countErrors(hypothesis: string, reference: string, useCer = false): ErrorCounts {
  const [h, r] = useCer ? [[...hypothesis], [...reference]] : [splitWords(hypothesis), splitWords(reference)]
  return { errors: editDistance(h, r), units: r.length }
}

/**
 * Word (or character) error rate of a corpus: all errors over all reference units. Empty references give infinity.
 *
 * @throws AsrError if the lists differ in length.
 *
 * Source: NeMo v1.0.0 `word_error_rate`.
 */
export function wordErrorRate(
  hypotheses: readonly string[],
  references: readonly string[],
  options: { useCer?: boolean } = {},
): number {
  if (hypotheses.length !== references.length) {
    throw new AsrError(
      'NEMO_WER_LENGTH',
      `wordErrorRate: expected as many hypotheses as references, found ${hypotheses.length} and ${references.length}.`,
    )
  }
  const counter = new WER(options)
  for (const [i, hypothesis] of hypotheses.entries()) counter.update(hypothesis, references[i]!)
  return counter.compute()
}

/** Error rate over utterances added one by one. Unlike NeMo 1.0's metric, updates add up. */
export class WER {
  #errors = 0
  #units = 0
  readonly #useCer: boolean

  constructor(options: { useCer?: boolean } = {}) {
    this.#useCer = options.useCer ?? false
  }

  update(hypothesis: string, reference: string): void {
    const { errors, units } = countErrors(hypothesis, reference, this.#useCer)
    this.#errors += errors
    this.#units += units
  }

  get counts(): ErrorCounts {
    return { errors: this.#errors, units: this.#units }
  }

  /** Errors per unit; infinity when there are no units. */
  compute(): number {
    return this.#units === 0 ? Number.POSITIVE_INFINITY : this.#errors / this.#units
  }
}
