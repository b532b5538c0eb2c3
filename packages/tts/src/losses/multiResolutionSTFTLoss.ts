import {
  AudioSignal,
  ConfigValidationError,
  type Inputs,
  LengthsType,
  Loss,
  LossType,
  ModuleList,
  type Outputs,
  port,
  registerTarget,
  typecheck,
  validateConfig,
} from '@nemo/core'
import { z } from 'zod'
import { STFTLoss } from './stftLoss.js'

const sizes = z.array(z.int().min(1)).min(1).readonly()

/** Keys of a `MultiResolutionSTFTLoss`, with NeMo's names; lists of one length, in samples. */
export const multiResolutionSTFTLossConfigSchema = z.object({
  fft_sizes: sizes,
  hop_sizes: sizes,
  win_lengths: sizes,
  window: z.literal('hann_window').default('hann_window'),
})

/** Keys of a `MultiResolutionSTFTLoss`. */
export type MultiResolutionSTFTLossConfig = z.input<typeof multiResolutionSTFTLossConfigSchema>

/**
 * STFT losses of several geometries.
 *
 * Source: NeMo v1.0.0 `MultiResolutionSTFTLoss`; Yamamoto et al. 2020.
 */
export class MultiResolutionSTFTLoss extends Loss {
  static readonly inputTypes = {
    x: port('B T', AudioSignal),
    y: port('B T', AudioSignal),
    inputLengths: port('B', LengthsType, { optional: true }),
  }
  static readonly outputTypes = { scLoss: [port(null, LossType)], magLoss: [port(null, LossType)] }

  readonly stftLosses: ModuleList<STFTLoss>

  /** @throws ConfigValidationError naming each wrong key, its value and what is allowed. */
  constructor(config: MultiResolutionSTFTLossConfig) {
    super()
    const source = 'MultiResolutionSTFTLoss'
    const { fft_sizes, hop_sizes, win_lengths, window } = validateConfig(multiResolutionSTFTLossConfigSchema, config, {
      source,
    })
    const problems = Object.entries({ hop_sizes, win_lengths })
      .filter(([, list]) => list.length !== fft_sizes.length)
      .map(([keyPath, list]) => ({
        keyPath,
        message: `expected as many as fft_sizes, ${fft_sizes.length}, found ${list.length}`,
      }))
    if (problems.length > 0) throw new ConfigValidationError(problems, source)
    const losses = fft_sizes.map(
      (fft_size, i) => new STFTLoss({ fft_size, shift_size: hop_sizes[i]!, win_length: win_lengths[i]!, window }),
    )
    this.stftLosses = this.addModule('stft_losses', new ModuleList(losses))
  }

  /** As `STFTLoss`, with one loss of each kind for each geometry. */
  @typecheck()
  forward({ x, y, inputLengths }: Inputs<typeof MultiResolutionSTFTLoss>): Outputs<typeof MultiResolutionSTFTLoss> {
    const losses = [...this.stftLosses].map((loss) => loss.forward({ x, y, inputLengths }))
    return { scLoss: losses.map(({ scLoss }) => scLoss), magLoss: losses.map(({ magLoss }) => magLoss) }
  }
}

registerTarget(
  ['nemo.collections.tts.losses.stftlosses.MultiResolutionSTFTLoss'],
  (args) => new MultiResolutionSTFTLoss(args as MultiResolutionSTFTLossConfig),
)
