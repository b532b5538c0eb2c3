import {
  AcousticEncodedRepresentation,
  type ConfigObject,
  ConfigValidationError,
  CrossEntropyLoss,
  type Dataset,
  type Inputs,
  instantiate,
  isConfigObject,
  LogitsType,
  type NeuralModule,
  type Outputs,
  port,
  registerTarget,
  typecheck,
  validateConfig,
} from '@nemo/core'
import type { Tensor, TensorData } from '@nemo/graph'
import {
  type AudioToLabelConfig,
  audioToLabelConfigSchema,
  type LabelledAudio,
  type LabelledAudioInfo,
  openLabels,
} from '../data/audioToLabelDataset.js'
import { AudioToSpeechLabelDataset } from '../data/audioToSpeechLabelDataset.js'
import { writeLabelOnnx } from '../export/labelOnnx.js'
import { AngularSoftmaxLoss, type AngularSoftmaxLossConfig } from '../losses/angularSoftmaxLoss.js'
import type { AudioInput } from '../transcription/audioInput.js'
import { type TranscribeOptions, Transcriber } from '../transcription/transcriber.js'
import { type DataPurpose, LabelModel, labelNames, sectionsWithLabels } from './labelModel.js'

const TARGET = 'nemo.collections.asr.models.label_models.EncDecSpeakerLabelModel'

// `labels` is ours: which speaker each class is, for a model without its training data.
const OWN_KEYS = ['loss', 'labels', 'n_filters', 'repeat', 'dropout', 'separable']

/** Whether two recordings are of one speaker. */
export interface SpeakerVerification {
  readonly same: boolean
  /** Likeness of the embeddings, from 0 to 1: their cosine, moved and scaled. */
  readonly score: number
}

/**
 * Recognises speakers, and gives embeddings by which any two speakers can be compared.
 *
 * Config: `preprocessor`, `encoder`, `decoder` (with `angular: true` the loss is `AngularSoftmaxLoss` of the section `loss`),
 * `optim`, `train_ds`, `validation_ds`, `test_ds`. Speakers are those of the training data unless `train_ds.labels` names them.
 * Source: NeMo v1.0.0 `EncDecSpeakerLabelModel`; Koluguri et al. 2020 (SpeakerNet).
 */
export class EncDecSpeakerLabelModel extends LabelModel {
  static readonly outputTypes = {
    logits: port('B D', LogitsType),
    embs: port('B D', AcousticEncodedRepresentation),
  }

  readonly target: string = TARGET
  readonly loss: NeuralModule
  protected readonly accuracyPrefix = 'epoch_accuracy_'
  #decoder: NeuralModule
  #labels: readonly string[] | undefined
  #embedder: Transcriber<Float32Array> | undefined

  /** @throws ConfigError for unknown or missing keys and values that cannot be, naming key and value. */
  constructor(cfg: ConfigObject) {
    super(cfg, OWN_KEYS)
    if (Array.isArray(cfg.labels)) this.#labels = labelNames(cfg.labels, 'labels', 'EncDecSpeakerLabelModel')
    this.#decoder = this.addPart('decoder')
    const { scale, margin } = isConfigObject(cfg.loss) ? (cfg.loss as AngularSoftmaxLossConfig) : {}
    const angles = { ...(scale !== undefined && { scale }), ...(margin !== undefined && { margin }) }
    this.loss = this.addModule(
      'loss',
      this.section('decoder').angular === true ? new AngularSoftmaxLoss(angles) : new CrossEntropyLoss(),
    )
  }

  get decoder(): NeuralModule {
    return this.#decoder
  }

  /** The speakers; `0`, `1` and so on for classes that no data has named yet. */
  get labels(): readonly string[] {
    return this.#labels ?? Array.from({ length: this.#classes }, (_, id) => String(id))
  }

