import {
  type ConfigObject,
  CrossEntropyLoss,
  type Dataset,
  type Inputs,
  instantiate,
  isConfigObject,
  LogitsType,
  ModelError,
  type NeuralModule,
  type Outputs,
  port,
  registerTarget,
  typecheck,
} from '@nemo/core'
import type { Tensor, TensorData } from '@nemo/graph'
import { AudioToClassificationLabelDataset } from '../data/audioToClassificationLabelDataset.js'
import type { AudioToLabelConfig, LabelledAudio, LabelledAudioInfo } from '../data/audioToLabelDataset.js'
import { AudioToSpeechLabelDataset } from '../data/audioToSpeechLabelDataset.js'
import { writeLabelOnnx } from '../export/labelOnnx.js'
import { topClasses } from '../metrics/topKClassificationAccuracy.js'
import type { AudioInput } from '../transcription/audioInput.js'
import { type TranscribeOptions, Transcriber } from '../transcription/transcriber.js'
import type { AudioFeatures } from './audioEncoderModel.js'
import { type DataPurpose, LabelModel, labelNames, sectionsWithLabels } from './labelModel.js'
import { sameLabels } from './labelVocabulary.js'

const TARGET = 'nemo.collections.asr.models.classification_models.EncDecClassificationModel'

// Values that NeMo's configs keep for others to refer to, and sections of these models alone.
const OWN_KEYS = ['crop_or_pad_augment', 'labels_full', 'labels_subset', 'timesteps', 'is_regression_task']

/**
 * Gives audio one of several classes: speech commands (MatchboxNet), speech or none (MarbleNet).
 *
 * Config: `labels`, `preprocessor`, optional `crop_or_pad_augment` and `spec_augment`, `encoder`, `decoder`, `optim`,
 * `train_ds`, `validation_ds`, `test_ds`; the number of classes is that of the labels.
 * Source: NeMo v1.0.0 `EncDecClassificationModel`; Majumdar & Ginsburg 2020 (MatchboxNet), Jia et al. 2021 (MarbleNet).
 */
export class EncDecClassificationModel extends LabelModel {
  static readonly outputTypes = { outputs: port('B D', LogitsType) }

  readonly target: string = TARGET
  readonly loss: CrossEntropyLoss
  readonly cropOrPad: NeuralModule | undefined
  protected readonly accuracyPrefix = 'epoch_'
  #labels: readonly string[]
  #decoder: NeuralModule
  #transcriber: Transcriber<TensorData<'float32'>> | undefined

  /** @throws ConfigError for unknown or missing keys and values that cannot be, naming key and value. */
  constructor(cfg: ConfigObject) {
    super(cfg, OWN_KEYS)
    if (cfg.is_regression_task === true)
      throw new ModelError('EncDecClassificationModel: is_regression_task must be false; classes are no quantities.')
    this.#labels = labelNames(cfg.labels, 'labels', 'EncDecClassificationModel')
    if (isConfigObject(cfg.crop_or_pad_augment)) this.cropOrPad = this.addPart('crop_or_pad_augment', {}, 'crop_or_pad')
    this.#decoder = this.addPart('decoder', { num_classes: this.#labels.length })
    this.loss = this.addModule('loss', new CrossEntropyLoss())
  }

  get labels(): readonly string[] {
    return this.#labels
  }

  get decoder(): NeuralModule {
    return this.#decoder
  }

  /** Crops or pads, in training and evaluation. */
  protected override prepareFeatures({ processedSignal, processedLength }: AudioFeatures): AudioFeatures {
    if (!this.cropOrPad) return { processedSignal, processedLength }
    return this.within('crop_or_pad', () =>
      this.cropOrPad!.forward({ inputSignal: processedSignal, length: processedLength }),
    ) as AudioFeatures
  }

  /**
   * Draws scores of the classes from raw audio (`inputSignal` `[B, T]`, `inputSignalLength` `[B]`) or from features
   * (`processedSignal` `[B, D, T]`, `processedSignalLength` `[B]`).
   *
   * @throws ModelError unless exactly one of the two is given.
   */
  @typecheck()
  forward(inputs: Inputs<typeof EncDecClassificationModel>): Outputs<typeof EncDecClassificationModel> {
    const { outputs: encoded } = this.encode(inputs)
    const { logits } = this.within('decoder', () => this.decoder.forward({ encoderOutput: encoded })) as {
      logits: Tensor
    }
    return { outputs: logits } as Outputs<typeof EncDecClassificationModel>
  }

  protected logitsOf(inputSignal: Tensor, inputSignalLength: Tensor): Tensor {
    return this.forward({ inputSignal, inputSignalLength } as never).outputs
  }

