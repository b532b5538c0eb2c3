import {
  AudioSignal,
  type Batch,
  type ConfigObject,
  type ConfigProblem,
  ConfigValidationError,
  DataLoader,
  defaultRuntime,
  type Inputs,
  instantiate,
  isConfigObject,
  LabelsType,
  LengthsType,
  LogprobsType,
  MeanLoss,
  type MetricAccumulator,
  Model,
  ModelError,
  type NeuralModule,
  nearestNames,
  type Outputs,
  port,
  registerTarget,
  SpectrogramType,
  type TrainingStep,
  typecheck,
  validateConfig,
} from '@nemo/core'
import { argMax, compile, input, type Program, type Tensor, type TensorData } from '@nemo/graph'
import { AudioToCharDataset, audioToCharConfigSchema, type UtteranceInfo } from '../data/audioToCharDataset.js'
import { greedyCtcDecode } from '../decoding/greedyCtc.js'
import { writeCtcOnnx } from '../export/ctcOnnx.js'
import { CTCLoss } from '../losses/ctcLoss.js'
import { WER } from '../metrics/wer.js'
import { type AudioInput, CtcTranscriber, type TranscribeOptions } from '../transcription/ctcTranscriber.js'

const TARGET = 'nemo.collections.asr.models.ctc_models.EncDecCTCModel'

/**
 * Speech recogniser of a preprocessor, an encoder and a decoder, trained by CTC on characters.
 *
 * Config: `labels` (or `decoder.vocabulary`), `preprocessor`, `encoder`, `decoder`, optional `spec_augment`, `optim`,
 * `train_ds`, `validation_ds`, `test_ds`. Source: NeMo v1.0.0 `EncDecCTCModel`.
 */
export class EncDecCTCModel extends Model {
  static readonly inputTypes = {
    inputSignal: port('B T', AudioSignal, { optional: true }),
    inputSignalLength: port('B', LengthsType, { optional: true }),
    processedSignal: port('B D T', SpectrogramType, { optional: true }),
    processedSignalLength: port('B', LengthsType, { optional: true }),
  }
  static readonly outputTypes = {
    logProbs: port('B T D', LogprobsType, { name: 'logprobs' }),
    encodedLengths: port('B', LengthsType),
    greedyPredictions: port('B T', LabelsType),
  }

  readonly target = TARGET
  readonly preprocessor: NeuralModule
  readonly encoder: NeuralModule
  readonly decoder: NeuralModule
  readonly specAugmentation: NeuralModule | undefined
  readonly loss: CTCLoss
  #transcriber: CtcTranscriber | undefined
  #frames: Promise<Program<'frames'>> | undefined
  /** Characters that the classes stand for; the blank comes after them. */
  readonly labels: readonly string[]

  /** @throws ConfigError for unknown or missing keys and values that cannot be, naming key and value. */
  constructor(cfg: ConfigObject) {
    super(cfg)
    refuseUnknownKeys(cfg)
    const decoder = section(cfg, 'decoder')
    this.labels = labelsOf(cfg, decoder)
    this.preprocessor = this.addModule(
      'preprocessor',
      instantiate<NeuralModule>(section(cfg, 'preprocessor'), {}, { keyPath: 'preprocessor' }),
    )
    this.encoder = this.addModule(
      'encoder',
      instantiate<NeuralModule>(section(cfg, 'encoder'), {}, { keyPath: 'encoder' }),
    )
    const classes =
      typeof decoder.num_classes === 'number' && decoder.num_classes > 0 ? decoder.num_classes : this.labels.length
    this.decoder = this.addModule(
      'decoder',
      instantiate<NeuralModule>(decoder, { num_classes: classes, vocabulary: this.labels }, { keyPath: 'decoder' }),
    )
    this.loss = this.addModule(
      'loss',
      new CTCLoss({ num_classes: classes, zero_infinity: true, reduction: 'mean_batch' }),
    )
    if (cfg.spec_augment !== undefined && cfg.spec_augment !== null) {
      this.specAugmentation = this.addModule(
        'spec_augmentation',
        instantiate<NeuralModule>(section(cfg, 'spec_augment'), {}, { keyPath: 'spec_augment' }),
      )
    }
  }

  /** Samples per second that the model expects, in Hz. */
  get sampleRate(): number {
    return Number(section(this.cfg, 'preprocessor').sample_rate ?? this.cfg.sample_rate ?? 16000)
  }

  /** Index of the CTC blank: the last class. */
  get blank(): number {
    return this.labels.length
  }

