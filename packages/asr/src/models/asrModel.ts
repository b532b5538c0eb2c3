import {
  AudioSignal,
  type ConfigObject,
  type ConfigProblem,
  ConfigValidationError,
  DataLoader,
  type Dataset,
  defaultRuntime,
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
  validateConfig,
} from '@nemo/core'
import { compile, input, type Program, type Tensor } from '@nemo/graph'
import { type AudioToCharConfig, audioToCharConfigSchema, type UtteranceInfo } from '../data/audioToCharDataset.js'

/** Encoded audio. */
export interface EncodedAudio {
  /** `[B, D, T]` */
  readonly outputs: Tensor
  /** int64 `[B]` */
  readonly encodedLengths: Tensor
}

/**
 * What recognisers have in common: a preprocessor, SpecAugment while training, an encoder, and manifests to read.
 *
 * Config: `preprocessor`, `encoder`, optional `spec_augment`, `optim`, `train_ds`, `validation_ds`, `test_ds`.
 * Source: NeMo v1.0.0 `ASRModel`.
 */
export abstract class ASRModel extends Model {
  static readonly inputTypes = {
    inputSignal: port('B T', AudioSignal, { optional: true }),
    inputSignalLength: port('B', LengthsType, { optional: true }),
    processedSignal: port('B D T', SpectrogramType, { optional: true }),
    processedSignalLength: port('B', LengthsType, { optional: true }),
  }

  readonly preprocessor: NeuralModule
  readonly encoder: NeuralModule
  readonly specAugmentation: NeuralModule | undefined
  #frames: Promise<Program<'frames'>> | undefined

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

  /**
   * Draws features, SpecAugment and encoder on raw audio (`inputSignal` `[B, T]`, `inputSignalLength` `[B]`) or on
   * features (`processedSignal` `[B, D, T]`, `processedSignalLength` `[B]`).
   *
   * @throws ModelError unless exactly one of the two is given.
   */
  protected encode(inputs: Inputs<typeof ASRModel>): EncodedAudio {
    const { inputSignal, inputSignalLength, processedSignal, processedSignalLength } = inputs
    const raw = inputSignal !== undefined && inputSignalLength !== undefined
    const processed = processedSignal !== undefined && processedSignalLength !== undefined
    if (raw === processed) {
      throw new ModelError(
        `${this.constructor.name}.forward: give either inputSignal and inputSignalLength, or processedSignal and processedSignalLength.`,
      )
    }
    let features: { readonly processedSignal: Tensor; readonly processedLength: Tensor }
    if (raw) {
      features = this.within('preprocessor', () =>
        this.preprocessor.forward({ inputSignal, length: inputSignalLength }),
      ) as typeof features
    } else {
      features = { processedSignal: processedSignal!, processedLength: processedSignalLength! }
    }
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

  /** Text of label ids. */
  abstract idsToText(ids: readonly number[]): string

  /** Draws `forward` on the audio of a batch. */
  override predictStep({
    audioSignal,
    aSigLength,
  }: Readonly<Record<string, Tensor>>): Readonly<Record<string, Tensor>> {
    const outputs = this.forward({ inputSignal: audioSignal, inputSignalLength: aSigLength } as never)
    return outputs as Readonly<Record<string, Tensor>>
  }

  /** Opens the data set of a section. */
  protected abstract openDataset(
    settings: AudioToCharConfig,
    purpose: 'train' | 'validation' | 'test',
  ): Promise<Dataset<unknown, UtteranceInfo>>

  async createDataLoader(config: ConfigObject, purpose: 'train' | 'validation' | 'test'): Promise<DataLoader> {
    const source = `${purpose}_ds`
    const settings = validateConfig(audioToCharConfigSchema, { sample_rate: this.sampleRate, ...config }, { source })
    if (settings.sample_rate !== this.sampleRate) {
      const message = `expected the model's sample rate, ${this.sampleRate} Hz, found ${settings.sample_rate}; audio of any rate is resampled`
      throw new ConfigValidationError([{ keyPath: 'sample_rate', message }], source)
    }
    return new DataLoader(await this.openDataset(settings, purpose), {
      batch_size: settings.batch_size,
      shuffle: settings.shuffle,
      drop_last: settings.drop_last,
      bucketing: settings.bucketing,
      num_workers: settings.num_workers,
      seed: settings.seed,
    })
  }

  /** Frames that the encoder makes of an utterance of so many samples. */
  async encodedFrames(samples: number): Promise<number> {
    // Only the arithmetic on lengths is compiled; nothing of the network is in the program.
    this.#frames ??= this.withMode(false, () => {
      const inputSignal = input('input_signal', 'float32', ['B', 'T'])
      const inputSignalLength = input('length', 'int64', ['B'])
      const { encodedLengths } = this.encode({ inputSignal, inputSignalLength } as never)
      return compile({ frames: encodedLengths }, { runtime: defaultRuntime() })
    })
    const { frames } = await (await this.#frames).run({ length: [samples] })
    return Number(frames.data[0])
  }
}

// Sections of every recogniser. NeMo's configs also keep values there that others refer to (`repeat`, `dropout`).
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
const commonKeys: readonly string[] = [...commonSections, 'sample_rate', 'labels', 'target', '_target_', 'nemo_version']

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

/**
 * The labels that a config gives at a key.
 *
 * @throws ConfigValidationError unless they are a list of texts, each once.
 */
export function validLabels(labels: unknown, keyPath: string, source: string): readonly string[] {
  if (!Array.isArray(labels) || labels.length === 0 || labels.some((label) => typeof label !== 'string')) {
    const message = `expected a list of characters, found ${labels === undefined ? 'no such key' : JSON.stringify(labels)}`
    throw new ConfigValidationError([{ keyPath, message }], source)
  }
  const repeated = labels.find((label, id) => labels.indexOf(label) !== id)
  if (repeated !== undefined) {
    const message = `expected each label once, found ${JSON.stringify(repeated)} twice`
    throw new ConfigValidationError([{ keyPath, message }], source)
  }
  return labels as string[]
}

/** Refuses a data section whose labels are not the model's. @throws ConfigValidationError */
export function sameLabels(own: readonly string[], given: readonly string[] | undefined, source: string): void {
  if (given === undefined || (given.length === own.length && given.every((label, id) => label === own[id]))) return
  const message = `expected the model's labels ${JSON.stringify(own)}, found ${JSON.stringify(given)}; leave the key out`
  throw new ConfigValidationError([{ keyPath: 'labels', message }], source)
}
