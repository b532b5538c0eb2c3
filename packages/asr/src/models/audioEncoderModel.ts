import {
  AudioSignal,
  type ConfigObject,
  type ConfigProblem,
  ConfigValidationError,
  type Inputs,
  instantiate,
  isConfigObject,
  LengthsType,
  Model,
  ModelError,
  type NeuralModule,
  nearestNames,
  port,
  SpectrogramType,
} from '@nemo/core'
import type { Tensor } from '@nemo/graph'

/** Encoded audio. */
export interface EncodedAudio {
  /** `[B, D, T]` */
  readonly outputs: Tensor
  /** int64 `[B]` */
  readonly encodedLengths: Tensor
}

/** Features of a batch. */
export interface AudioFeatures {
  /** `[B, D, T]` */
  readonly processedSignal: Tensor
  /** int64 `[B]` */
  readonly processedLength: Tensor
}

/**
 * What models of audio have in common: a preprocessor, SpecAugment while training, an encoder.
 *
 * Config: `preprocessor`, `encoder`, optional `spec_augment`, `optim`, `train_ds`, `validation_ds`, `test_ds`.
 * Source: NeMo v1.0.0 `ASRModel`, from which its classifiers inherit as well.
 */
export abstract class AudioEncoderModel extends Model {
  static readonly inputTypes = {
    inputSignal: port('B T', AudioSignal, { optional: true }),
    inputSignalLength: port('B', LengthsType, { optional: true }),
    processedSignal: port('B D T', SpectrogramType, { optional: true }),
    processedSignalLength: port('B', LengthsType, { optional: true }),
  }

  readonly preprocessor: NeuralModule
  readonly encoder: NeuralModule
  readonly specAugmentation: NeuralModule | undefined

  /**
   * @param sections - Sections of the config that the subclass knows besides the common ones.
   * @throws ConfigError for unknown or missing keys and values that cannot be, naming key and value.
   */
  constructor(cfg: ConfigObject, sections: readonly string[]) {
    super(cfg)
    refuseUnknownKeys(cfg, sections, this.constructor.name)
    this.preprocessor = this.addPart('preprocessor')
    this.encoder = this.addPart('encoder')
    if (cfg.spec_augment !== undefined && cfg.spec_augment !== null)
      this.specAugmentation = this.addPart('spec_augment', {}, 'spec_augmentation')
  }

  /** Makes a module from a section of the config and registers it. */
  protected addPart<M extends NeuralModule = NeuralModule>(
    key: string,
    extra: Readonly<Record<string, unknown>> = {},
    name = key,
  ): M {
    return this.addModule(name, instantiate<M>(this.section(key), extra, { keyPath: key }))
  }

  /** A section of the config. @throws ConfigValidationError if there is none. */
  protected section(key: string): ConfigObject {
    const value = this.cfg[key]
    if (isConfigObject(value)) return value
    const found = value === undefined ? 'no such key' : JSON.stringify(value)
    throw new ConfigValidationError(
      [{ keyPath: key, message: `expected a section with a _target_, found ${found}` }],
      this.constructor.name,
    )
  }

  /** Samples per second that the model expects, in Hz. */
  get sampleRate(): number {
    return Number(this.section('preprocessor').sample_rate ?? this.cfg.sample_rate ?? 16000)
  }

  /** What happens to features before SpecAugment. Default: nothing. */
  protected prepareFeatures(features: AudioFeatures): AudioFeatures {
    return features
  }

  /**
   * Draws features, SpecAugment and encoder on raw audio (`inputSignal` `[B, T]`, `inputSignalLength` `[B]`) or on
   * features (`processedSignal` `[B, D, T]`, `processedSignalLength` `[B]`).
   *
   * @throws ModelError unless exactly one of the two is given.
   */
  protected encode(inputs: Inputs<typeof AudioEncoderModel>): EncodedAudio {
    const { inputSignal, inputSignalLength, processedSignal, processedSignalLength } = inputs
    const raw = inputSignal !== undefined && inputSignalLength !== undefined
    const processed = processedSignal !== undefined && processedSignalLength !== undefined
    if (raw === processed) {
      throw new ModelError(
        `${this.constructor.name}.forward: give either inputSignal and inputSignalLength, or processedSignal and processedSignalLength.`,
      )
    }
    let features: AudioFeatures
    if (raw) {
      features = this.within('preprocessor', () =>
        this.preprocessor.forward({ inputSignal, length: inputSignalLength }),
      ) as AudioFeatures
    } else {
      features = { processedSignal: processedSignal!, processedLength: processedSignalLength! }
    }
    features = this.prepareFeatures(features)
    let spectrogram = features.processedSignal
    if (this.specAugmentation && this.training) {
      const augmented = this.within('spec_augmentation', () =>
        this.specAugmentation!.forward({ inputSpec: spectrogram }),
      ) as { augmentedSpec: Tensor }
      spectrogram = augmented.augmentedSpec
    }
    return this.within('encoder', () =>
      this.encoder.forward({ audioSignal: spectrogram, length: features.processedLength }),
    ) as EncodedAudio
  }

  /** The inputs of `forward` in a batch: its waveforms, or its features where those were computed before. */
  protected inputsOf(batch: Readonly<Record<string, Tensor>>): Readonly<Record<string, Tensor>> {
    const { audioSignal, aSigLength, processedSignal, processedSignalLength } = batch as Record<string, Tensor>
    return processedSignal
      ? { processedSignal, processedSignalLength: processedSignalLength! }
      : { inputSignal: audioSignal!, inputSignalLength: aSigLength! }
  }

  /** Draws `forward` on the audio of a batch. */
  override predictStep(batch: Readonly<Record<string, Tensor>>): Readonly<Record<string, Tensor>> {
    return this.forward(this.inputsOf(batch) as never) as Readonly<Record<string, Tensor>>
  }
}

// Sections of every model. NeMo's configs also keep values there that others refer to (`repeat`, `dropout`).
const commonSections = [
  'preprocessor',
  'encoder',
  'decoder',
  'spec_augment',
  'optim',
  'train_ds',
  'validation_ds',
  'test_ds',
  'model_defaults',
  'freeze_updates',
] as const
const commonKeys: readonly string[] = [
  ...commonSections,
  'sample_rate',
  'labels',
  'use_cer',
  'log_prediction',
  'ctc_reduction',
  'compute_eval_loss',
  'target',
  '_target_',
  'nemo_version',
]

// A key of another name is a mistake if it holds a section or is spelt almost like one of ours.
function refuseUnknownKeys(cfg: ConfigObject, own: readonly string[], source: string): void {
  const knownKeys = [...commonKeys, ...own]
  const problems = Object.entries(cfg).flatMap(([key, value]): ConfigProblem[] => {
    if (knownKeys.includes(key)) return []
    const [meant] = nearestNames(key, knownKeys)
    if (meant === undefined && !isConfigObject(value)) return []
    const hint =
      meant === undefined ? `Known sections: ${[...commonSections, ...own].join(', ')}` : `Did you mean ${meant}?`
    return [{ keyPath: key, message: `unknown key, found ${JSON.stringify(value)?.slice(0, 80)}. ${hint}` }]
  })
  if (problems.length > 0) throw new ConfigValidationError(problems, source)
}
