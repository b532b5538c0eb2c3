import {
  type FeatureNormalization,
  type MelSpectrogramOptions,
  melFilterbank,
  melSpectrogram,
  melSpectrogramLengths,
  usedBins,
  windowFunction,
} from '@nemo/audio'
import {
  AudioSignal,
  type Inputs,
  LengthsType,
  MelSpectrogramType,
  Module,
  NeuralModule,
  type Outputs,
  port,
  registerTarget,
  typecheck,
  validateConfig,
} from '@nemo/core'
import type { Parameter, Tensor } from '@nemo/graph'
import { z } from 'zod'
import { framing, framingFields, windowField } from './framingConfig.js'

/** Keys of an `AudioToMelSpectrogramPreprocessor`, with NeMo's names, defaults and meanings. */
export const melPreprocessorConfigSchema = z.object({
  ...framingFields,
  window: windowField,
  /** `per_feature`, `all_features`, fixed statistics, or null for none. */
  normalize: z
    .union([
      z.enum(['per_feature', 'all_features']),
      z.object({ fixed_mean: z.array(z.number()), fixed_std: z.array(z.number()) }),
      z.enum(['none', 'NA']),
      z.literal(false),
      z.null(),
    ])
    .default('per_feature'),
  preemph: z.number().nullable().default(0.97),
  features: z.int().min(1).default(64),
  lowfreq: z.number().min(0).default(0),
  highfreq: z.number().min(0).nullable().default(null),
  log: z.boolean().default(true),
  log_zero_guard_type: z.enum(['add', 'clamp']).default('add'),
  log_zero_guard_value: z.union([z.number(), z.enum(['tiny', 'eps'])]).default(2 ** -24),
  dither: z.number().min(0).default(1e-5),
  /** Frames become a multiple of this; `max` pads to those of `max_duration`. */
  pad_to: z.union([z.int().min(0), z.literal('max')]).default(16),
  frame_splicing: z.int().min(1).default(1),
  exact_pad: z.boolean().default(false),
  /** NeMo's other STFT, whose window is periodic. Its bases are not part of our state dict. */
  stft_conv: z.boolean().default(false),
  /** Gone since NeMo 1.1; `exact_pad` is its successor. */
  stft_exact_pad: z.literal(false).default(false),
  pad_value: z.number().default(0),
  mag_power: z.number().positive().default(2),
  /** Seconds; for `pad_to: max` only. */
  max_duration: z.number().positive().default(16.7),
  /** Adds 1e-5 to squared magnitudes, so that gradients may pass through their root. */
  use_grads: z.boolean().default(false),
})

/** Keys of an `AudioToMelSpectrogramPreprocessor`. */
export type AudioToMelSpectrogramPreprocessorConfig = z.input<typeof melPreprocessorConfigSchema>

// float32's smallest normal number and machine epsilon, PyTorch's finfo.
const guardValues = { tiny: 2 ** -126, eps: 2 ** -23 } as const

/**
 * Window and filterbank of a mel spectrogram, and the graph that uses them.
 *
 * Buffers: `window` `[win_length]` (none for a rectangular one) and `fb` `[1, features, n_fft / 2 + 1]`.
 * Source: NeMo v1.0.0 `FilterbankFeatures`.
 */
export class FilterbankFeatures extends Module {
  readonly window: Parameter | undefined
  readonly fb: Parameter
  readonly sampleRate: number
  /** Standard deviation of the noise added while training; may be changed before a graph is drawn. */
  dither: number
  /** Frames become a multiple of this; may be changed before a graph is drawn. */
  padTo: number | 'max'
  /** How features are normalised, null for not at all; may be changed before a graph is drawn. */
  normalize: FeatureNormalization | null
  readonly #config: z.output<typeof melPreprocessorConfigSchema>
  readonly #geometry: { readonly fftSize: number; readonly windowSamples: number; readonly hopSamples: number }
  #bins: { readonly version: number; readonly range: readonly [number, number] } | undefined

  constructor(config: z.output<typeof melPreprocessorConfigSchema>) {
    super()
    this.#config = config
    this.#geometry = framing(config)
    this.sampleRate = config.sample_rate
    this.dither = config.dither
    this.padTo = config.pad_to
    this.normalize =
      typeof config.normalize === 'object' || config.normalize === 'per_feature' || config.normalize === 'all_features'
        ? config.normalize
        : null
    const { fftSize, windowSamples } = this.#geometry
    if (config.window !== null && config.window !== 'none' && config.window !== 'ones') {
      const data = windowFunction(config.window, windowSamples, { periodic: config.stft_conv })
      this.window = this.addBuffer(
        'window',
        { dtype: 'float32', shape: [windowSamples], data },
        { persistent: !config.stft_conv },
      )
    }
    const bank = melFilterbank({
      sampleRate: config.sample_rate,
      fftSize,
      melBins: config.features,
      lowHz: config.lowfreq,
      // NeMo takes 0 for "not given" too.
      highHz: config.highfreq || config.sample_rate / 2,
    })
    this.fb = this.addBuffer('fb', { ...bank, shape: [1, ...bank.shape] })
  }

