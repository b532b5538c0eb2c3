import { powerSpectrogram, windowFunction } from '@nemo/audio'
import {
  AudioSignal,
  type Inputs,
  LengthsType,
  Module,
  NeuralModule,
  type Outputs,
  port,
  registerTarget,
  SpectrogramType,
  typecheck,
  validateConfig,
} from '@nemo/core'
import { add, constant, div, type Parameter, reduceSum, square, type Tensor } from '@nemo/graph'
import { z } from 'zod'
import { framing, framingFields, windowField } from './framingConfig.js'

/** Keys of an `AudioToSpectrogramPreprocessor`, with NeMo's names, defaults and meanings. */
export const spectrogramPreprocessorConfigSchema = z.object({
  ...framingFields,
  window: windowField,
  /** Divide by the energy of the window. */
  normalized: z.boolean().default(true),
})

/** Keys of an `AudioToSpectrogramPreprocessor`. */
export type AudioToSpectrogramPreprocessorConfig = z.input<typeof spectrogramPreprocessorConfigSchema>

type SpectrogramConfig = z.output<typeof spectrogramPreprocessorConfigSchema>

/** torchaudio's `transforms.Spectrogram`: buffer `window`. */
class SpectrogramFeatures extends Module {
  readonly window: Parameter
  readonly #config: SpectrogramConfig

  constructor(config: SpectrogramConfig) {
    super()
    this.#config = config
    const { windowSamples } = framing(config)
    const data = windowFunction(config.window ?? 'ones', windowSamples, { periodic: true })
    this.window = this.addBuffer('window', { dtype: 'float32', shape: [windowSamples], data })
  }

  /** `[B, L]` -> `[B, n_fft / 2 + 1, T]` */
  forward(signal: Tensor): Tensor {
    const power = powerSpectrogram(signal, { ...framing(this.#config), window: this.window })
    return this.#config.normalized ? div(power, reduceSum(square(this.window))) : power
  }
}

/**
 * Power spectrograms of waveforms; neither masked nor on a logarithmic scale.
 *
 * Lengths are ceil(samples / hop), which can be one frame less than the array has.
 * Source: NeMo v0.9.0 `AudioToSpectrogramPreprocessor`; torchaudio 0.13 `Spectrogram`.
 */
export class AudioToSpectrogramPreprocessor extends NeuralModule {
  static readonly inputTypes = { inputSignal: port('B T', AudioSignal), length: port('B', LengthsType) }
  static readonly outputTypes = {
    processedSignal: port('B D T', SpectrogramType),
    processedLength: port('B', LengthsType),
  }

  /** The ports, with this preprocessor's sampling rate. */
  readonly inputTypes
  readonly featurizer: SpectrogramFeatures
  readonly #hopSamples: number

  /** @throws ConfigValidationError naming each wrong key, its value and what is allowed. */
  constructor(config: AudioToSpectrogramPreprocessorConfig = {}) {
    super()
    const valid = validateConfig(spectrogramPreprocessorConfigSchema, config, {
      source: 'AudioToSpectrogramPreprocessor',
    })
    this.inputTypes = {
      inputSignal: port('B T', AudioSignal({ freq: valid.sample_rate })),
      length: port('B', LengthsType),
    }
    this.#hopSamples = framing(valid).hopSamples
    this.featurizer = this.addModule('featurizer', new SpectrogramFeatures(valid))
  }

  /** Waveforms `[B, L]` and lengths in samples -> power `[B, n_fft / 2 + 1, T]` and lengths in frames. */
  @typecheck()
  forward({
    inputSignal,
    length,
  }: Inputs<typeof AudioToSpectrogramPreprocessor>): Outputs<typeof AudioToSpectrogramPreprocessor> {
    const hop = constant(this.#hopSamples, 'int64')
    return {
      processedSignal: this.within('featurizer', () => this.featurizer.forward(inputSignal)),
      processedLength: div(add(length, constant(this.#hopSamples - 1, 'int64')), hop),
    }
  }
}

registerTarget(
  [
    'nemo.collections.asr.modules.AudioToSpectrogramPreprocessor',
    'nemo.collections.asr.modules.audio_preprocessing.AudioToSpectrogramPreprocessor',
  ],
  (args) => new AudioToSpectrogramPreprocessor(args),
)
