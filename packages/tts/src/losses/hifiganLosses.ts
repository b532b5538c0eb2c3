import { type Inputs, Loss, LossType, type Outputs, port, registerTarget, typecheck, VoidType } from '@nemo/core'
import { abs, add, constant, mul, reduceMean, square, sub, type Tensor } from '@nemo/graph'
import { TtsError } from '../errors.js'

/**
 * Least-squares loss of discriminators: real speech should score 1, generated speech 0.
 *
 * Source: NeMo v1.0.0 `DiscriminatorLoss` of HiFi-GAN; Mao et al. 2017.
 */
export class DiscriminatorLoss extends Loss {
  static readonly inputTypes = {
    discRealOutputs: [port('B T', VoidType)],
    discGeneratedOutputs: [port('B T', VoidType)],
  }
  static readonly outputTypes = {
    loss: port(null, LossType),
    realLosses: [port(null, LossType)],
    fakeLosses: [port(null, LossType)],
  }

  /**
   * Scores `[B, T]` of each discriminator -> their losses and the sum of all.
   *
   * @throws TtsError for lists of different lengths.
   */
  @typecheck()
  forward({
    discRealOutputs,
    discGeneratedOutputs,
  }: Inputs<typeof DiscriminatorLoss>): Outputs<typeof DiscriminatorLoss> {
    sameLength('DiscriminatorLoss', discRealOutputs, discGeneratedOutputs)
    const realLosses = discRealOutputs.map(distanceFromOne)
    const fakeLosses = discGeneratedOutputs.map((scores) => reduceMean(square(scores)))
    return { loss: total(realLosses.flatMap((loss, i) => [loss, fakeLosses[i]!])), realLosses, fakeLosses }
  }
}

/**
 * Least-squares loss of a generator: its speech should score 1.
 *
 * Source: NeMo v1.0.0 `GeneratorLoss` of HiFi-GAN.
 */
export class GeneratorLoss extends Loss {
  static readonly inputTypes = { discOutputs: [port('B T', VoidType)] }
  static readonly outputTypes = { loss: port(null, LossType), fakeLosses: [port(null, LossType)] }

  /**
   * Scores `[B, T]` of each discriminator -> their losses and the sum.
   *
   * @throws TtsError for an empty list.
   */
  @typecheck()
  forward({ discOutputs }: Inputs<typeof GeneratorLoss>): Outputs<typeof GeneratorLoss> {
    sameLength('GeneratorLoss', discOutputs, discOutputs)
    const fakeLosses = discOutputs.map(distanceFromOne)
    return { loss: total(fakeLosses), fakeLosses }
  }
}

/**
 * Twice the sum of the mean absolute differences of the discriminators' inner outputs for real and generated speech.
 *
 * Source: NeMo v1.0.0 `FeatureMatchingLoss` of HiFi-GAN; Larsen et al. 2016.
 */
export class FeatureMatchingLoss extends Loss {
  static readonly inputTypes = { fmapR: [[port(null, VoidType)]], fmapG: [[port(null, VoidType)]] }
  static readonly outputTypes = { loss: port(null, LossType) }

  /**
   * Outputs of each layer of each discriminator -> a scalar.
   *
   * @throws TtsError for lists of different lengths.
   */
  @typecheck()
  forward({ fmapR, fmapG }: Inputs<typeof FeatureMatchingLoss>): Outputs<typeof FeatureMatchingLoss> {
    sameLength('FeatureMatchingLoss', fmapR, fmapG)
    const differences = fmapR.flatMap((layers, i) => {
      sameLength('FeatureMatchingLoss', layers, fmapG[i]!)
      return layers.map((layer, j) => reduceMean(abs(sub(layer, fmapG[i]![j]!))))
    })
    const sum = total(differences)
    return { loss: mul(sum, constant(2, sum.dtype)) }
  }
}

const distanceFromOne = (scores: Tensor): Tensor => reduceMean(square(sub(constant(1, scores.dtype), scores)))

const total = (losses: readonly Tensor[]): Tensor => losses.reduce((sum, loss) => add(sum, loss))

function sameLength(name: string, a: readonly unknown[], b: readonly unknown[]): void {
  if (a.length === b.length && a.length > 0) return
  throw new TtsError(
    'NEMO_LOSS_LISTS',
    `${name}: expected lists of one length, at least 1, found ${a.length} and ${b.length}. Give the outputs of the same discriminators for both.`,
  )
}

registerTarget(['nemo.collections.tts.losses.hifigan_losses.DiscriminatorLoss'], () => new DiscriminatorLoss())
registerTarget(['nemo.collections.tts.losses.hifigan_losses.GeneratorLoss'], () => new GeneratorLoss())
registerTarget(['nemo.collections.tts.losses.hifigan_losses.FeatureMatchingLoss'], () => new FeatureMatchingLoss())
