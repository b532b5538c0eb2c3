import { AsrError } from '../errors.js'

/** How sure a model is of a frame, from its distribution p over V classes; every method gives 0 for a uniform p and 1 for one class. */
export interface ConfidenceMethodConfig {
  /** `max_prob`: the best class's probability; `entropy`: what the distribution's entropy leaves. Default `entropy`. */
  readonly name?: 'max_prob' | 'entropy'
  /**
   * Gibbs: -sum(p^a ln p); Tsallis: (1 - sum(p^a)) / (a - 1); Renyi: log2(sum(p^a)) / (1 - a). With a = 1 all are Shannon's.
   * Default `tsallis`. Gibbs with an a below (ln V + 2 - sqrt(ln²V + 4)) / (2 ln V) gives values below 0 too.
   */
  readonly entropy_type?: 'gibbs' | 'tsallis' | 'renyi'
  /** The exponent a, above 0. Default 0.33. */
  readonly alpha?: number
  /** Maps the entropy H to 1 - H / H_max, or exp(-H) shifted and scaled likewise. Default `exp`. */
  readonly entropy_norm?: 'lin' | 'exp'
}

/** How confidence is computed; keys are those of NeMo's `confidence_cfg`. */
export interface ConfidenceConfig {
  readonly method_cfg?: ConfidenceMethodConfig
  /** How frames become a token's value, tokens a word's and words the utterance's. Default `min`. */
  readonly aggregation?: 'mean' | 'min' | 'max' | 'prod'
}

/** Confidence of frames, and of what consists of them. */
export interface ConfidenceMeasure {
  /** Of a frame's ln P, which are `classes` numbers from `start` on. */
  frame(logProbs: ArrayLike<number>, start: number): number
  /** Of a whole from its parts; 1 for no parts. */
  aggregate(parts: readonly number[]): number
}

/**
 * The measure of a config for so many classes, the blank included.
 *
 * @throws AsrError for an unknown name or an alpha that is not above 0.
 *
 * Source: NeMo v1.23 `asr_confidence_utils.py`; Laptev & Ginsburg 2022.
 */
export function confidenceMeasure(config: ConfidenceConfig, classes: number): ConfidenceMeasure {
  const { name = 'entropy', entropy_type = 'tsallis', alpha = 0.33, entropy_norm = 'exp' } = config.method_cfg ?? {}
  if (!(alpha > 0 && Number.isFinite(alpha))) throw refused('method_cfg.alpha', 'a number above 0', alpha)
  const methods: Readonly<Record<string, () => FrameMeasure>> = {
    max_prob: () => maxProbability(classes, alpha),
    entropy: () => normalizedEntropy(entropies(alpha, classes), entropy_type, entropy_norm),
  }
  const aggregate = choose(aggregations, config.aggregation ?? 'min', 'aggregation')
  const measure = choose(methods, name, 'method_cfg.name')()
  return {
    frame: (logProbs, start) => measure(logProbs, start, classes),
    aggregate: (parts) => (parts.length === 0 ? 1 : aggregate(parts)),
  }
}

type FrameMeasure = (logProbs: ArrayLike<number>, start: number, classes: number) => number

const aggregations: Readonly<Record<string, (parts: readonly number[]) => number>> = {
  mean: (parts) => parts.reduce((sum, part) => sum + part, 0) / parts.length,
  min: (parts) => parts.reduce((a, b) => Math.min(a, b)),
  max: (parts) => parts.reduce((a, b) => Math.max(a, b)),
  prod: (parts) => parts.reduce((a, b) => a * b, 1),
}

function maxProbability(classes: number, alpha: number): FrameMeasure {
  // (V p)^a - 1 over its largest value; a = 1 is NeMo's unscaled form.
  const uniform = classes ** -alpha
  return (logProbs, start) => {
    let best = Number.NEGATIVE_INFINITY
    for (let c = 0; c < classes; c++) best = Math.max(best, logProbs[start + c]!)
    return (Math.exp(best * alpha) - uniform) / (1 - uniform)
  }
}

interface Entropy {
  /** H of a frame. */
  of(logProbs: ArrayLike<number>, start: number, classes: number): number
  /** H of the uniform distribution. */
  readonly largest: number
  /** exp(-H) in the unit that the exponential norm uses. */
  exp(entropy: number): number
}

function entropies(alpha: number, classes: number): Readonly<Record<string, Entropy>> {
  const uniform = (at: Entropy['of']) =>
    at(
      Array.from({ length: classes }, () => -Math.log(classes)),
      0,
      classes,
    )
  const make = (of: Entropy['of'], exp: Entropy['exp']): Entropy => ({ of, exp, largest: uniform(of) })
  const shannon: Entropy['of'] = (logProbs, start, count) =>
    -sumOver(logProbs, start, count, (lnP) => (lnP === Number.NEGATIVE_INFINITY ? 0 : Math.exp(lnP) * lnP))
  const natural = make(shannon, (h) => Math.exp(-h))
  if (alpha === 1) return { gibbs: natural, tsallis: natural, renyi: natural }
  const powers: Entropy['of'] = (logProbs, start, count) =>
    sumOver(logProbs, start, count, (lnP) => Math.exp(lnP * alpha))
  return {
    gibbs: make(
      (logProbs, start, count) =>
        -sumOver(logProbs, start, count, (lnP) => (lnP === Number.NEGATIVE_INFINITY ? 0 : Math.exp(lnP * alpha) * lnP)),
      (h) => Math.exp(-h * alpha),
    ),
    tsallis: make(
      (...frame) => (1 - powers(...frame)) / (alpha - 1),
      (h) => Math.exp(-h),
    ),
    renyi: make(
      (...frame) => Math.log2(powers(...frame)) / (1 - alpha),
      (h) => 2 ** -h,
    ),
  }
}

function normalizedEntropy(table: Readonly<Record<string, Entropy>>, type: string, norm: string): FrameMeasure {
  const entropy = choose(table, type, 'method_cfg.entropy_type')
  const least = entropy.exp(entropy.largest)
  const norms: Readonly<Record<string, (h: number) => number>> = {
    lin: (h) => 1 - h / entropy.largest,
    exp: (h) => (entropy.exp(h) - least) / (1 - least),
  }
  const normalize = choose(norms, norm, 'method_cfg.entropy_norm')
  return (logProbs, start, classes) => normalize(entropy.of(logProbs, start, classes))
}

function sumOver(values: ArrayLike<number>, start: number, count: number, term: (value: number) => number): number {
  let sum = 0
  for (let i = 0; i < count; i++) sum += term(values[start + i]!)
  return sum
}

function choose<T>(table: Readonly<Record<string, T>>, key: string, name: string): T {
  if (Object.hasOwn(table, key)) return table[key]!
  throw refused(name, Object.keys(table).join(', '), key)
}

const refused = (key: string, expected: string, found: unknown): AsrError =>
  new AsrError('NEMO_ASR_CONFIDENCE', `confidence.${key}: expected ${expected}, found ${JSON.stringify(found)}.`)
