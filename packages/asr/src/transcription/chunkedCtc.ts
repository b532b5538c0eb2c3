import { type ChannelSelector, streamAudio } from '@nemo/audio'
import { defaultRuntime, int64Vector, padRows } from '@nemo/core'
import { input, type Runtime, type Tensor } from '@nemo/graph'
import { SHORTEST_SIGNAL } from '../data/audioToTextDataset.js'
import type { ConfidenceConfig } from '../decoding/confidence.js'
import { type TimedToken, type TimedWord, WordBuilder } from '../decoding/timedTokens.js'
import { AsrError } from '../errors.js'
import type { EncDecCTCModel } from '../models/encDecCTCModel.js'
import {
  AudioToMelSpectrogramPreprocessor,
  type FilterbankFeatures,
} from '../modules/audioToMelSpectrogramPreprocessor.js'
import { type AudioChunk, audioChunks, type ChunkGeometry } from './audioChunks.js'
import { type AudioInput, isPart, readAudioInput } from './audioInput.js'
import { type CtcTranscript, greedyStream, hypothesisText } from './ctcTranscriber.js'
import { type FeatureNorm, FeatureStatistics } from './featureStatistics.js'
import { FrozenProgram } from './frozenProgram.js'

/** Audio of any length: what `transcribe` takes, or blocks of mono samples at the model's rate as they arrive. */
export type LongAudio = AudioInput | AsyncIterable<Float32Array>

/** Options of transcribing in chunks. */
export interface ChunkOptions {
  /**
   * Seconds whose frames are kept of each chunk. Default 120, which computes little twice; for blocks that arrive 2. Networks
   * with attention over all of their input want fewer.
   */
  readonly chunkSeconds?: number
  /**
   * Seconds of context before and after a chunk that the network sees too. Results equal those of the whole recording where
   * this is at least the reach of the network. Default 4; NeMo's `total_buffer` is the chunk with both.
   */
  readonly contextSeconds?: number | { readonly left: number; readonly right: number }
  /** Chunks computed together. Default 1. */
  readonly batchSize?: number
  /**
   * What features are normalised by, where the model normalises per utterance. `whole`: statistics of the whole recording, which
   * is read twice. `heard`: those of all that was heard so far, the only choice for blocks that arrive. Default accordingly.
   */
  readonly normalization?: 'whole' | 'heard'
  /** Channels to use of audio with several. Default: the mean of all. */
  readonly channels?: ChannelSelector
  readonly confidence?: ConfidenceConfig
  /** Where to compute. Default: ONNX Runtime on CPU in this thread. */
  readonly runtime?: Runtime
}

/** Frames of a long recording, in order. */
export interface FrameBlock {
  /** Number of the first frame. */
  readonly startFrame: number
  /** `[frames, labels + 1]`, ln P. */
  readonly logProbs: Float32Array
  /** Seconds of audio that the network has seen so far. */
  readonly heardSeconds: number
}

/** What became certain of a long recording since the last time. */
export interface StreamedText {
  /** Words that are complete. */
  readonly words: readonly TimedWord[]
  /** Labels that have ended. */
  readonly tokens: readonly TimedToken[]
  /** What is spelt so far of a word that may go on. */
  readonly pending: string
  /** Seconds of audio that the network has seen so far. */
  readonly heardSeconds: number
}

type Statistics = 'per_feature' | 'all_features'

// Samples read at a time for statistics of the whole.
const STATISTICS_SECONDS = 30
// No transform of a preprocessor reaches further.
const REACH_SECONDS = 0.1

/**
 * Recognises recordings of any length with a CTC model in memory that does not grow: chunk by chunk, with context on both sides
 * whose frames are dropped.
 *
 * Source: the idea of NeMo's `FrameBatchASR`. Unlike there, features are normalised by statistics of the recording, not of a
 * chunk, so that results do not depend on how it is cut.
 */
export class ChunkedCtc {
  readonly #model: EncDecCTCModel
  readonly #features: FrozenProgram
  readonly #network: FrozenProgram
  #turn: Promise<unknown> = Promise.resolve()

