import { AudioError, type ChannelSelector, nonSilentRange } from '@nemo/audio'
import { defaultRuntime, int64Vector, padRows } from '@nemo/core'
import { input, type Runtime, type Tensor, type TensorData } from '@nemo/graph'
import { SHORTEST_SIGNAL } from '../data/audioToTextDataset.js'
import type { ConfidenceConfig } from '../decoding/confidence.js'
import { AsrError } from '../errors.js'
import type { AudioEncoderModel } from '../models/audioEncoderModel.js'
import { AudioToMelSpectrogramPreprocessor } from '../modules/audioToMelSpectrogramPreprocessor.js'
import { type AudioInput, readAudioInput } from './audioInput.js'
import { FrozenProgram } from './frozenProgram.js'

/** Options of transcription. */
export interface TranscribeOptions {
  /** Utterances computed together. Default 4. */
  readonly batchSize?: number
  /** Trim silence below -60 dB, as NeMo does. Time stamps count from the start of the audio all the same. Default true. */
  readonly trim?: boolean
  /** Channels to use of audio with several. Default: the mean of all. NeMo's `channel_selector`. */
  readonly channels?: ChannelSelector
  /** How confidence is computed, for hypotheses. NeMo's `confidence_cfg`. */
  readonly confidence?: ConfidenceConfig
  /** Where to compute. Default: ONNX Runtime on CPU in this thread. */
  readonly runtime?: Runtime
}

/** Options of transcribing a stream of utterances. */
export interface TranscribeEachOptions<Audio> extends TranscribeOptions {
  /** Told of audio that cannot be read, which is left out. Default: the error is thrown. */
  readonly onBadAudio?: (error: AudioError | AsrError, audio: Audio, index: number) => void
}

/** What was recognised in one input of a stream. */
export interface Transcribed<Audio, Result> {
  /** Position in the stream, from 0. */
  readonly index: number
  readonly audio: Audio
  readonly transcript: Result
}

/** What `unpack` is told besides a batch's outputs. */
export interface UnpackContext {
  readonly runtime: Runtime
  /** Seconds of each utterance's audio that were trimmed from its start. */
  readonly trimmedSeconds: readonly number[]
  readonly confidence: ConfidenceConfig | undefined
}

/** What a transcriber needs to know of a model. */
export interface Recognition<Result, Names extends string = string> {
  readonly model: AudioEncoderModel
  /** Draws the outputs from `input_signal` `[B, T]` and `length` `[B]`, in evaluation mode. */
  draw(inputSignal: Tensor, inputSignalLength: Tensor): Readonly<Record<Names, Tensor>>
  /** What was recognised in each utterance of a batch. */
  unpack(outputs: Readonly<Record<Names, TensorData>>, context: UnpackContext): Result[] | Promise<Result[]>
  /** Frames that features are padded to a multiple of. Default: as configured. */
  readonly padTo?: number
}

interface Signal<Audio> {
  readonly index: number
  readonly audio: Audio
  readonly samples: Float32Array
  readonly trimmedSeconds: number
}

// Batches whose audio is in memory at once.
const BATCHES_READ = 16

/** Transcribes batches of like length. */
export class Transcriber<Result> {
  readonly #recognition: Recognition<Result>
  readonly #frozen: FrozenProgram
  /** Calls take turns: a program must not go while another call runs it. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(recognition: Recognition<Result>) {
    this.#recognition = recognition
    this.#frozen = new FrozenProgram(recognition.model, () => this.#draw())
  }

  /** Transcripts in the order of `audio`. */
  async run(audio: readonly AudioInput[], options: TranscribeOptions = {}): Promise<Result[]> {
    if (!Array.isArray(audio))
      throw new TypeError('transcribe: expected a list of paths or samples. Put a single one into [ ].')
    const results: Result[] = []
    for await (const { transcript } of this.each(audio, options)) results.push(transcript)
    return results
  }

