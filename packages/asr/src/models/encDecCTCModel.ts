import {
  type Batch,
  type ConfigObject,
  type Inputs,
  instantiate,
  isConfigObject,
  LabelsType,
  LengthsType,
  LogprobsType,
  MeanLoss,
  type MetricAccumulator,
  type NeuralModule,
  type Outputs,
  port,
  type ReportSection,
  registerTarget,
  type TrainingStep,
  typecheck,
} from '@nemo/core'
import { argMax, type Tensor, type TensorData } from '@nemo/graph'
import type { FrameCount, UtteranceInfo } from '../data/audioToTextDataset.js'
import { greedyCtcDecode } from '../decoding/greedyCtc.js'
import { CtcLexiconDecoder } from '../decoding/lexiconCtc.js'
import { writeCtcOnnx } from '../export/ctcOnnx.js'
import { CTCLoss } from '../losses/ctcLoss.js'
import { WER } from '../metrics/wer.js'
import { type RecognizedUtterance, utteranceSections } from '../report/utteranceSections.js'
import type { AudioInput } from '../transcription/audioInput.js'
import {
  ChunkedCtc,
  type ChunkOptions,
  type FrameBlock,
  type LongAudio,
  type StreamedText,
} from '../transcription/chunkedCtc.js'
import { type CtcTranscript, ctcTranscriber, type ScoredCtcTranscript } from '../transcription/ctcTranscriber.js'
import type {
  Transcribed,
  TranscribeEachOptions,
  TranscribeOptions,
  Transcriber,
} from '../transcription/transcriber.js'
import { ASRModel } from './asrModel.js'
import { sectionsWithLabels } from './labelModel.js'
import { CharacterVocabulary, type OpenedVocabulary, type OpenVocabulary, validLabels } from './labelVocabulary.js'

const TARGET = 'nemo.collections.asr.models.ctc_models.EncDecCTCModel'

/**
 * Speech recogniser of a preprocessor, an encoder and a decoder, trained by CTC on characters.
 *
 * Config: `labels` (or `decoder.vocabulary`), `preprocessor`, `encoder`, `decoder`, optional `spec_augment`, `optim`,
 * `train_ds`, `validation_ds`, `test_ds`. Source: NeMo v1.0.0 `EncDecCTCModel`.
 */
export class EncDecCTCModel extends ASRModel {
  static readonly outputTypes = {
    logProbs: port('B T D', LogprobsType, { name: 'logprobs' }),
    encodedLengths: port('B', LengthsType),
    greedyPredictions: port('B T', LabelsType),
  }

  readonly target: string = TARGET
  #decoder: NeuralModule
  #loss: CTCLoss
  #transcriber: Transcriber<ScoredCtcTranscript> | undefined
  #chunked: ChunkedCtc | undefined

  /**
   * @param open - Opens the vocabulary. Default: the characters of `labels` (or `decoder.vocabulary`).
   * @throws ConfigError for unknown or missing keys and values that cannot be, naming key and value.
   */
  constructor(cfg: ConfigObject, open: OpenVocabulary = openCharacters) {
    super(cfg, ['tokenizer'], open)
    this.#decoder = this.addModule('decoder', this.#makeDecoder())
    this.#loss = this.addModule('loss', this.#makeLoss())
  }

  get decoder(): NeuralModule {
    return this.#decoder
  }

  get loss(): CTCLoss {
    return this.#loss
  }