  protected openDataset(
    settings: AudioToLabelConfig,
    purpose: DataPurpose,
  ): Promise<Dataset<LabelledAudio, LabelledAudioInfo>> {
    // Frames have no labels of their own; NeMo calls them all `infer`.
    if (settings.vad_stream) return AudioToSpeechLabelDataset.open(settings, this.labels, 'frames')
    sameLabels(this.labels, settings.labels?.map(String), `${purpose}_ds`)
    return AudioToClassificationLabelDataset.open(settings, this.labels)
  }

  /**
   * Makes the model recognise other classes: a new decoder with fresh weights. Nothing happens if the labels are the same.
   *
   * @throws ConfigValidationError unless they are a list of texts, each once.
   */
  changeLabels(labels: readonly string[]): void {
    const names = labelNames(labels, 'labels', 'changeLabels')
    if (names.length === this.#labels.length && names.every((label, id) => label === this.#labels[id])) return
    const decoder: ConfigObject = { num_classes: names.length }
    this.changeConfig({ labels: [...names], decoder }, sectionsWithLabels(this.cfg, names))
    this.#decoder = this.replaceModule('decoder', instantiate<NeuralModule>(this.section('decoder')))
    this.#labels = names
    this.#transcriber = undefined
  }

  /**
   * Recognises the class of each file or sample. Features are not padded and silence is not trimmed, as NeMo does here.
   *
   * Without `crop_or_pad_augment`, audio in one batch is filled up to the longest, which the decoder's pooling sees; give
   * `batchSize: 1` for results that do not depend on it.
   *
   * @param audio - Paths of audio files of any supported format and rate, or mono samples at the model's rate.
   * @param options.topK - Give the best k labels of each, best first.
   * @param options.logprobs - Give scores `[C]` of the classes instead of labels.
   * @throws AudioError for a file that cannot be read.
   */
  async transcribe(
    audio: readonly AudioInput[],
    options?: TranscribeOptions & { readonly topK?: undefined; readonly logprobs?: false },
  ): Promise<string[]>
  async transcribe(
    audio: readonly AudioInput[],
    options: TranscribeOptions & { readonly topK: number; readonly logprobs?: false },
  ): Promise<string[][]>
  async transcribe(
    audio: readonly AudioInput[],
    options: TranscribeOptions & { readonly logprobs: true },
  ): Promise<TensorData<'float32'>[]>
  async transcribe(
    audio: readonly AudioInput[],
    options: TranscribeOptions & { readonly topK?: number | undefined; readonly logprobs?: boolean } = {},
  ): Promise<string[] | string[][] | TensorData<'float32'>[]> {
    const { topK, logprobs, ...rest } = options
    this.#transcriber ??= logitTranscriber(this)
    const scores = await this.#transcriber.run(audio, { trim: false, ...rest })
    if (logprobs) return scores
    const best = scores.map(({ data }) => topClasses(data, topK ?? 1).map((id) => this.labels[id]!))
    return topK === undefined ? best.map(([label]) => label!) : best
  }

  /** `Trainer.predict` gives the label of each sample. */
  override predictedResults({ outputs }: Readonly<Record<string, TensorData>>): string[] {
    return logitRows(outputs!).map(({ data }) => this.labels[topClasses(data, 1)[0]!]!)
  }

  /**
   * Writes the classifier as an ONNX file: inputs `audio_signal` `[B, D, T]` and `length` `[B]`, output `logits` `[B, C]`,
   * with the labels as metadata. With `preprocessor`, the inputs are `input_signal` `[B, T]` (samples) and `length` (samples).
   *
   * @throws CheckpointFileError if the disk refuses.
   */
  async export(path: string, options: { readonly preprocessor?: boolean } = {}): Promise<void> {
    await writeLabelOnnx(this, path, options, (inputs) => ({ logits: this.forward(inputs as never).outputs }))
  }
}

function logitTranscriber(model: EncDecClassificationModel): Transcriber<TensorData<'float32'>> {
  return new Transcriber({
    model,
    padTo: 0,
    draw: (inputSignal, inputSignalLength) => ({
      logits: model.forward({ inputSignal, inputSignalLength } as never).outputs as Tensor,
    }),
    unpack: ({ logits }) => logitRows(logits!),
  })
}

/** The rows of `[B, C]`. */
function logitRows({ shape, data }: TensorData): TensorData<'float32'>[] {
  const [batch, classes] = shape as readonly [number, number]
  return Array.from({ length: batch }, (_, b) => ({
    dtype: 'float32',
    shape: [classes],
    data: (data as Float32Array).slice(b * classes, (b + 1) * classes),
  }))
}

registerTarget(
  [TARGET, 'nemo.collections.asr.models.EncDecClassificationModel'],
  ({ cfg }) => new EncDecClassificationModel(cfg as ConfigObject),
)
