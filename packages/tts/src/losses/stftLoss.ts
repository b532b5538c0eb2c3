import {
  AudioSignal,
  type Inputs,
  LengthsType,
  Loss,
  LossType,
  type Outputs,
  port,
  registerTarget,
  typecheck,
  validateConfig,
} from '@nemo/core'
import { add, cast, constant, div, floor } from '@nemo/graph'
import { z } from 'zod'
import { LogSTFTMagnitudeLoss } from './logSTFTMagnitudeLoss.js'
import { SpectralConvergenceLoss } from './spectralConvergenceLoss.js'
import { stftMagnitude } from './stftMagnitude.js'

/** Keys of an `STFTLoss`, with NeMo's names and defaults; all in samples. */
export const stftLossConfigSchema = z.object({
  fft_size: z.int().min(2).default(1024),
  /** From one frame to the next. */
  shift_size: z.int().min(1).default(120),
  win_length: z.int().min(1).default(600),
  /** Of NeMo's, which are PyTorch's, this is the one in use. */
  window: z.literal('hann_window').default('hann_window'),
})

/** Keys of an `STFTLoss`. */
export type STFTLossConfig = z.input<typeof stftLossConfigSchema>

/**
 * Compares waveforms by the magnitudes of one short-time Fourier transform.
 *
 * Source: NeMo v1.0.0 `STFTLoss`.
 */
export class STFTLoss extends Loss {
  static readonly inputTypes = {
    x: port('B T', AudioSignal),
    y: port('B T', AudioSignal),
    inputLengths: port('B', LengthsType, { optional: true }),
  }
  static readonly outputTypes = { scLoss: port(null, LossType), magLoss: port(null, LossType) }

  readonly spectralConvergenceLoss: SpectralConvergenceLoss
  readonly logStftMagnitudeLoss: LogSTFTMagnitudeLoss
  readonly #config: z.output<typeof stftLossConfigSchema>

  /** @throws ConfigValidationError naming each wrong key, its value and what is allowed. */
  constructor(config: STFTLossConfig = {}) {
    super()
    this.#config = validateConfig(stftLossConfigSchema, config, { source: 'STFTLoss' })
    this.spectralConvergenceLoss = this.addModule('spectral_convergence_loss', new SpectralConvergenceLoss())
    this.logStftMagnitudeLoss = this.addModule('log_stft_magnitude_loss', new LogSTFTMagnitudeLoss())
  }

  /**
   * @param inputs.x - Predicted waveforms `[B, L]`.
   * @param inputs.y - True waveforms `[B, L]`.
   * @param inputs.inputLengths - Valid samples of each item; both waveforms should be 0 after them.
   * @returns spectral convergence and log magnitude losses, scalars.
   */
  @typecheck()
  forward({ x, y, inputLengths }: Inputs<typeof STFTLoss>): Outputs<typeof STFTLoss> {
    const { fft_size, shift_size, win_length } = this.#config
    const geometry = { fftSize: fft_size, hopSamples: shift_size, windowSamples: win_length }
    const [xMag, yMag] = [stftMagnitude(x, geometry), stftMagnitude(y, geometry)]
    const { loss: scLoss } = this.spectralConvergenceLoss.forward({ xMag, yMag })
    if (!inputLengths) return { scLoss, magLoss: this.logStftMagnitudeLoss.forward({ xMag, yMag }).loss }
    const frames = add(floor(div(cast(inputLengths, x.dtype), constant(shift_size, x.dtype))), constant(1, x.dtype))
    const lengths = cast(frames, 'int64')
    return { scLoss, magLoss: this.logStftMagnitudeLoss.forward({ xMag, yMag, inputLengths: lengths }).loss }
  }
}

registerTarget(['nemo.collections.tts.losses.stftlosses.STFTLoss'], (args) => new STFTLoss(args as STFTLossConfig))
