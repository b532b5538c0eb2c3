import {
  type Inputs,
  LengthsType,
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
  constant,
  dimTensor,
  div,
  expand,
  fullLike,
  gatherElements,
  greaterOrEqual,
  less,
  logicalAnd,
  maximum,
  minimum,
  randomIntegers,
  range,
  sub,
  type Tensor,
  unsqueeze,
  where,
} from '@nemo/graph'
import { z } from 'zod'

/** Keys of a `CropOrPadSpectrogramAugmentation`. */
export const cropOrPadConfigSchema = z.object({
  /** Frames of the result. */
  audio_length: z.int().min(1),
})

/** Keys of a `CropOrPadSpectrogramAugmentation`. */
export type CropOrPadSpectrogramAugmentationConfig = z.input<typeof cropOrPadConfigSchema>

/**
 * Brings spectrograms to a fixed number of frames: zeros on both sides (one more on the right if odd), or a random crop of
 * each item.
 *
 * Source: NeMo v1.0.0 `CropOrPadSpectrogramAugmentation`. Difference: outside training the crop is the middle, so that results
 * do not depend on chance.
 */
export class CropOrPadSpectrogramAugmentation extends NeuralModule {
  static readonly inputTypes = { inputSignal: port('B D T', SpectrogramType), length: port('B', LengthsType) }
  static readonly outputTypes = {
    processedSignal: port('B D T', SpectrogramType),
    processedLength: port('B', LengthsType),
  }

  readonly audioLength: number

  /** @throws ConfigValidationError naming each wrong key, its value and what is allowed. */
  constructor(config: CropOrPadSpectrogramAugmentationConfig) {
    super()
    const source = 'CropOrPadSpectrogramAugmentation'
    this.audioLength = validateConfig(cropOrPadConfigSchema, config, { source }).audio_length
  }

  /** `[B, D, T]` -> `[B, D, audio_length]`; all lengths become `audio_length`. */
  @typecheck()
  forward({
    inputSignal,
    length,
  }: Inputs<typeof CropOrPadSpectrogramAugmentation>): Outputs<typeof CropOrPadSpectrogramAugmentation> {
    const x = inputSignal
    const [batch, features, frames] = [x.dim(0), x.dim(1), dimTensor(x.dim(2), [x])]
    const zero = constant(0, 'int64')
    const wanted = constant(this.audioLength, 'int64')
    const spare = maximum(sub(frames, wanted), zero)
    const padding = div(maximum(sub(wanted, frames), zero), constant(2, 'int64'))
    const start: Tensor = this.training ? randomIntegers([batch, 1, 1], spare, [x]) : div(spare, constant(2, 'int64'))
    const index = sub(add(unsqueeze(range(this.audioLength), [0, 1]), start), padding)
    const inside = logicalAnd(greaterOrEqual(index, zero), less(index, frames))
    const clamped = minimum(maximum(index, zero), sub(frames, constant(1, 'int64')))
    const picked = gatherElements(x, expand(clamped, [batch, features, this.audioLength], [x]), 2)
    return { processedSignal: where(inside, picked, 0), processedLength: fullLike(length, this.audioLength) }
  }
}

registerTarget(
  [
    'nemo.collections.asr.modules.CropOrPadSpectrogramAugmentation',
    'nemo.collections.asr.modules.audio_preprocessing.CropOrPadSpectrogramAugmentation',
  ],
  (args) => new CropOrPadSpectrogramAugmentation(args as CropOrPadSpectrogramAugmentationConfig),
)
