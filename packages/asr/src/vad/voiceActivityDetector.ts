import { AudioRangeError, readAudio } from '@nemo/audio'
import { defaultRuntime } from '@nemo/core'
import { input, type Runtime, softmax } from '@nemo/graph'
import { signalRows } from '../data/audioToLabelDataset.js'
import { frameWindows, normalizedAudio } from '../data/audioWindows.js'
import { AsrError } from '../errors.js'
import type { EncDecClassificationModel } from '../models/encDecClassificationModel.js'
import { FrozenProgram } from '../transcription/frozenProgram.js'
import { smoothVadFrames, type VadSmoothing } from './smoothVad.js'
import { type SpeechSegment, type SpeechSegmentOptions, speechSegments } from './speechSegments.js'

/** How a recording is looked at, frame by frame. NeMo's keys of `vad_infer` in camelCase. */
export interface VadInferenceOptions {
  /** Seconds of audio around each frame. Default 0.63. */
  readonly windowLengthInSec?: number
  /** Seconds between frames. Default 0.01. */
  readonly shiftLengthInSec?: number
  /** Seconds of a recording that are in memory at once; results do not depend on it. Default 50. */
  readonly splitDuration?: number
  /** Centre each part of a recording and scale it to a peak of 1. Default false. */
  readonly normalizeAudio?: boolean
  /** Class of speech. Default: the label `speech`, or else the second one. */
  readonly speechClass?: number
  /** Frames computed together. Default 64. */
  readonly batchSize?: number
  /** Where to compute. Default: ONNX Runtime on CPU in this thread. */
  readonly runtime?: Runtime
}

/** How frames become stretches of speech. */
export interface VadDecisionOptions extends Omit<SpeechSegmentOptions, 'onset' | 'shiftSeconds'> {
  /** Default 0.5. */
  readonly onset?: number
  /** Makes each point the median or mean of the windows that cover it. Default: frames as they are. */
  readonly smoothing?: Pick<VadSmoothing, 'method' | 'overlap'>
}

/** A recording: a path, or mono samples at the model's rate. */
export type VadAudio = string | URL | Float32Array

// A part of a recording of another rate can be this much shorter than asked for.
const RESAMPLING_SLACK_SECONDS = 0.001

// Seconds of a point of smoothed probabilities.
const SMOOTHED_STEP = 0.01

/**
 * Finds speech in recordings of any length with a classifier of short clips: a window around each frame is classified, the
 * probabilities are smoothed, and thresholds make stretches of speech of them.
 *
 * Windows reach over the borders of the parts in which a long recording is read, so that the frames are those of the
 * recording as a whole; NeMo puts one frame in the wrong place at each border if a window has an odd number of frames.
 *
 * Source: NeMo v1.0.0 `vad_infer.py`, `vad_utils.py`, `ClusteringDiarizer._run_vad`.
 */
export class VoiceActivityDetector {
  readonly model: EncDecClassificationModel
  readonly #options: Required<Omit<VadInferenceOptions, 'runtime'>>
  readonly #runtime: Runtime
  readonly #program: FrozenProgram