  get #classes(): number {
    return Number(this.section('decoder').num_classes)
  }

  /**
   * Draws scores of speakers and embeddings from raw audio (`inputSignal` `[B, T]`, `inputSignalLength` `[B]`) or from
   * features (`processedSignal` `[B, D, T]`, `processedSignalLength` `[B]`).
   *
   * @throws ModelError unless exactly one of the two is given.
   */
  @typecheck()
  forward(inputs: Inputs<typeof EncDecSpeakerLabelModel>): Outputs<typeof EncDecSpeakerLabelModel> {
    const { outputs } = this.encode(inputs)
    return this.within('decoder', () => this.decoder.forward({ encoderOutput: outputs })) as Outputs<
      typeof EncDecSpeakerLabelModel
    >
  }

  protected logitsOf(inputSignal: Tensor, inputSignalLength: Tensor): Tensor {
    return this.forward({ inputSignal, inputSignalLength } as never).logits
  }

  protected async openDataset(
    settings: AudioToLabelConfig,
    purpose: DataPurpose,
  ): Promise<Dataset<LabelledAudio, LabelledAudioInfo>> {
    if (settings.task === 'diarization') return AudioToSpeechLabelDataset.open(settings, this.labels, 'sliced')
    const named = settings.labels?.map(String) ?? this.#labels ?? null
    const dataset = await AudioToSpeechLabelDataset.open({ time_length: 8, ...settings }, named)
    if (purpose === 'train' || this.#labels === undefined) this.#takeLabels(dataset.labels, `${purpose}_ds`)
    return dataset
  }

  #takeLabels(labels: readonly string[], source: string): void {
    if (labels.length > this.#classes) {
      const message = `expected a class for each of the ${labels.length} speakers of ${source}, found ${this.#classes}; see setupFinetuneModel`
      throw new ConfigValidationError([{ keyPath: 'decoder.num_classes', message }], 'EncDecSpeakerLabelModel')
    }
    // A class more than there are speakers keeps its number as its name.
    this.#labels = Array.from({ length: this.#classes }, (_, id) => labels[id] ?? `${id}`)
    this.changeConfig({ labels: [...this.#labels] })
  }

  /**
   * Makes the model recognise other speakers: a new decoder with fresh weights, as the config of the new data says.
   *
   * @param config - `train_ds`, optional `validation_ds` and `test_ds`, and optional `decoder`. Without the latter the
   * decoder has a class for each speaker.
   * @throws ConfigValidationError if there is no `train_ds`, or `decoder.num_classes` is not the number of its speakers.
   *
   * Source: NeMo v1.0.0 `setup_finetune_model`.
   */
  async setupFinetuneModel(config: ConfigObject): Promise<void> {
    const { train_ds, validation_ds, test_ds } = config
    if (!isConfigObject(train_ds))
      throw new ConfigValidationError(
        [{ keyPath: 'train_ds', message: 'expected a section of training data, found none' }],
        'setupFinetuneModel',
      )
    const labels = await this.#speakersOf(train_ds)
    const decoder: ConfigObject = {
      ...this.section('decoder'),
      num_classes: labels.length,
      ...(isConfigObject(config.decoder) && config.decoder),
    }
    if (decoder.num_classes !== labels.length) {
      const message = `expected the number of speakers, ${labels.length}, found ${JSON.stringify(decoder.num_classes)}`
      throw new ConfigValidationError([{ keyPath: 'decoder.num_classes', message }], 'setupFinetuneModel')
    }
    this.changeConfig({ decoder, labels: [...labels] }, sectionsWithLabels(this.cfg, labels))
    this.#decoder = this.replaceModule('decoder', instantiate<NeuralModule>(this.section('decoder')))
    this.#labels = labels
    this.#embedder = undefined
    await this.setupTrainingData(train_ds)
    if (isConfigObject(validation_ds)) await this.setupMultipleValidationData(validation_ds)
    if (isConfigObject(test_ds)) await this.setupMultipleTestData(test_ds)
  }

  async #speakersOf(train: ConfigObject): Promise<readonly string[]> {
    if (Array.isArray(train.labels)) return labelNames(train.labels, 'train_ds.labels', 'setupFinetuneModel')
    const source = { sample_rate: this.sampleRate, ...train }
    const { labels } = await openLabels(validateConfig(audioToLabelConfigSchema, source, { source: 'train_ds' }), null)
    return labels
  }

  /** Embedding of a recording: a path, or mono samples at the model's rate. NeMo's `get_embedding`. */
  async getEmbedding(audio: AudioInput, options: TranscribeOptions = {}): Promise<Float32Array> {
    const [embedding] = await this.getEmbeddings([audio], options)
    return embedding!
  }

  /**
   * Embeddings of recordings.
   *
   * @param options.batchSize - Recordings computed together; default 1, since the decoder's statistics see what fills shorter
   * ones up. Recordings of the same length may share a batch.
   * @throws AudioError for a file that cannot be read.
   */
  async getEmbeddings(audio: readonly AudioInput[], options: TranscribeOptions = {}): Promise<Float32Array[]> {
    this.#embedder ??= new Transcriber<Float32Array>({
      model: this,
      draw: (inputSignal, inputSignalLength) => ({
        embs: this.forward({ inputSignal, inputSignalLength } as never).embs as Tensor,
      }),
      unpack: ({ embs }) => rowsOf(embs!),
    })
    return this.#embedder.run(audio, { trim: false, batchSize: 1, ...options })
  }

  /**
   * Whether two recordings are of one speaker.
   *
   * @param options.threshold - Least score of one speaker. Default 0.7, as in NeMo.
   */
  async verifySpeakers(
    first: AudioInput,
    second: AudioInput,
    options: TranscribeOptions & { readonly threshold?: number } = {},
  ): Promise<SpeakerVerification> {
    const { threshold = 0.7, ...rest } = options
    const [a, b] = await this.getEmbeddings([first, second], rest)
    const score = speakerSimilarity(a!, b!)
    return { same: score >= threshold, score }
  }

  /**
   * Writes the model as an ONNX file: inputs `audio_signal` `[B, D, T]` and `length` `[B]`, outputs `logits` `[B, C]` and
   * `embs` `[B, D]`. With `preprocessor`, the inputs are `input_signal` `[B, T]` (samples) and `length` (samples).
   *
   * @throws CheckpointFileError if the disk refuses.
   */
  async export(path: string, options: { readonly preprocessor?: boolean } = {}): Promise<void> {
    await writeLabelOnnx(this, path, options, (inputs) => {
      const { logits, embs } = this.forward(inputs as never)
      return { logits, embs }
    })
  }
}

/** Likeness of two embeddings, from 0 to 1: (cosine + 1) / 2. Source: NeMo v1.0.0 `voxceleb_eval.py`. */
export function speakerSimilarity(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [ab, aa, bb] = [0, 0, 0]
  for (let i = 0; i < a.length; i++) {
    ab += a[i]! * b[i]!
    aa += a[i]! ** 2
    bb += b[i]! ** 2
  }
  return (ab / Math.sqrt(aa * bb) + 1) / 2
}

function rowsOf({ shape, data }: TensorData): Float32Array[] {
  const [batch, size] = shape as readonly [number, number]
  return Array.from({ length: batch }, (_, b) => (data as Float32Array).slice(b * size, (b + 1) * size))
}

registerTarget(
  [
    TARGET,
    'nemo.collections.asr.models.EncDecSpeakerLabelModel',
    'nemo.collections.asr.models.label_models.ExtractSpeakerEmbeddingsModel',
    'nemo.collections.asr.models.ExtractSpeakerEmbeddingsModel',
  ],
  ({ cfg }) => new EncDecSpeakerLabelModel(cfg as ConfigObject),
)
