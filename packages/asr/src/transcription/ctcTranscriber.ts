import { readAudio, trimSilence } from '@nemo/audio'
import { defaultRuntime, int64Vector, padRows } from '@nemo/core'
import { compile, input, type Program, type Runtime, type TensorData } from '@nemo/graph'
import { SHORTEST_SIGNAL } from '../data/audioToCharDataset.js'
import { greedyCtcDecode } from '../decoding/greedyCtc.js'
import { AsrError } from '../errors.js'
import type { EncDecCTCModel } from '../models/encDecCTCModel.js'
import { AudioToMelSpectrogramPreprocessor } from '../modules/audioToMelSpectrogramPreprocessor.js'

/** A file, or mono samples at the model's rate. */
export type AudioInput = string | URL | Float32Array

/** Options of transcription. */
export interface TranscribeOptions {
  /** Utterances computed together. Default 4. */
  readonly batchSize?: number
  /** Trim silence below -60 dB, as NeMo does. Default true. */
  readonly trim?: boolean
  /** Where to compute. Default: ONNX Runtime on CPU in this thread. */
  readonly runtime?: Runtime
}

/** What was recognised in one utterance. */
export interface CtcTranscript {
  readonly text: string
  /** Label ids of the text. */
  readonly ids: readonly number[]
  /** `[T, labels + 1]` */
  readonly logProbs: TensorData<'float32'>
}

interface Compiled {
  readonly program: Program<'logprobs' | 'encoded_lengths' | 'predictions'>
  readonly runtime: Runtime
  readonly versions: readonly number[]
}

// Batches whose audio is in memory at once.
const BATCHES_READ = 16

/** Transcribes with a CTC model; compiles it once with its weights inside and again when they have changed. */
export class CtcTranscriber {
  readonly #model: EncDecCTCModel
  #compiled: Compiled | undefined
  /** Calls take turns: a program must not go while another call runs it. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(model: EncDecCTCModel) {
    this.#model = model
  }

  /** Transcripts in the order of `audio`. */
  run(audio: readonly AudioInput[], options: TranscribeOptions = {}): Promise<CtcTranscript[]> {
    const result = this.#turn.then(() => this.#transcribe(audio, options))
    this.#turn = result.catch(() => undefined)
    return result
  }

  async #transcribe(audio: readonly AudioInput[], options: TranscribeOptions): Promise<CtcTranscript[]> {
    const { batchSize = 4, trim = true } = options
    if (!Array.isArray(audio))
      throw new TypeError('transcribe: expected a list of paths or samples. Put a single one into [ ].')
    if (!Number.isInteger(batchSize) || batchSize < 1)
      throw new RangeError(`transcribe: expected a batchSize of at least 1, found ${batchSize}.`)
    const program = await this.#program(options.runtime ?? defaultRuntime())
    const results: CtcTranscript[] = []
    const group = batchSize * BATCHES_READ
    for (let start = 0; start < audio.length; start += group) {
      const signals = await Promise.all(audio.slice(start, start + group).map((source) => this.#read(source, trim)))
      results.push(...(await this.#recognise(program, signals, batchSize)))
    }
    return results
  }

  async #recognise(
    program: Compiled['program'],
    signals: readonly Float32Array[],
    batchSize: number,
  ): Promise<CtcTranscript[]> {
    // Utterances of like length share a batch; padding costs time.
    const order = signals.map((_, i) => i).sort((a, b) => signals[b]!.length - signals[a]!.length)
    const results: CtcTranscript[] = new Array(signals.length)
    for (let start = 0; start < order.length; start += batchSize) {
      const batch = order.slice(start, start + batchSize)
      const rows = batch.map((i) => signals[i]!)
      const outputs = await program.run({
        input_signal: padRows(rows, 'float32', 0, SHORTEST_SIGNAL),
        length: int64Vector(rows.map((row) => row.length)),
      })
      this.#unpack(outputs).forEach((transcript, b) => {
        results[batch[b]!] = transcript
      })
    }
    return results
  }

  #unpack(outputs: Record<'logprobs' | 'encoded_lengths' | 'predictions', TensorData>): CtcTranscript[] {
    const { labels, blank } = this.#model
    const lengths = Array.from(outputs.encoded_lengths.data as BigInt64Array, Number)
    const [, frames, classes] = outputs.logprobs.shape as readonly [number, number, number]
    return greedyCtcDecode(outputs.predictions, lengths, blank).map((ids, b) => {
      const length = lengths[b]!
      const start = b * frames * classes
      const data = (outputs.logprobs.data as Float32Array).slice(start, start + length * classes)
      return {
        ids,
        text: ids.map((id) => labels[id]!).join(''),
        logProbs: { dtype: 'float32', shape: [length, classes], data },
      }
    })
  }

  async #read(source: AudioInput, trim: boolean): Promise<Float32Array> {
    const samples =
      source instanceof Float32Array
        ? source
        : (await readAudio(source, { sampleRate: this.#model.sampleRate })).samples
    const trimmed = trim ? trimSilence(samples) : samples
    if (trimmed.length === 0)
      throw new AsrError(
        'NEMO_ASR_EMPTY_AUDIO',
        `transcribe: ${source instanceof Float32Array ? 'the samples are' : `${source} is`} empty.`,
      )
    return trimmed
  }

  async #program(runtime: Runtime): Promise<Compiled['program']> {
    const versions = [...this.#model.namedTensors().values()].map((tensor) => tensor.version)
    const ready = this.#compiled
    if (ready && ready.runtime === runtime && versions.every((version, i) => version === ready.versions[i]))
      return ready.program
    await ready?.program.dispose()
    this.#model.nameParameters()
    const program = await compile(this.#draw(), { runtime, freezeParameters: true })
    this.#compiled = { program, runtime, versions }
    return program
  }

  #draw() {
    const model = this.#model
    const { preprocessor } = model
    const featurizer = preprocessor instanceof AudioToMelSpectrogramPreprocessor ? preprocessor.featurizer : undefined
    const padTo = featurizer?.padTo
    if (featurizer) featurizer.padTo = 0
    try {
      const { logProbs, encodedLengths, greedyPredictions } = model.withMode(false, () =>
        model.forward({
          inputSignal: input('input_signal', 'float32', ['B', 'T']),
          inputSignalLength: input('length', 'int64', ['B']),
        }),
      )
      return { logprobs: logProbs, encoded_lengths: encodedLengths, predictions: greedyPredictions }
    } finally {
      if (featurizer) featurizer.padTo = padTo!
    }
  }
}