  /** What the graph is drawn with now. */
  #options(): MelSpectrogramOptions {
    const config = this.#config
    const value = config.log_zero_guard_value
    return {
      ...this.#geometry,
      ...(this.window && { window: this.window }),
      filterbank: this.fb,
      bins: this.#usedBins(),
      dither: this.training ? this.dither : 0,
      preemphasis: config.preemph,
      magnitudeGuard: config.use_grads ? 1e-5 : 0,
      magnitudePower: config.mag_power,
      log: config.log
        ? { type: config.log_zero_guard_type, value: typeof value === 'string' ? guardValues[value] : value }
        : null,
      frameSplicing: config.frame_splicing,
      normalize: this.normalize,
      padValue: config.pad_value,
      padTo: this.padTo === 'max' ? { frames: this.#maxFrames() } : this.padTo,
      exactPad: config.exact_pad,
    }
  }

  /** Features of a frame. */
  get features(): number {
    return this.#config.features * this.#config.frame_splicing
  }

  /** Samples from one frame to the next. */
  get hopSamples(): number {
    return this.#geometry.hopSamples
  }

  // Bins that no filter uses need not be computed. A checkpoint may bring another filterbank, so its values decide.
  #usedBins(): readonly [number, number] {
    const value = this.fb.hostValue
    if (value) this.#bins = { version: this.fb.version, range: usedBins(value) }
    if (this.#bins?.version === this.fb.version) return this.#bins.range
    return [0, this.fb.shape.at(-1)!]
  }

  #maxFrames(): number {
    const { fftSize, hopSamples } = this.#geometry
    const margin = this.#config.exact_pad ? Math.floor((fftSize - hopSamples) / 2) : Math.floor(fftSize / 2)
    const samples = Math.trunc(this.#config.max_duration * this.sampleRate)
    return Math.floor((samples + 2 * margin - fftSize) / hopSamples) + 1
  }

  /** Valid frames, int64 `[B]`, of signals of the given lengths in samples. */
  lengths(samples: Tensor): Tensor {
    return melSpectrogramLengths(samples, this.#options())
  }

  /** `[B, L]` and lengths `[B]` -> features `[B, D, T]` and valid frames `[B]`. */
  forward(signal: Tensor, lengths: Tensor): { readonly features: Tensor; readonly lengths: Tensor } {
    return melSpectrogram(signal, lengths, this.#options())
  }
}

/**
 * Log-mel spectrograms of waveforms, normalised per utterance.
 *
 * Config: see `melPreprocessorConfigSchema`. Dither is added in training mode only.
 * Source: NeMo v1.0.0 `AudioToMelSpectrogramPreprocessor`.
 */
export class AudioToMelSpectrogramPreprocessor extends NeuralModule {
  static readonly inputTypes = { inputSignal: port('B T', AudioSignal), length: port('B', LengthsType) }
  static readonly outputTypes = {
    processedSignal: port('B D T', MelSpectrogramType),
    processedLength: port('B', LengthsType),
  }

  /** The ports, with this preprocessor's sampling rate. */
  readonly inputTypes
  readonly featurizer: FilterbankFeatures

  constructor(config: AudioToMelSpectrogramPreprocessorConfig = {}) {
    super()
    const valid = validateConfig(melPreprocessorConfigSchema, config, { source: 'AudioToMelSpectrogramPreprocessor' })
    this.inputTypes = {
      inputSignal: port('B T', AudioSignal({ freq: valid.sample_rate })),
      length: port('B', LengthsType),
    }
    this.featurizer = this.addModule('featurizer', new FilterbankFeatures(valid))
  }

  /** Waveforms `[B, L]` and lengths in samples -> features `[B, D, T]` and lengths in frames. */
  @typecheck()
  forward({
    inputSignal,
    length,
  }: Inputs<typeof AudioToMelSpectrogramPreprocessor>): Outputs<typeof AudioToMelSpectrogramPreprocessor> {
    const { features, lengths } = this.within('featurizer', () => this.featurizer.forward(inputSignal, length))
    return { processedSignal: features, processedLength: lengths }
  }
}

registerTarget(
  [
    'nemo.collections.asr.modules.AudioToMelSpectrogramPreprocessor',
    'nemo.collections.asr.modules.audio_preprocessing.AudioToMelSpectrogramPreprocessor',
  ],
  (args) => new AudioToMelSpectrogramPreprocessor(args),
)