  /**
   * Draws the recogniser on raw audio (`inputSignal` `[B, T]`, `inputSignalLength` `[B]`) or on features
   * (`processedSignal` `[B, D, T]`, `processedSignalLength` `[B]`).
   *
   * @throws ModelError unless exactly one of the two is given.
   */
  @typecheck()
  forward(inputs: Inputs<typeof EncDecCTCModel>): Outputs<typeof EncDecCTCModel> {
    const { inputSignal, inputSignalLength, processedSignal, processedSignalLength } = inputs
    const raw = inputSignal !== undefined && inputSignalLength !== undefined
    const processed = processedSignal !== undefined && processedSignalLength !== undefined
    if (raw === processed) {
      throw new ModelError(
        'EncDecCTCModel.forward: give either inputSignal and inputSignalLength, or processedSignal and processedSignalLength.',
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
    const encoded = this.within('encoder', () =>
      this.encoder.forward({ audioSignal: spectrogram, length: features.processedLength }),
    ) as {
      outputs: Tensor
      encodedLengths: Tensor
    }
    const { logprobs } = this.within('decoder', () => this.decoder.forward({ encoderOutput: encoded.outputs })) as {
      logprobs: Tensor
    }
    return {
      logProbs: logprobs,
      encodedLengths: encoded.encodedLengths,
      greedyPredictions: argMax(logprobs, -1),
    } as Outputs<typeof EncDecCTCModel>
  }

  #step(batch: Readonly<Record<string, Tensor>>): { loss: Tensor; outputs: Record<string, Tensor> } {
    const { audioSignal, aSigLength, transcripts, transcriptLength } = batch as Record<string, Tensor>
    const { logProbs, encodedLengths, greedyPredictions } = this.forward({
      inputSignal: audioSignal!,
      inputSignalLength: aSigLength!,
    } as never)
    const { loss } = this.within('loss', () =>
      this.loss.forward({
        logProbs,
        targets: transcripts!,
        inputLengths: encodedLengths,
        targetLengths: transcriptLength!,
      } as never),
    ) as { loss: Tensor }
    return { loss, outputs: { predictions: greedyPredictions, encodedLengths } }
  }

  trainingStep(batch: Readonly<Record<string, Tensor>>): TrainingStep {
    return this.#step(batch)
  }

  validationStep(batch: Readonly<Record<string, Tensor>>): Readonly<Record<string, Tensor>> {
    const { loss, outputs } = this.#step(batch)
    return { loss, ...outputs }
  }

  validationMetrics(): MetricAccumulator {
    return new TranscriptMetrics(this)
  }

  override trainingMetrics(): MetricAccumulator {
    return new TranscriptMetrics(this)
  }

  async createDataLoader(config: ConfigObject, purpose: 'train' | 'validation' | 'test'): Promise<DataLoader> {
    const source = `${purpose}_ds`
    const settings = validateConfig(audioToCharConfigSchema, { sample_rate: this.sampleRate, ...config }, { source })
    if (settings.sample_rate !== this.sampleRate) {
      const message = `expected the model's sample rate, ${this.sampleRate} Hz, found ${settings.sample_rate}; audio of any rate is resampled`
      throw new ConfigValidationError([{ keyPath: 'sample_rate', message }], source)
    }
    const { labels = this.labels } = settings
    if (labels.length !== this.labels.length || labels.some((label, id) => label !== this.labels[id])) {
      const message = `expected the model's labels ${JSON.stringify(this.labels)}, found ${JSON.stringify(labels)}; leave the key out`
      throw new ConfigValidationError([{ keyPath: 'labels', message }], source)
    }
    const frames = purpose === 'train' ? (samples: number) => this.encodedFrames(samples) : undefined
    const dataset = await AudioToCharDataset.open(settings, labels, frames)
    return new DataLoader(dataset, {
      batch_size: settings.batch_size,
      shuffle: settings.shuffle,
      drop_last: settings.drop_last,
      bucketing: settings.bucketing,
      num_workers: settings.num_workers,
      seed: settings.seed,
    })
  }

  /**
   * Recognises speech in files or samples.
   *
   * Silence below -60 dB is trimmed from both ends and features are not padded, as NeMo does here, so log-probabilities
   * differ a little from `forward`'s.
   *
   * @param audio - Paths of audio files of any supported format and rate, or mono samples at the model's rate.
   * @param options.batchSize - Utterances computed together. Default 4.
   * @returns one text per entry, in order; with `logprobs`, log-probabilities `[T, labels + 1]` instead.
   * @throws AudioError for a file that cannot be read.
   */
  async transcribe(
    audio: readonly AudioInput[],
    options?: TranscribeOptions & { readonly logprobs?: false },
  ): Promise<string[]>
  async transcribe(
    audio: readonly AudioInput[],
    options: TranscribeOptions & { readonly logprobs: true },
  ): Promise<TensorData[]>
  async transcribe(
    audio: readonly AudioInput[],
    options: TranscribeOptions & { readonly logprobs?: boolean } = {},
  ): Promise<string[] | TensorData[]> {
    this.#transcriber ??= new CtcTranscriber(this)
    const results = await this.#transcriber.run(audio, options)
    return options.logprobs ? results.map(({ logProbs }) => logProbs) : results.map(({ text }) => text)
  }

  /**
   * Writes the recogniser as an ONNX file: inputs `audio_signal` `[B, D, T]` and `length` `[B]`, output `logprobs`
   * `[B, T', V + 1]`, with the metadata that sherpa-onnx's NeMo-CTC recogniser reads. With `preprocessor`, the inputs are
   * `input_signal` `[B, T]` (samples) and `length` (samples).
   *
   * @param path - File to write; `tokens.txt` is written beside it. Missing folders are made.
   * @throws CheckpointFileError if the disk refuses.
   */
  async export(path: string, options: { readonly preprocessor?: boolean } = {}): Promise<void> {
    await writeCtcOnnx(this, path, options)
  }

  /** Frames that the encoder makes of an utterance of so many samples. */
  async encodedFrames(samples: number): Promise<number> {
    // Only the arithmetic on lengths is compiled; nothing of the network is in the program.
    this.#frames ??= this.withMode(false, () => {
      const { encodedLengths } = this.forward({
        inputSignal: input('input_signal', 'float32', ['B', 'T']),
        inputSignalLength: input('length', 'int64', ['B']),
      })
      return compile({ frames: encodedLengths }, { runtime: defaultRuntime() })
    })
    const { frames } = await (await this.#frames).run({ length: [samples] })
    return Number(frames.data[0])
  }