  /** Transcripts in the order of `audio`, of which a few batches are in memory at a time. */
  async *each<Audio extends AudioInput>(
    audio: Iterable<Audio> | AsyncIterable<Audio>,
    options: TranscribeEachOptions<Audio> = {},
  ): AsyncGenerator<Transcribed<Audio, Result>> {
    const { batchSize = 4 } = options
    if (!Number.isInteger(batchSize) || batchSize < 1)
      throw new RangeError(`transcribe: expected a batchSize of at least 1, found ${batchSize}.`)
    const size = batchSize * BATCHES_READ
    let [group, index] = [[] as Promise<Signal<Audio> | undefined>[], 0]
    for await (const source of audio) {
      const reading = this.#read(source, index++, options)
      // A failure is told when the group's turn comes.
      reading.catch(() => undefined)
      group.push(reading)
      if (group.length < size) continue
      yield* await this.#inTurn(group, batchSize, options)
      group = []
    }
    yield* await this.#inTurn(group, batchSize, options)
  }

  async #inTurn<Audio extends AudioInput>(
    group: readonly Promise<Signal<Audio> | undefined>[],
    batchSize: number,
    options: TranscribeOptions,
  ): Promise<Transcribed<Audio, Result>[]> {
    const signals = (await Promise.all(group)).filter((signal) => signal !== undefined)
    if (signals.length === 0) return []
    const results = this.#turn.then(() => this.#recognise(signals, batchSize, options))
    this.#turn = results.catch(() => undefined)
    return (await results).map((transcript, i) => ({
      index: signals[i]!.index,
      audio: signals[i]!.audio,
      transcript,
    }))
  }

  async #recognise(
    signals: readonly Signal<unknown>[],
    batchSize: number,
    options: TranscribeOptions,
  ): Promise<Result[]> {
    const runtime = options.runtime ?? defaultRuntime()
    const program = await this.#frozen.get(runtime)
    // Utterances of like length share a batch; padding costs time.
    const order = signals.map((_, i) => i).sort((a, b) => signals[b]!.samples.length - signals[a]!.samples.length)
    const results: Result[] = new Array(signals.length)
    for (let start = 0; start < order.length; start += batchSize) {
      const batch = order.slice(start, start + batchSize)
      const rows = batch.map((i) => signals[i]!.samples)
      const outputs = await program.run({
        input_signal: padRows(rows, 'float32', 0, SHORTEST_SIGNAL),
        length: int64Vector(rows.map((row) => row.length)),
      })
      const unpacked = await this.#recognition.unpack(outputs, {
        runtime,
        trimmedSeconds: batch.map((i) => signals[i]!.trimmedSeconds),
        confidence: options.confidence,
      })
      for (const [b, result] of unpacked.entries()) results[batch[b]!] = result
    }
    return results
  }

  async #read<Audio extends AudioInput>(
    audio: Audio,
    index: number,
    { trim = true, channels, onBadAudio }: TranscribeEachOptions<Audio>,
  ): Promise<Signal<Audio> | undefined> {
    const { sampleRate } = this.#recognition.model
    try {
      const whole = await readAudioInput(audio, sampleRate, channels)
      const { start, end } = trim ? nonSilentRange(whole) : { start: 0, end: whole.length }
      return { index, audio, samples: whole.subarray(start, end), trimmedSeconds: start / sampleRate }
    } catch (error) {
      if (!onBadAudio || !(error instanceof AudioError || error instanceof AsrError)) throw error
      onBadAudio(error, audio, index)
      return undefined
    }
  }

  #draw() {
    const { model, padTo, draw } = this.#recognition
    const { preprocessor } = model
    const featurizer = preprocessor instanceof AudioToMelSpectrogramPreprocessor ? preprocessor.featurizer : undefined
    const configured = featurizer?.padTo
    if (featurizer && padTo !== undefined) featurizer.padTo = padTo
    try {
      return draw(input('input_signal', 'float32', ['B', 'T']), input('length', 'int64', ['B']))
    } finally {
      if (featurizer) featurizer.padTo = configured!
    }
  }
}
