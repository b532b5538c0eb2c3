import {
  AcousticEncodedRepresentation,
  type Batch,
  type ConfigObject,
  ConfigValidationError,
  type Inputs,
  instantiate,
  isConfigObject,
  LengthsType,
  MeanLoss,
  type MetricAccumulator,
  type Outputs,
  port,
  type ReportSection,
  registerTarget,
  type TrainingStep,
  typecheck,
} from '@nemo/core'
import type { Runtime, Tensor, TensorData } from '@nemo/graph'
import type { UtteranceInfo } from '../data/audioToTextDataset.js'
import type { TransducerHypothesis } from '../decoding/rnnt/hypothesis.js'
import { RNNTDecoding, type RNNTDecodingConfig } from '../decoding/rnnt/rnntDecoding.js'
import { RNNTLoss } from '../losses/rnntLoss.js'
import { WER } from '../metrics/wer.js'
import type { RNNTDecoder } from '../modules/rnntDecoder.js'
import type { RNNTJoint } from '../modules/rnntJoint.js'
import { type RecognizedUtterance, utteranceSections } from '../report/utteranceSections.js'
import type { AudioInput } from '../transcription/audioInput.js'
import { type TranscribeOptions, Transcriber } from '../transcription/transcriber.js'
import { ASRModel } from './asrModel.js'
import { sectionsWithLabels } from './labelModel.js'
import { CharacterVocabulary, type OpenedVocabulary, type OpenVocabulary, validLabels } from './labelVocabulary.js'

const TARGET = 'nemo.collections.asr.models.rnnt_models.EncDecRNNTModel'

/** What a transducer recognised in one utterance: the best hypothesis with its text, and all of them, best first. */
export interface TransducerTranscript extends TransducerHypothesis {
  readonly text: string
  readonly nBest: readonly (TransducerHypothesis & { readonly text: string })[]
}

/**
 * Speech recogniser of a preprocessor, an encoder, a prediction network and a joint network: a transducer on characters.
 *
 * Config: `labels`, `preprocessor`, `encoder`, `decoder`, `joint`, `decoding`, optional `loss`, `model_defaults`
 * (`enc_hidden`, `pred_hidden`), `compute_eval_loss`, `use_cer`, `spec_augment`, `optim`, `train_ds`, `validation_ds`,
 * `test_ds`. Source: NeMo v1.0.0 `EncDecRNNTModel`.
 */
export class EncDecRNNTModel extends ASRModel {
  static readonly outputTypes = {
    outputs: port('B D T', AcousticEncodedRepresentation),
    encodedLengths: port('B', LengthsType),
  }

  readonly target: string = TARGET
  readonly #computeEvalLoss: boolean
  #decoder: RNNTDecoder
  #joint: RNNTJoint
  #loss: RNNTLoss
  #decoding: RNNTDecoding
  #transcriber: Transcriber<TransducerTranscript> | undefined

  /**
   * @param open - Opens the vocabulary. Default: the characters of `labels`.
   * @throws ConfigError for unknown or missing keys and values that cannot be, naming key and value.
   */
  constructor(cfg: ConfigObject, open: OpenVocabulary = openCharacters) {
    super(cfg, ['joint', 'decoding', 'loss', 'tokenizer', 'variational_noise', ...gradientSwitches], open)
    refuseUnsupported(cfg)
    this.#decoder = this.addModule('decoder', this.#makeDecoder())
    this.#joint = this.addModule('joint', this.#makeJoint())
    this.#loss = this.addModule('loss', this.#makeLoss())
    this.#computeEvalLoss = cfg.compute_eval_loss !== false
    this.#decoding = this.#makeDecoding((cfg.decoding ?? {}) as RNNTDecodingConfig)
  }

  get decoder(): RNNTDecoder {
    return this.#decoder
  }

  get joint(): RNNTJoint {
    return this.#joint
  }

  get loss(): RNNTLoss {
    return this.#loss
  }

