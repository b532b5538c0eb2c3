import {
  ConfigValidationError,
  type Inputs,
  NeuralModule,
  type Outputs,
  port,
  registerTarget,
  SpectrogramType,
  typecheck,
  validateConfig,
} from '@nemo/core'
import {
  add,
  cast,
  constant,
  type Dim,
  dimTensor,
  greater,
  greaterOrEqual,
  less,
  logicalAnd,
  logicalOr,
  matMul,
  maximum,
  minimum,
  mul,
  randomIntegers,
  range,
  reduceMax,
  sub,
  swapAxes,
  type Tensor,
  unsqueeze,
  where,
} from '@nemo/graph'
import { z } from 'zod'

const count = z.int().min(0)

/** Keys of a `SpectrogramAugmentation`, with NeMo's names, defaults and meanings. */
export const spectrogramAugmentationConfigSchema = z.object({
  /** Bands of features to mask in each item. */
  freq_masks: count.default(0),
  /** Stretches of time to mask in each item. */
  time_masks: count.default(0),
  /** Widest band, features. */
  freq_width: count.default(10),
  /** Widest stretch: frames, or below 1 a share of the batch's frames (at least one frame). */
  time_width: z.union([count, z.number().min(0).lt(1)]).default(10),
  /** Rectangles to cut out of each item. */
  rect_masks: count.default(0),
  /** Longest rectangle, frames. */
  rect_time: count.default(5),
  /** Highest rectangle, features. */
  rect_freq: count.default(20),
  /** Value of bands and stretches; rectangles are 0. */
  mask_value: z.number().default(0),
  /** NeMo's place for a random number generator; ours is the program's key. */
  rng: z.null().optional(),
})

/** Keys of a `SpectrogramAugmentation`. */
export type SpectrogramAugmentationConfig = z.input<typeof spectrogramAugmentationConfigSchema>

/**
 * Masks random rectangles (SpecCutout), then random bands of features and stretches of time (SpecAugment).
 *
 * Each mask has a start drawn from 0 ... size - width and a width drawn from 0 ... width, ends included. The numbers are a
 * function of the program's seed and step. It masks in every mode: models apply it while training only.
 *
 * Source: NeMo v1.0.0 `SpectrogramAugmentation`; Park et al. 2019, DeVries & Taylor 2017. Differences: a width above a
 * size known at run time only counts as the size (NeMo raises); `time_width: 1.0` is one frame, not all, as a config's
 * numbers do not tell 1.0 from 1.
 */
export class SpectrogramAugmentation extends NeuralModule {
  static readonly inputTypes = { inputSpec: port('B D T', SpectrogramType) }
  static readonly outputTypes = { augmentedSpec: port('B D T', SpectrogramType) }

  readonly #config: z.output<typeof spectrogramAugmentationConfigSchema>

  /** @throws ConfigValidationError naming each wrong key, its value and what is allowed. */
  constructor(config: SpectrogramAugmentationConfig = {}) {
    super()
    this.#config = validateConfig(spectrogramAugmentationConfigSchema, config, { source: 'SpectrogramAugmentation' })
  }

  /**
   * Same shape as `inputSpec` `[B, D, T]`.
   *
   * @throws ConfigValidationError if a width exceeds the number of features, or of frames where it is known.
   */
  @typecheck()
  forward({ inputSpec }: Inputs<typeof SpectrogramAugmentation>): Outputs<typeof SpectrogramAugmentation> {
    const { rect_masks, rect_freq, rect_time, freq_masks, freq_width, time_masks, time_width, mask_value } =
      this.#config
    let spec: Tensor = inputSpec
    if (rect_masks > 0) {
      const rows = drawMasks(inputSpec, 1, rect_masks, width(inputSpec, 1, 'rect_freq', rect_freq))
      const columns = drawMasks(inputSpec, 2, rect_masks, width(inputSpec, 2, 'rect_time', rect_time))
      // The product counts the rectangles over each cell.
      const cells = matMul(swapAxes(cast(rows, 'float32'), 1, 2), cast(columns, 'float32'))
      spec = where(greater(cells, 0), 0, spec)
    }
    const masked: Tensor[] = []
    if (freq_masks > 0) {
      const bands = drawMasks(inputSpec, 1, freq_masks, width(inputSpec, 1, 'freq_width', freq_width))
      masked.push(unsqueeze(anyMask(bands), 2))
    }
    if (time_masks > 0) {
      const stretches = drawMasks(inputSpec, 2, time_masks, width(inputSpec, 2, 'time_width', time_width))
      masked.push(unsqueeze(anyMask(stretches), 1))
    }
    if (masked.length > 0) spec = where(masked.reduce(logicalOr), mask_value, spec)
    return { augmentedSpec: spec }
  }
}

/** The largest mask along an axis as an int64 scalar, at most the axis' size. */
function width(x: Tensor, axis: 1 | 2, key: string, value: number): Tensor {
  const size = x.dim(axis)
  if (value > 0 && value < 1) {
    // float64, as Python computes it: 100 * 0.29 is 28.999999999999996.
    const share = mul(cast(dimTensor(size, [x]), 'float64'), constant(value, 'float64'))
    return maximum(cast(share, 'int64'), constant(1, 'int64'))
  }
  if (typeof size === 'number' && value > size) {
    const what = axis === 1 ? 'features' : 'frames'
    throw new ConfigValidationError(
      [{ keyPath: key, message: `expected at most the number of ${what}, ${size}, found ${value}` }],
      'SpectrogramAugmentation',
    )
  }
  return minimum(constant(value, 'int64'), dimTensor(size, [x]))
}

/** `count` masks of each item along an axis: bool `[B, count, size]`. */
function drawMasks(x: Tensor, axis: 1 | 2, count: number, widest: Tensor): Tensor {
  const size = dimTensor(x.dim(axis), [x])
  const draws: readonly Dim[] = [x.dim(0), count, 1]
  const start = randomIntegers(draws, sub(size, widest), [x])
  const end = add(start, randomIntegers(draws, widest, [x]))
  const position = range(size)
  return logicalAnd(greaterOrEqual(position, start), less(position, end))
}

/** bool `[B, count, size]` -> `[B, size]` */
const anyMask = (masks: Tensor): Tensor => greater(reduceMax(cast(masks, 'float32'), 1), 0)

registerTarget(
  [
    'nemo.collections.asr.modules.SpectrogramAugmentation',
    'nemo.collections.asr.modules.audio_preprocessing.SpectrogramAugmentation',
  ],
  (args) => new SpectrogramAugmentation(args),
)
