import { readAudio, trimSilence } from '@nemo/audio'
import { defaultRuntime, int64Vector, padRows } from '@nemo/core'
import { compile, input, type Program, type Runtime, type Tensor, type TensorData } from '@nemo/graph'
import { SHORTEST_SIGNAL } from '../data/audioToCharDataset.js'
import { AsrError } from '../errors.js'
import type { AudioEncoderModel } from '../models/audioEncoderModel.js'
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

/** What a transcriber needs to know of a model. */
export interface Recognition<Result, Names extends string = string> {
  readonly model: AudioEncoderModel
  /** Draws the outputs from `input_signal` `[B, T]` and `length` `[B]`, in evaluation mode. */
  draw(inputSignal: Tensor, inputSignalLength: Tensor): Readonly<Record<Names, Tensor>>
  /** What was recognised in each utterance of a batch. */
  unpack(outputs: Readonly<Record<Names, TensorData>>, runtime: Runtime): Result[] | Promise<Result[]>
  /** Frames that features are padded to a multiple of. Default: as configured. */
  readonly padTo?: number
}

interface Compiled {
  readonly program: Program
  readonly runtime: Runtime
  readonly versions: readonly number[]
}

// Batches whose audio is in memory at once.
const BATCHES_READ = 16

/** Transcribes batches of like length; compiles the model once with its weights inside and again when they have changed. */
export class Transcriber<Result> {
  readonly #recognition: Recognition<Result>
  #compiled: Compiled | undefined
  /** Calls take turns: a program must not go while another call runs it. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(recognition: Recognition<Result>) {
    this.#recognition = recognition
  }

  /** Transcripts in the order of `audio`. */
  run(audio: readonly AudioInput[], options: TranscribeOptions = {}): Promise<Result[]> {
    const result = this.#turn.then(() => this.#transcribe(audio, options))
    this.#turn = result.catch(() => undefined)
    return result
  }

  async #transcribe(audio: readonly AudioInput[], options: TranscribeOptions): Promise<Result[]> {
    const { batchSize = 4, trim = true } = options
    if (!Array.isArray(audio))
      throw new TypeError('transcribe: expected a list of paths or samples. Put a single one into [ ].')
    if (!Number.isInteger(batchSize) || batchSize < 1)
      throw new RangeError(`transcribe: expected a batchSize of at least 1, found ${batchSize}.`)
    const runtime = options.runtime ?? defaultRuntime()
    const program = await this.#program(runtime)
    const results: Result[] = []
    const group = batchSize * BATCHES_READ
    for (let start = 0; start < audio.length; start += group) {
      const signals = await Promise.all(audio.slice(start, start + group).map((source) => this.#read(source, trim)))
      results.push(...(await this.#recognise(program, runtime, signals, batchSize)))
    }
    return results
  }

  async #recognise(
    program: Program,
    runtime: Runtime,
    signals: readonly Float32Array[],
    batchSize: number,
  ): Promise<Result[]> {
    // Utterances of like length share a batch; padding costs time.
    const order = signals.map((_, i) => i).sort((a, b) => signals[b]!.length - signals[a]!.length)
    const results: Result[] = new Array(signals.length)
    for (let start = 0; start < order.length; start += batchSize) {
      const batch = order.slice(start, start + batchSize)
      const rows = batch.map((i) => signals[i]!)
      const outputs = await program.run({
        input_signal: padRows(rows, 'float32', 0, SHORTEST_SIGNAL),
        length: int64Vector(rows.map((row) => row.length)),
      })
      const unpacked = await this.#recognition.unpack(outputs, runtime)
      for (const [b, result] of unpacked.entries()) results[batch[b]!] = result
    }
    return results
  }

  async #read(source: AudioInput, trim: boolean): Promise<Float32Array> {
    const samples =
      source instanceof Float32Array
        ? source
        : (await readAudio(source, { sampleRate: this.#recognition.model.sampleRate })).samples
    const trimmed = trim ? trimSilence(samples) : samples
    if (trimmed.length === 0)
      throw new AsrError(
        'NEMO_ASR_EMPTY_AUDIO',
        `transcribe: ${source instanceof Float32Array ? 'the samples are' : `${source} is`} empty.`,
      )
    return trimmed
  }

  async #program(runtime: Runtime): Promise<Program> {
    const versions = [...this.#recognition.model.namedTensors().values()].map((tensor) => tensor.version)
    const ready = this.#compiled
    if (ready && ready.runtime === runtime && versions.every((version, i) => version === ready.versions[i]))
      return ready.program
    await ready?.program.dispose()
    this.#recognition.model.nameParameters()
    const program = await compile(this.#draw(), { runtime, freezeParameters: true })
    this.#compiled = { program, runtime, versions }
    return program
  }

  #draw() {
    const { model, padTo, draw } = this.#recognition
    const { preprocessor } = model
    const featurizer = preprocessor instanceof AudioToMelSpectrogramPreprocessor ? preprocessor.featurizer : undefined
    const configured = featurizer?.padTo
    if (featurizer && padTo !== undefined) featurizer.padTo = padTo
    try {
      return model.withMode(false, () =>
        draw(input('input_signal', 'float32', ['B', 'T']), input('length', 'int64', ['B'])),
      )
    } finally {
      if (featurizer) featurizer.padTo = configured!
    }
  }
}