  #makeDecoder(): RNNTDecoder {
    const extra = { vocab_size: this.labels.length }
    return instantiate<RNNTDecoder>(this.section('decoder'), extra, { keyPath: 'decoder' })
  }

  #makeJoint(): RNNTJoint {
    const section = this.section('joint')
    const { enc_hidden, pred_hidden } = isConfigObject(this.cfg.model_defaults)
      ? this.cfg.model_defaults
      : ({} as ConfigObject)
    const jointnet = {
      ...(isConfigObject(section.jointnet) ? section.jointnet : {}),
      ...(enc_hidden !== undefined && { encoder_hidden: enc_hidden }),
      ...(pred_hidden !== undefined && { pred_hidden }),
    }
    const extra = { num_classes: this.labels.length, vocabulary: this.labels, jointnet }
    return instantiate<RNNTJoint>(section, extra, { keyPath: 'joint' })
  }

  #makeLoss(): RNNTLoss {
    const loss = isConfigObject(this.cfg.loss) ? this.cfg.loss : {}
    return new RNNTLoss({ num_classes: this.labels.length, loss_name: (loss.loss_name ?? 'default') as 'default' })
  }

  #makeDecoding(config: RNNTDecodingConfig): RNNTDecoding {
    return new RNNTDecoding(config, this.#decoder, this.#joint)
  }

  /** How encoded audio becomes labels. */
  get decoding(): RNNTDecoding {
    return this.#decoding
  }

  /**
   * Searches in another way from now on. NeMo's `change_decoding_strategy`.
   *
   * @throws ConfigValidationError naming each wrong key, its value and what is allowed.
   */
  async changeDecodingStrategy(config: RNNTDecodingConfig): Promise<void> {
    const old = this.#decoding
    this.#decoding = this.#makeDecoding(config)
    this.changeConfig({ decoding: this.#decoding.config as unknown as ConfigObject })
    await old.dispose()
  }

  /**
   * Makes the model learn other labels, as for fine-tuning on another language: the encoder stays, prediction network, joint network
   * and loss are made anew, with fresh weights; the config says so. With the labels that it has, nothing changes. NeMo's
   * `change_vocabulary`; for another search, `changeDecodingStrategy`.
   *
   * @param newVocabulary - Characters (this class). For sub-words see `EncDecRNNTBPEModel`.
   * @throws ConfigValidationError for an empty list or repeated labels.
   */
  async changeVocabulary(newVocabulary: readonly string[]): Promise<void>
  async changeVocabulary(newTokenizerDir: string, newTokenizerType: string): Promise<void>
  async changeVocabulary(newVocabulary: readonly string[] | string, _newTokenizerType?: string): Promise<void> {
    const labels = validLabels(newVocabulary, 'newVocabulary', 'EncDecRNNTModel.changeVocabulary')
    if (labels.length === this.labels.length && labels.every((label, id) => label === this.labels[id])) return
    await this.replaceVocabulary(charactersOf(this.cfg, labels))
  }

  /** Puts a decoder, a joint network and a loss for another vocabulary in place. */
  protected async replaceVocabulary(opened: OpenedVocabulary): Promise<void> {
    this.takeVocabulary(opened)
    this.#decoder = this.replaceModule('decoder', this.#makeDecoder())
    this.#joint = this.replaceModule('joint', this.#makeJoint())
    this.#loss = this.replaceModule('loss', this.#makeLoss())
    const old = this.#decoding
    this.#decoding = this.#makeDecoding(old.config)
    this.#transcriber = undefined
    await old.dispose()
  }

  /**
   * Draws the first third of the recogniser, the encoder, on raw audio (`inputSignal` `[B, T]`, `inputSignalLength` `[B]`)
   * or on features (`processedSignal` `[B, D, T]`, `processedSignalLength` `[B]`).
   *
   * @throws ModelError unless exactly one of the two is given.
   */
  @typecheck()
  forward(inputs: Inputs<typeof EncDecRNNTModel>): Outputs<typeof EncDecRNNTModel> {
    return this.encode(inputs) as Outputs<typeof EncDecRNNTModel>
  }

  #encodeBatch(batch: Readonly<Record<string, Tensor>>) {
    const { outputs, encodedLengths } = this.forward(this.inputsOf(batch) as never)
    return { encoded: outputs as Tensor, encodedLengths: encodedLengths as Tensor }
  }

  #lossOf(
    { encoded, encodedLengths }: { readonly encoded: Tensor; readonly encodedLengths: Tensor },
    { transcripts, transcriptLength }: Readonly<Record<string, Tensor>>,
  ): Tensor {
    const { outputs } = this.within('decoder', () =>
      this.decoder.forward({ targets: transcripts, targetLength: transcriptLength } as never),
    )
    // The loss normalises, so that the joint network need not.
    const logits = this.within('joint', () =>
      this.joint.logits({ encoderOutputs: encoded, decoderOutputs: outputs as Tensor }),
    )
    const { loss } = this.within('loss', () =>
      this.loss.forward({
        logProbs: logits,
        targets: transcripts,
        inputLengths: encodedLengths,
        targetLengths: transcriptLength,
      } as never),
    )
    return loss as Tensor
  }

  trainingStep(batch: Readonly<Record<string, Tensor>>): TrainingStep {
    const outputs = this.#encodeBatch(batch)
    return { loss: this.#lossOf(outputs, batch), outputs }
  }

  validationStep(batch: Readonly<Record<string, Tensor>>): Readonly<Record<string, Tensor>> {
    const outputs = this.#encodeBatch(batch)
    return this.#computeEvalLoss ? { loss: this.#lossOf(outputs, batch), ...outputs } : outputs
  }

  validationMetrics(): MetricAccumulator {
    return new TransducerMetrics(this)
  }

  override trainingMetrics(): MetricAccumulator {
    return new TransducerMetrics(this)
  }

  /** Hypotheses of each utterance of encoded audio `[B, D, T]`, best first, with their texts. */
  async decodeEncoded(encoded: TensorData, lengths: TensorData, runtime: Runtime): Promise<TransducerTranscript[]> {
    const found = await this.#decoding.decode(encoded, lengths.data as BigInt64Array, runtime)
    return found.map((hypotheses) => {
      const nBest = hypotheses.map((hypothesis) => ({ ...hypothesis, text: this.idsToText(hypothesis.ids) }))
      return { ...nBest[0]!, nBest }
    })
  }

  /** `Trainer.predict` gives each utterance's text, by the model's decoding. */
  override async predictedResults(
    { outputs, encodedLengths }: Readonly<Record<string, TensorData>>,
    runtime: Runtime,
  ): Promise<string[]> {
    const found = await this.decodeEncoded(outputs!, encodedLengths!, runtime)
    return found.map(({ text }) => text)
  }

  /**
   * Recognises speech in files or samples. Silence below -60 dB is trimmed from both ends, as NeMo does.
   *
   * @param audio - Paths of audio files of any supported format and rate, or mono samples at the model's rate.
   * @param options.batchSize - Utterances computed together. Default 4.
   * @param options.returnHypotheses - Give ids, frames and scores too.
   * @returns one text (or transcript) per entry, in order.
   * @throws AudioError for a file that cannot be read.
   */
  async transcribe(
    audio: readonly AudioInput[],
    options?: TranscribeOptions & { readonly returnHypotheses?: false },
  ): Promise<string[]>
  async transcribe(
    audio: readonly AudioInput[],
    options: TranscribeOptions & { readonly returnHypotheses: true },
  ): Promise<TransducerTranscript[]>
  async transcribe(
    audio: readonly AudioInput[],
    options: TranscribeOptions & { readonly returnHypotheses?: boolean } = {},
  ): Promise<string[] | TransducerTranscript[]> {
    this.#transcriber ??= new Transcriber<TransducerTranscript>({
      model: this,
      draw: (inputSignal, inputSignalLength) => {
        const { outputs, encodedLengths } = this.forward({ inputSignal, inputSignalLength } as never)
        return { outputs: outputs as Tensor, encoded_lengths: encodedLengths as Tensor }
      },
      unpack: ({ outputs, encoded_lengths }, { runtime }) => this.decodeEncoded(outputs!, encoded_lengths!, runtime),
    })
    const results = await this.#transcriber.run(audio, options)
    return options.returnHypotheses ? results : results.map(({ text }) => text)
  }
}

