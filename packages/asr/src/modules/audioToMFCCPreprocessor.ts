import { dctMatrix, melFilterbank, mfcc, windowFunction } from '@nemo/audio'
import {
  AudioSignal,
  ConfigValidationError,
  type Inputs,
  LengthsType,
  MFCCSpectrogramType,
  Module,
  NeuralModule,
  type Outputs,
  port,
  registerTarget,
  typecheck,
  validateConfig,
} from '@nemo/core'
import { add, constant, div, type Parameter, type Tensor } from '@nemo/graph'
import { z } from 'zod'
import { framing, framingFields, windowField } from './framingConfig.js'

/** Keys of an `AudioToMFCCPreprocessor`, with NeMo's names, defaults and meanings. */
export const mfccPreprocessorConfigSchema = z.object({
  ...framingFields,
  window: windowField,
  lowfreq: z.number().min(0).default(0),
  highfreq: z.number().positive().nullable().default(null),
  n_mels: z.int().min(1).default(64),
  n_mfcc: z.int().min(1).default(64),
  /** Only type 2 exists. */
  dct_type: z.literal(2).default(2),
  norm: z.literal('ortho').nullable().default('ortho'),
  /** Natural logarithm; else decibels. */
  log: z.boolean().default(true),
})

/** Keys of an `AudioToMFCCPreprocessor`. */
export type AudioToMFCCPreprocessorConfig = z.input<typeof mfccPreprocessorConfigSchema>

type MfccConfig = z.output<typeof mfccPreprocessorConfigSchema>

/** torchaudio's module tree, for the state dict: `MelSpectrogram.spectrogram.window`, `MelSpectrogram.mel_scale.fb`. */
class MelSpectrogramBuffers extends Module {
  readonly window: Parameter
  readonly fb: Parameter

  constructor(config: MfccConfig) {
    super()
    const { fftSize, windowSamples } = framing(config)
    const spectrogram = this.addModule('spectrogram', new Buffers())
    const data = windowFunction(config.window ?? 'ones', windowSamples, { periodic: true })
    this.window = spectrogram.hold('window', { dtype: 'float32', shape: [windowSamples], data })
    const bank = melFilterbank({
      sampleRate: config.sample_rate,
      fftSize,
      melBins: config.n_mels,
      lowHz: config.lowfreq,
      highHz: config.highfreq ?? Math.floor(config.sample_rate / 2),
      scale: 'htk',
      norm: 'none',
    })
    const [mels, bins] = bank.shape as readonly [number, number]
    const transposed = Float32Array.from(
      { length: mels * bins },
      (_, i) => bank.data[(i % mels) * bins + Math.floor(i / mels)]!,
    )
    this.fb = this.addModule('mel_scale', new Buffers()).hold('fb', {
      dtype: 'float32',
      shape: [bins, mels],
      data: transposed,
    })
  }
}

class Buffers extends Module {
  hold(...buffer: Parameters<Module['addBuffer']>): Parameter {
    return this.addBuffer(...buffer)
  }
}

/** torchaudio's `transforms.MFCC`: buffers `dct_mat`, `MelSpectrogram.spectrogram.window`, `MelSpectrogram.mel_scale.fb`. */
export class MfccFeatures extends Module {
  readonly dct: Parameter
  readonly mel: MelSpectrogramBuffers
  readonly #config: MfccConfig

  constructor(config: MfccConfig) {
    super()
    this.#config = config
    if (config.n_mfcc > config.n_mels) {
      throw new ConfigValidationError(
        [{ keyPath: 'n_mfcc', message: `expected at most n_mels, ${config.n_mels}, found ${config.n_mfcc}` }],
        'AudioToMFCCPreprocessor',
      )
    }
    this.dct = this.addBuffer('dct_mat', dctMatrix(config.n_mfcc, config.n_mels, { ortho: config.norm === 'ortho' }))
    this.mel = this.addModule('MelSpectrogram', new MelSpectrogramBuffers(config))
  }

  /** `[B, L]` -> `[B, n_mfcc, T]` */
  forward(signal: Tensor): Tensor {
    return mfcc(signal, {
      ...framing(this.#config),
      window: this.mel.window,
      filterbank: this.mel.fb,
      dct: this.dct,
      logMels: this.#config.log,
    })
  }
}

/**
 * Mel-frequency cepstral coefficients of waveforms; neither masked nor normalised.
 *
 * Lengths are ceil(samples / hop), which can be one frame less than the array has.
 * Source: NeMo v1.0.0 `AudioToMFCCPreprocessor`; torchaudio 0.13 `MFCC`.
 */
export class AudioToMFCCPreprocessor extends NeuralModule {
  static readonly inputTypes = { inputSignal: port('B T', AudioSignal), length: port('B', LengthsType) }
  static readonly outputTypes = {
    processedSignal: port('B D T', MFCCSpectrogramType),
    processedLength: port('B', LengthsType),
  }

  /** The ports, with this preprocessor's sampling rate. */
  readonly inputTypes
  readonly featurizer: MfccFeatures
  readonly #hopSamples: number

  /** @throws ConfigValidationError naming each wrong key, its value and what is allowed. */
  constructor(config: AudioToMFCCPreprocessorConfig = {}) {
    super()
    const valid = validateConfig(mfccPreprocessorConfigSchema, config, { source: 'AudioToMFCCPreprocessor' })
    this.inputTypes = {
      inputSignal: port('B T', AudioSignal({ freq: valid.sample_rate })),
      length: port('B', LengthsType),
    }
    this.#hopSamples = framing(valid).hopSamples
    this.featurizer = this.addModule('featurizer', new MfccFeatures(valid))
  }

  /** Waveforms `[B, L]` and lengths in samples -> coefficients `[B, n_mfcc, T]` and lengths in frames. */
  @typecheck()
  forward({ inputSignal, length }: Inputs<typeof AudioToMFCCPreprocessor>): Outputs<typeof AudioToMFCCPreprocessor> {
    const hop = constant(this.#hopSamples, 'int64')
    return {
      processedSignal: this.within('featurizer', () => this.featurizer.forward(inputSignal)),
      processedLength: div(add(length, constant(this.#hopSamples - 1, 'int64')), hop),
    }
  }
}

registerTarget(
  [
    'nemo.collections.asr.modules.AudioToMFCCPreprocessor',
    'nemo.collections.asr.modules.audio_preprocessing.AudioToMFCCPreprocessor',
  ],
  (args) => new AudioToMFCCPreprocessor(args),
)