  /** Text of the best paths of a batch. */
  decodePredictions(predictions: TensorData, lengths: TensorData): string[] {
    return greedyCtcDecode(predictions, lengths.data as BigInt64Array, this.blank).map((ids) =>
      ids.map((id) => this.labels[id]!).join(''),
    )
  }
}

/** Word error rate of best paths, next to the mean loss; keeps the transcripts for reports. */
export class TranscriptMetrics implements MetricAccumulator {
  readonly #wer = new WER()
  readonly #loss = new MeanLoss()
  readonly #model: EncDecCTCModel
  /** Every utterance so far with what was recognised. */
  readonly transcripts: { readonly reference: string; readonly hypothesis: string; readonly audioFile: string }[] = []

  constructor(model: EncDecCTCModel) {
    this.#model = model
  }

  update(outputs: Readonly<Record<string, TensorData>>, batch: Batch): void {
    this.#loss.update(outputs, batch)
    const texts = this.#model.decodePredictions(outputs.predictions!, outputs.encodedLengths!)
    for (const [i, info] of (batch.samples as readonly UtteranceInfo[]).entries()) {
      this.#wer.update(texts[i]!, info.text)
      this.transcripts.push({ reference: info.text, hypothesis: texts[i]!, audioFile: info.entry.audioFile })
    }
  }

  compute(): Record<string, number> {
    return { ...this.#loss.compute(), wer: this.#wer.compute() }
  }
}

// Keys of the model section. NeMo's configs also keep values there that others refer to (`repeat`, `dropout`).
const sectionKeys = [
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
const knownKeys: readonly string[] = [...sectionKeys, 'sample_rate', 'labels', 'target', '_target_', 'nemo_version']

// A key of another name is a mistake if it holds a section or is spelt almost like one of ours.
function refuseUnknownKeys(cfg: ConfigObject): void {
  const problems = Object.entries(cfg).flatMap(([key, value]): ConfigProblem[] => {
    if (knownKeys.includes(key)) return []
    const [meant] = nearestNames(key, knownKeys)
    if (meant === undefined && !isConfigObject(value)) return []
    const hint = meant === undefined ? `Known sections: ${sectionKeys.join(', ')}` : `Did you mean ${meant}?`
    return [{ keyPath: key, message: `unknown key, found ${JSON.stringify(value)?.slice(0, 80)}. ${hint}` }]
  })
  if (problems.length > 0) throw new ConfigValidationError(problems, 'EncDecCTCModel')
}

function section(cfg: ConfigObject, key: string): ConfigObject {
  const value = cfg[key]
  if (isConfigObject(value)) return value
  const found = value === undefined ? 'no such key' : JSON.stringify(value)
  throw new ConfigValidationError(
    [{ keyPath: key, message: `expected a section with a _target_, found ${found}` }],
    'EncDecCTCModel',
  )
}

function labelsOf(cfg: ConfigObject, decoder: ConfigObject): readonly string[] {
  const own = Array.isArray(decoder.vocabulary) && decoder.vocabulary.length > 0
  const labels = own ? decoder.vocabulary : cfg.labels
  if (!Array.isArray(labels) || labels.length === 0 || labels.some((label) => typeof label !== 'string')) {
    const message = `expected a list of characters, found ${labels === undefined ? 'no such key' : JSON.stringify(labels)}`
    throw new ConfigValidationError([{ keyPath: own ? 'decoder.vocabulary' : 'labels', message }], 'EncDecCTCModel')
  }
  const repeated = labels.find((label, id) => labels.indexOf(label) !== id)
  if (repeated !== undefined) {
    const message = `expected each label once, found ${JSON.stringify(repeated)} twice`
    throw new ConfigValidationError([{ keyPath: own ? 'decoder.vocabulary' : 'labels', message }], 'EncDecCTCModel')
  }
  return labels as string[]
}

registerTarget(
  [TARGET, 'nemo.collections.asr.models.EncDecCTCModel'],
  ({ cfg }) => new EncDecCTCModel(cfg as ConfigObject),
)