  constructor(model: EncDecCTCModel) {
    this.#model = model
    this.#features = new FrozenProgram(model, () =>
      this.#drawn(null, (inputs) => {
        const { signal: inputSignal, length } = inputs
        const { processedSignal, processedLength } = model.preprocessor.forward({ inputSignal, length } as never) as {
          readonly processedSignal: Tensor
          readonly processedLength: Tensor
        }
        return { features: processedSignal, lengths: processedLength }
      }),
    )
    this.#network = new FrozenProgram(model, () =>
      this.#drawn('fed', ({ signal, length }) => {
        const { logProbs, encodedLengths } = model.forward({ inputSignal: signal, inputSignalLength: length } as never)
        return { logprobs: logProbs, encoded_lengths: encodedLengths }
      }),
    )
  }

  get #featurizer(): FilterbankFeatures | undefined {
    const { preprocessor } = this.#model
    return preprocessor instanceof AudioToMelSpectrogramPreprocessor ? preprocessor.featurizer : undefined
  }

  // Statistics that the model takes of each utterance; undefined if it takes none.
  get #statistics(): Statistics | undefined {
    const normalize = this.#featurizer?.normalize
    return normalize === 'per_feature' || normalize === 'all_features' ? normalize : undefined
  }

  #drawn<T>(normalize: null | 'fed', draw: (inputs: { signal: never; length: never }) => T): T {
    const featurizer = this.#featurizer
    const [padTo, configured] = [featurizer?.padTo, featurizer?.normalize]
    if (featurizer) {
      featurizer.padTo = 0
      if (this.#statistics) {
        const size = ['B', featurizer.features, 1]
        featurizer.normalize =
          normalize === 'fed'
            ? { mean: input('mean', 'float32', size), deviation: input('deviation', 'float32', size) }
            : null
      }
    }
    try {
      const [signal, length] = [input('input_signal', 'float32', ['B', 'T']), input('length', 'int64', ['B'])]
      return draw({ signal: signal as never, length: length as never })
    } finally {
      if (featurizer) {
        featurizer.padTo = padTo!
        featurizer.normalize = configured!
      }
    }
  }

  /** Frames of a recording, in order. */
  async *frames(audio: LongAudio, options: ChunkOptions = {}): AsyncGenerator<FrameBlock> {
    const live = isBlocks(audio)
    const { batchSize = 1, normalization = live ? 'heard' : 'whole' } = options
    if (!Number.isInteger(batchSize) || batchSize < 1)
      throw new RangeError(`transcribe: expected a batchSize of at least 1, found ${batchSize}.`)
    if (live && normalization === 'whole')
      throw new AsrError(
        'NEMO_ASR_CHUNKS',
        'transcribe: blocks of samples can be read only once; expected normalization "heard", found "whole".',
      )
    const geometry = await this.#geometry(options, live)
    const runtime = options.runtime ?? defaultRuntime()
    const { sampleRate } = this.#model
    const open = (blockSeconds: number) => this.#open(audio, options, blockSeconds)
    const statistics = await this.#newStatistics(runtime)
    let norm: FeatureNorm | undefined
    if (statistics && normalization === 'whole') {
      for await (const block of open(STATISTICS_SECONDS)) await this.#inTurn(() => statistics.add(block, false))
      await this.#inTurn(() => statistics.add(new Float32Array(0), true))
      norm = statistics.norm()
    }
    let [startFrame, heard] = [0, 0]
    let batch: { chunk: AudioChunk; norm: FeatureNorm | undefined }[] = []
    const blockSeconds = geometry.chunk / sampleRate
    for await (const chunk of audioChunks(open(blockSeconds), geometry)) {
      if (statistics && normalization === 'heard') {
        const fresh = chunk.samples.subarray(chunk.samples.length - (chunk.endSample - heard))
        await this.#inTurn(() => statistics.add(fresh, chunk.keepFrames === undefined))
        heard = chunk.endSample
        norm = statistics.norm()
      }
      batch.push({ chunk, norm })
      if (batch.length < batchSize && chunk.keepFrames !== undefined) continue
      const full = batch
      batch = []
      const computed = await this.#inTurn(() => this.#compute(full, runtime))
      for (const [i, logProbs] of computed.entries()) {
        yield { startFrame, logProbs, heardSeconds: full[i]!.chunk.endSample / sampleRate }
        startFrame += logProbs.length / (this.#model.blank + 1)
      }
    }
  }

  /** Words of a recording as they become certain. */
  async *words(audio: LongAudio, options: ChunkOptions = {}): AsyncGenerator<StreamedText> {
    const decoder = await this.#decoder(options)
    const builder = new WordBuilder(decoder.measure.aggregate)
    let heardSeconds = 0
    for await (const block of this.frames(audio, options)) {
      heardSeconds = block.heardSeconds
      const tokens = decoder.push(block.logProbs)
      yield { words: tokens.flatMap((token) => builder.push(token)), tokens, pending: builder.pending, heardSeconds }
    }
    const tokens = decoder.finish()
    const words = [...tokens.flatMap((token) => builder.push(token)), ...builder.finish()]
    if (tokens.length > 0 || words.length > 0) yield { words, tokens, pending: '', heardSeconds }
  }

  /** What was said in a whole recording. */
  async transcript(audio: LongAudio, options: ChunkOptions = {}): Promise<CtcTranscript> {
    const decoder = await this.#decoder(options)
    const tokens: TimedToken[] = []
    for await (const { logProbs } of this.frames(audio, options)) tokens.push(...decoder.push(logProbs))
    tokens.push(...decoder.finish())
    return hypothesisText(this.#model, tokens, decoder)
  }

  async #decoder({ confidence }: ChunkOptions) {
    const frameSeconds = await this.#model.frameSeconds()
    return greedyStream(this.#model, { frameSeconds, ...(confidence && { confidence }) })
  }

  async #geometry({ chunkSeconds, contextSeconds = 4 }: ChunkOptions, live: boolean): Promise<ChunkGeometry> {
    const { left, right } =
      typeof contextSeconds === 'number' ? { left: contextSeconds, right: contextSeconds } : contextSeconds
    const chunk = chunkSeconds ?? (live ? 2 : 120)
    for (const [name, value, least] of [
      ['chunkSeconds', chunk, Number.MIN_VALUE],
      ['contextSeconds', left, 0],
      ['contextSeconds', right, 0],
    ] as const) {
      if (!(value >= least && Number.isFinite(value)))
        throw new RangeError(`transcribe: expected ${name} ${least > 0 ? 'above' : 'of at least'} 0, found ${value}.`)
    }
    const frame = Math.round((await this.#model.frameSeconds()) * this.#model.sampleRate)
    const frames = (seconds: number) => Math.ceil((seconds * this.#model.sampleRate) / frame) * frame
    return { frame, chunk: Math.max(frame, frames(chunk)), left: frames(left), right: frames(right) }
  }

  async #newStatistics(runtime: Runtime): Promise<FeatureStatistics | undefined> {
    const type = this.#statistics
    const featurizer = this.#featurizer
    if (!type || !featurizer) return undefined
    const program = await this.#inTurn(() => this.#features.get(runtime))
    return new FeatureStatistics(program, type, featurizer.hopSamples, REACH_SECONDS * this.#model.sampleRate)
  }

  async #compute(
    batch: readonly { readonly chunk: AudioChunk; readonly norm: FeatureNorm | undefined }[],
    runtime: Runtime,
  ): Promise<Float32Array[]> {
    const program = await this.#network.get(runtime)
    const rows = batch.map(({ chunk }) => chunk.samples)
    const feeds: Record<string, ReturnType<typeof padRows>> = {
      input_signal: padRows(rows, 'float32', 0, SHORTEST_SIGNAL),
      length: int64Vector(rows.map((row) => row.length)),
    }
    if (this.#statistics) {
      for (const key of ['mean', 'deviation'] as const) {
        const stacked = padRows(
          batch.map(({ norm }) => norm![key]),
          'float32',
        )
        feeds[key] = { ...stacked, shape: [...stacked.shape, 1] }
      }
    }
    const { logprobs, encoded_lengths } = await program.run(feeds)
    const [, frames, classes] = logprobs!.shape as readonly [number, number, number]
    const data = logprobs!.data as Float32Array
    return batch.map(({ chunk }, b) => {
      const end =
        chunk.keepFrames === undefined ? Number(encoded_lengths!.data[b]) : chunk.skipFrames + chunk.keepFrames
      return data.slice((b * frames + chunk.skipFrames) * classes, (b * frames + end) * classes)
    })
  }

  // Programs must not run twice at a time.
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work)
    this.#turn = result.catch(() => undefined)
    return result
  }

  #open(audio: LongAudio, { channels }: ChunkOptions, blockSeconds: number): AsyncIterable<Float32Array> {
    if (isBlocks(audio)) return audio
    const { sampleRate } = this.#model
    if (typeof audio === 'string' || audio instanceof URL)
      return streamAudio(audio, { sampleRate, channels, blockSeconds })
    if (!isPart(audio)) return once(() => readAudioInput(audio, sampleRate, channels))
    const { audioFile, offset, duration } = audio
    return streamAudio(audioFile, { sampleRate, channels: audio.channels ?? channels, offset, duration, blockSeconds })
  }
}

async function* once(read: () => Promise<Float32Array>): AsyncGenerator<Float32Array> {
  yield await read()
}

function isBlocks(audio: LongAudio): audio is AsyncIterable<Float32Array> {
  return typeof audio === 'object' && Symbol.asyncIterator in audio
}