  #makeDecoder(): NeuralModule {
    const section = this.section('decoder')
    const { num_classes, feat_in } = section
    const extra = {
      num_classes: typeof num_classes === 'number' && num_classes > 0 ? num_classes : this.labels.length,
      vocabulary: this.labels,
      ...((feat_in === null || feat_in === undefined) && { feat_in: encodedChannels(this.encoder) }),
    }
    return instantiate<NeuralModule>(section, extra, { keyPath: 'decoder' })
  }

  #makeLoss(): CTCLoss {
    const reduction = (this.cfg.ctc_reduction ?? 'mean_batch') as 'mean_batch'
    return new CTCLoss({ num_classes: this.labels.length, zero_infinity: true, reduction })
  }

  /**
   * Makes the model learn other labels, as for fine-tuning on another language: the encoder stays, the decoder and the loss are
   * made anew, with fresh weights; the config says so. With the labels that it has, nothing changes. NeMo's `change_vocabulary`.
   *
   * @param newVocabulary - Characters (this class). For sub-words see `EncDecCTCModelBPE`.
   * @throws ConfigValidationError for an empty list or repeated labels.
   */
  changeVocabulary(newVocabulary: readonly string[]): void
  changeVocabulary(newTokenizerDir: string, newTokenizerType: string): void
  changeVocabulary(newVocabulary: readonly string[] | string, _newTokenizerType?: string): void {
    const labels = validLabels(newVocabulary, 'newVocabulary', 'EncDecCTCModel.changeVocabulary')
    if (labels.length === this.labels.length && labels.every((label, id) => label === this.labels[id])) return
    this.replaceVocabulary(charactersOf(this.cfg, labels))
  }

  /** Puts a decoder and a loss for another vocabulary in place. */
  protected replaceVocabulary(opened: OpenedVocabulary): void {
    this.takeVocabulary(opened)
    this.#decoder = this.replaceModule('decoder', this.#makeDecoder())
    this.#loss = this.replaceModule('loss', this.#makeLoss())
    this.#transcriber = undefined
    this.#chunked = undefined
  }

  /** Utterances too short for their transcript have no CTC loss. */
  protected override framesNeeded(): FrameCount {
    return (samples) => this.encodedFrames(samples)
  }

  /**
   * Draws the recogniser on raw audio (`inputSignal` `[B, T]`, `inputSignalLength` `[B]`) or on features
   * (`processedSignal` `[B, D, T]`, `processedSignalLength` `[B]`).
   *
   * @throws ModelError unless exactly one of the two is given.
   */
  @typecheck()
  forward(inputs: Inputs<typeof EncDecCTCModel>): Outputs<typeof EncDecCTCModel> {
    const { outputs, encodedLengths } = this.encode(inputs)
    const { logprobs } = this.within('decoder', () => this.decoder.forward({ encoderOutput: outputs })) as {
      logprobs: Tensor
    }
    return { logProbs: logprobs, encodedLengths, greedyPredictions: argMax(logprobs, -1) } as Outputs<
      typeof EncDecCTCModel
    >
  }

  #step(batch: Readonly<Record<string, Tensor>>): { loss: Tensor; outputs: Record<string, Tensor> } {
    const { transcripts, transcriptLength } = batch as Record<string, Tensor>
    const { logProbs, encodedLengths, greedyPredictions } = this.forward(this.inputsOf(batch) as never)
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

  /**
   * Recognises speech in files or samples.
   *
   * Silence below -60 dB is trimmed from both ends and features are not padded, as NeMo does here, so log-probabilities
   * differ a little from `forward`'s.
   *
   * @param audio - Audio files of any supported format and rate, parts of them (lines of a manifest), or samples.
   * @param options.batchSize - Utterances computed together. Default 4.
   * @param options.lexicon - Words of which texts may consist: see `CtcLexiconDecoder`. Default: any spelling.
   * @param options.returnHypotheses - Give labels and words with times, scores and confidence; with `logprobs` those too.
   * @returns one text per entry, in order; with `logprobs`, log-probabilities `[T, labels + 1]` instead.
   * @throws AudioError for a file that cannot be read. RangeError for a word of the lexicon that cannot be spelled.
   */
  async transcribe(
    audio: readonly AudioInput[],
    options?: TranscribeOptions & {
      readonly logprobs?: false
      readonly returnHypotheses?: false
      readonly lexicon?: readonly string[]
    },
  ): Promise<string[]>
  async transcribe(
    audio: readonly AudioInput[],
    options: TranscribeOptions & { readonly logprobs: true; readonly returnHypotheses?: false },
  ): Promise<TensorData[]>
  async transcribe(
    audio: readonly AudioInput[],
    options: TranscribeOptions & { readonly logprobs: true; readonly returnHypotheses: true },
  ): Promise<ScoredCtcTranscript[]>
  async transcribe(
    audio: readonly AudioInput[],
    options: TranscribeOptions & { readonly logprobs?: false; readonly returnHypotheses: true },
  ): Promise<CtcTranscript[]>
  async transcribe(
    audio: readonly AudioInput[],
    options: TranscribeOptions & {
      readonly logprobs?: boolean
      readonly returnHypotheses?: boolean
      readonly lexicon?: readonly string[]
    } = {},
  ): Promise<string[] | TensorData[] | CtcTranscript[]> {
    const { lexicon: words, logprobs, returnHypotheses } = options
    const lexicon = words && new CtcLexiconDecoder({ words, labels: this.labels })
    this.#transcriber ??= ctcTranscriber(this)
    const results = await this.#transcriber.run(audio, options)
    if (returnHypotheses) return logprobs ? results : results.map(({ logProbs: _, ...transcript }) => transcript)
    if (logprobs) return results.map(({ logProbs }) => logProbs)
    return results.map(({ text, logProbs }) => (lexicon ? lexicon.decode(logProbs).words.join(' ') : text))
  }

  /**
   * Recognises any number of utterances, such as `readManifest(path)`, a few batches at a time.
   *
   * @param options.onBadAudio - Told of audio that cannot be read, which is left out. Default: the error is thrown.
   * @returns transcripts in order, with their input and its position.
   */
  async *transcribeEach<Audio extends AudioInput>(
    audio: Iterable<Audio> | AsyncIterable<Audio>,
    options: TranscribeEachOptions<Audio> = {},
  ): AsyncGenerator<Transcribed<Audio, ScoredCtcTranscript>> {
    this.#transcriber ??= ctcTranscriber(this)
    yield* this.#transcriber.each(audio, options)
  }

  /**
   * Recognises a recording of any length, chunk by chunk with context on both sides. Memory does not depend on its length, but
   * for the result. Nothing is trimmed.
   *
   * @throws AudioError for a file that cannot be read.
   */
  async transcribeLong(audio: LongAudio, options: ChunkOptions = {}): Promise<CtcTranscript> {
    this.#chunked ??= new ChunkedCtc(this)
    return this.#chunked.transcript(audio, options)
  }

  /** As `transcribeLong`, for audio that is still arriving and for results that are wanted early. */
  async *transcribeStream(audio: LongAudio, options: ChunkOptions = {}): AsyncGenerator<StreamedText> {
    this.#chunked ??= new ChunkedCtc(this)
    yield* this.#chunked.words(audio, options)
  }

  /** Log-probabilities of a recording of any length, for other decoders; see `transcribeLong`. */
  async *streamLogProbs(audio: LongAudio, options: ChunkOptions = {}): AsyncGenerator<FrameBlock> {
    this.#chunked ??= new ChunkedCtc(this)
    yield* this.#chunked.frames(audio, options)
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

  /** `Trainer.predict` gives the text of each utterance's best path. */
  override predictedResults({ greedyPredictions, encodedLengths }: Readonly<Record<string, TensorData>>): string[] {
    return this.decodePredictions(greedyPredictions!, encodedLengths!)
  }

  /** Text of the best paths of a batch. */
  decodePredictions(predictions: TensorData, lengths: TensorData): string[] {
    return greedyCtcDecode(predictions, lengths.data as BigInt64Array, this.blank).map((ids) => this.idsToText(ids))
  }
}