  /** @throws AsrError for windows or shifts that cannot be, or a class that the model does not have. */
  constructor(model: EncDecClassificationModel, options: VadInferenceOptions = {}) {
    this.model = model
    const { runtime, ...given } = options
    const named = model.labels.indexOf('speech')
    this.#options = {
      windowLengthInSec: 0.63,
      shiftLengthInSec: 0.01,
      splitDuration: 50,
      normalizeAudio: false,
      speechClass: named >= 0 ? named : 1,
      batchSize: 64,
      ...given,
    }
    this.#runtime = runtime ?? defaultRuntime()
    this.#program = new FrozenProgram(model, () => {
      const inputSignal = input('input_signal', 'float32', ['B', 'T'])
      const inputSignalLength = input('length', 'int64', ['B'])
      return { probabilities: softmax(model.forward({ inputSignal, inputSignalLength } as never).outputs, -1) }
    })
    const { windowLengthInSec, shiftLengthInSec, splitDuration, speechClass, batchSize } = this.#options
    const refuse = (what: string) => {
      throw new AsrError('NEMO_VAD_OPTIONS', `VoiceActivityDetector: ${what}`)
    }
    if (!(Math.trunc(shiftLengthInSec * model.sampleRate) >= 1))
      refuse(`expected a shiftLengthInSec of at least one sample, found ${shiftLengthInSec}.`)
    if (!(windowLengthInSec >= shiftLengthInSec))
      refuse(`expected a windowLengthInSec of at least the shift, ${shiftLengthInSec}, found ${windowLengthInSec}.`)
    if (!(splitDuration >= windowLengthInSec))
      refuse(`expected a splitDuration of at least a window, ${windowLengthInSec}, found ${splitDuration}.`)
    if (!Number.isInteger(batchSize) || batchSize < 1) refuse(`expected a batchSize of at least 1, found ${batchSize}.`)
    if (!Number.isInteger(speechClass) || speechClass < 0 || speechClass >= model.labels.length)
      refuse(
        `expected a speechClass below ${model.labels.length}, found ${speechClass}. Labels: ${model.labels.join(', ')}.`,
      )
  }

  /** Probability of speech in each frame, `shiftLengthInSec` apart. @throws AudioError for a file that cannot be read. */
  async frames(audio: VadAudio): Promise<Float32Array> {
    const parts: Float32Array[] = []
    for await (const part of this.framesByPart(audio)) parts.push(part)
    const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0))
    let at = 0
    for (const part of parts) {
      whole.set(part, at)
      at += part.length
    }
    return whole
  }

  /** The same, a part of the recording at a time: memory does not grow with its length. */
  async *framesByPart(audio: VadAudio): AsyncGenerator<Float32Array> {
    const { windowLengthInSec, splitDuration, shiftLengthInSec, normalizeAudio } = this.#options
    const { sampleRate } = this.model
    const shift = Math.trunc(shiftLengthInSec * sampleRate)
    const framesPerPart = Math.max(1, Math.floor((splitDuration * sampleRate) / shift))
    const window = Math.trunc(windowLengthInSec * sampleRate)
    for (let first = 0; ; first += framesPerPart) {
      // Enough beyond both ends for the windows of the part's own frames, and to see whether there is more.
      const margin = Math.ceil(window / shift) + 1
      const before = Math.min(first, margin)
      const wanted = (before + framesPerPart + margin) * shift
      const samples = await readPart(audio, (first - before) * shift, wanted, sampleRate)
      const last = samples.length < wanted - RESAMPLING_SLACK_SECONDS * sampleRate
      const scaled = normalizeAudio ? normalizedAudio(samples) : samples
      const windows = frameWindows(scaled, sampleRate, {
        windowSeconds: windowLengthInSec,
        shiftSeconds: shiftLengthInSec,
      })
      const own = windows.slice(before, last ? undefined : before + framesPerPart)
      // A recording that is just as long as its parts and margins has its last frames here.
      const part = last ? own.slice(0, framesPerPart) : own
      if (part.length > 0) yield await this.#classify(part)
      if (last && own.length <= framesPerPart) return
    }
  }

  /** Stretches of speech in a recording. */
  async segments(audio: VadAudio, options: VadDecisionOptions = {}): Promise<SpeechSegment[]> {
    return this.decide(await this.frames(audio), options)
  }

  /** Stretches of speech in probabilities that `frames` gave. @throws AsrError for smoothing that would not advance. */
  decide(frames: ArrayLike<number>, options: VadDecisionOptions = {}): SpeechSegment[] {
    const { smoothing, onset = 0.5, ...rest } = options
    if (!smoothing) return speechSegments(frames, { ...rest, onset, shiftSeconds: this.#options.shiftLengthInSec })
    return speechSegments(this.smooth(frames, smoothing), { ...rest, onset, shiftSeconds: SMOOTHED_STEP })
  }

  /**
   * Probabilities every 10 ms, each the median or mean of the windows that cover it; see `smoothVadFrames`.
   *
   * A window covers as much before its frame as after it. NeMo 1.0 lets it cover what comes after, so that its speech begins
   * and ends half a window late.
   */
  smooth(frames: ArrayLike<number>, smoothing: Pick<VadSmoothing, 'method' | 'overlap'>): number[] {
    const { windowLengthInSec: windowSeconds, shiftLengthInSec: shiftSeconds } = this.#options
    if (frames.length === 0) return []
    const half = Math.floor(windowSeconds / 2 / shiftSeconds)
    const beyond = new Array<number>(half).fill(frames[frames.length - 1]!)
    const late = smoothVadFrames([...Array.from(frames), ...beyond], { ...smoothing, windowSeconds, shiftSeconds })
    const pointsPerFrame = late.length / (frames.length + half)
    return late.slice(half * pointsPerFrame)
  }

  async #classify(windows: readonly Float32Array[]): Promise<Float32Array> {
    const { batchSize, speechClass } = this.#options
    const program = await this.#program.get(this.#runtime)
    const result = new Float32Array(windows.length)
    for (let start = 0; start < windows.length; start += batchSize) {
      const { audioSignal, aSigLength } = signalRows(windows.slice(start, start + batchSize))
      const { probabilities } = await program.run({ input_signal: audioSignal, length: aSigLength })
      const [rows, classes] = probabilities!.shape as readonly [number, number]
      for (let row = 0; row < rows; row++)
        result[start + row] = (probabilities!.data as Float32Array)[row * classes + speechClass]!
    }
    return result
  }
}

/** Samples from `first`, at most `count`; fewer at the end of the recording, none beyond it. */
async function readPart(audio: VadAudio, first: number, count: number, sampleRate: number): Promise<Float32Array> {
  if (audio instanceof Float32Array) return audio.subarray(first, first + count)
  try {
    const { samples } = await readAudio(audio, {
      sampleRate,
      // Times become samples by truncation.
      offset: (first + 0.25) / sampleRate,
      duration: (count + 0.25) / sampleRate,
    })
    return samples.length > count ? samples.subarray(0, count) : samples
  } catch (error) {
    if (first > 0 && error instanceof AudioRangeError) return new Float32Array(0)
    throw error
  }
}