/** Error rate of the search's best hypotheses, next to the mean loss; keeps the transcripts for reports. */
export class TransducerMetrics implements MetricAccumulator {
  readonly #wer: WER
  readonly #loss = new MeanLoss()
  readonly #model: EncDecRNNTModel
  /** Every utterance so far with what was recognised. */
  readonly transcripts: RecognizedUtterance[] = []

  constructor(model: EncDecRNNTModel) {
    this.#model = model
    this.#wer = new WER({ useCer: model.cfg.use_cer === true })
  }

  async update(outputs: Readonly<Record<string, TensorData>>, batch: Batch, runtime: Runtime): Promise<void> {
    this.#loss.update(outputs, batch)
    const found = await this.#model.decodeEncoded(outputs.encoded!, outputs.encodedLengths!, runtime)
    for (const [i, info] of (batch.samples as readonly UtteranceInfo[]).entries()) {
      const { text } = found[i]!
      this.#wer.update(text, info.text)
      const { audioFile, offset, duration } = info.entry
      this.transcripts.push({ reference: info.text, hypothesis: text, audioFile, offset, duration })
    }
  }

  reportSections(set: string): Promise<ReportSection[]> {
    return utteranceSections(this.#model, this.transcripts, { set, useCer: this.#model.cfg.use_cer === true })
  }

  compute(): Record<string, number> {
    return { ...this.#loss.compute(), wer: this.#wer.compute() }
  }
}

const gradientSwitches = [
  'normalize_joint_txu',
  'normalize_encoder_norm',
  'normalize_decoder_norm',
  'normalize_joint_norm',
]

// NeMo changes gradients by these; a run that silently did not would be another one.
function refuseUnsupported(cfg: ConfigObject): void {
  const noise = isConfigObject(cfg.variational_noise) ? Number(cfg.variational_noise.std ?? 0) : 0
  const problems = gradientSwitches
    .filter((key) => cfg[key] === true)
    .map((keyPath) => ({ keyPath, message: 'expected false, found true: this change of gradients is not supported' }))
  if (noise > 0) {
    const message = `expected 0, found ${noise}: noise on gradients is not supported`
    problems.push({ keyPath: 'variational_noise.std', message })
  }
  if (problems.length > 0) throw new ConfigValidationError(problems, 'EncDecRNNTModel')
}

const openCharacters: OpenVocabulary = (cfg) => {
  const labels = validLabels(cfg.labels, 'labels', 'EncDecRNNTModel')
  return { vocabulary: new CharacterVocabulary(labels), config: {}, artifacts: new Map() }
}

// Another list of characters, as a config says it.
function charactersOf(cfg: ConfigObject, labels: readonly string[]): OpenedVocabulary {
  const config = { labels: [...labels], ...sizesOf(labels), ...sectionsWithLabels(cfg, labels) }
  return { vocabulary: new CharacterVocabulary(labels), config, artifacts: new Map() }
}

/** The keys of a config that depend on the vocabulary. */
export function sizesOf(labels: readonly string[]): ConfigObject {
  return {
    decoder: { vocab_size: labels.length },
    joint: { num_classes: labels.length, vocabulary: [...labels] },
  }
}

registerTarget(
  [TARGET, 'nemo.collections.asr.models.EncDecRNNTModel'],
  ({ cfg }) => new EncDecRNNTModel(cfg as ConfigObject),
)