/** Word error rate of best paths, next to the mean loss; keeps the transcripts for reports. */
export class TranscriptMetrics implements MetricAccumulator {
  readonly #wer = new WER()
  readonly #loss = new MeanLoss()
  readonly #model: EncDecCTCModel
  /** Every utterance so far with what was recognised. */
  readonly transcripts: RecognizedUtterance[] = []

  constructor(model: EncDecCTCModel) {
    this.#model = model
  }

  update(outputs: Readonly<Record<string, TensorData>>, batch: Batch): void {
    this.#loss.update(outputs, batch)
    const texts = this.#model.decodePredictions(outputs.predictions!, outputs.encodedLengths!)
    for (const [i, info] of (batch.samples as readonly UtteranceInfo[]).entries()) {
      this.#wer.update(texts[i]!, info.text)
      const { audioFile, offset, duration } = info.entry
      this.transcripts.push({ reference: info.text, hypothesis: texts[i]!, audioFile, offset, duration })
    }
  }

  reportSections(set: string): Promise<ReportSection[]> {
    return utteranceSections(this.#model, this.transcripts, { set })
  }

  compute(): Record<string, number> {
    return { ...this.#loss.compute(), wer: this.#wer.compute() }
  }
}

// Configs leave the decoder's input open where the encoder knows it.
const encodedChannels = (encoder: NeuralModule): unknown => (encoder as { readonly featOut?: number }).featOut

const openCharacters: OpenVocabulary = (cfg) => {
  const own = isConfigObject(cfg.decoder) ? cfg.decoder.vocabulary : undefined
  const labels =
    Array.isArray(own) && own.length > 0
      ? validLabels(own, 'decoder.vocabulary', 'EncDecCTCModel')
      : validLabels(cfg.labels, 'labels', 'EncDecCTCModel')
  return { vocabulary: new CharacterVocabulary(labels), config: {}, artifacts: new Map() }
}

// Another list of characters, as a config says it.
function charactersOf(cfg: ConfigObject, labels: readonly string[]): OpenedVocabulary {
  const decoder: ConfigObject = { num_classes: labels.length, vocabulary: [...labels] }
  const config = { labels: [...labels], decoder, ...sectionsWithLabels(cfg, labels) }
  return { vocabulary: new CharacterVocabulary(labels), config, artifacts: new Map() }
}

registerTarget(
  [TARGET, 'nemo.collections.asr.models.EncDecCTCModel'],
  ({ cfg }) => new EncDecCTCModel(cfg as ConfigObject),
)
