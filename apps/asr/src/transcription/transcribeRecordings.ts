import { AsrError, type CtcTranscript, EncDecCTCModel, EncDecRNNTModel, type TranscribeOptions } from '@nemo/asr'
import { AudioError } from '@nemo/audio'
import type { Model } from '@nemo/core'
import type { Recording } from './recordings.js'

/** A recording with what was said in it. */
export interface RecordingTranscript {
  readonly recording: Recording
  readonly text: string
  /** Of transducers only the text is known. */
  readonly words?: CtcTranscript['words']
  readonly confidence?: number
}

/** How recordings are transcribed. */
export interface RecordingOptions extends TranscribeOptions {
  readonly batchSize: number
  readonly lexicon?: readonly string[]
  /** Seconds; longer recordings are done in chunks. */
  readonly longAudioSeconds: number
  readonly chunkSeconds: number
  readonly contextSeconds: number
  /** Told of audio that cannot be read, which is left out. */
  readonly onBad?: (error: Error, path: string) => void
}

// Batches that are sorted by length together.
const BATCHES = 16

/** Transcribes recordings in order: short ones in batches, long ones by themselves in chunks. */
export async function* transcribeRecordings(
  model: Model,
  recordings: AsyncIterable<Recording>,
  options: RecordingOptions,
): AsyncGenerator<RecordingTranscript> {
  let short: Recording[] = []
  for await (const recording of recordings) {
    const long =
      model instanceof EncDecCTCModel && options.lexicon === undefined && recording.duration > options.longAudioSeconds
    if (!long) short.push(recording)
    if (!long && short.length < options.batchSize * BATCHES) continue
    yield* transcribeShort(model, short, options)
    short = []
    if (long) yield* transcribeLong(model, recording, options)
  }
  yield* transcribeShort(model, short, options)
}

async function* transcribeLong(
  model: EncDecCTCModel,
  recording: Recording,
  options: RecordingOptions,
): AsyncGenerator<RecordingTranscript> {
  try {
    const { text, words, confidence } = await model.transcribeLong(recording, options)
    yield { recording, text, words, confidence }
  } catch (error) {
    if (!options.onBad || !(error instanceof AudioError || error instanceof AsrError)) throw error
    options.onBad(error, recording.audioFile)
  }
}

async function* transcribeShort(
  model: Model,
  recordings: readonly Recording[],
  options: RecordingOptions,
): AsyncGenerator<RecordingTranscript> {
  if (recordings.length === 0) return
  const { onBad } = options
  if (model instanceof EncDecCTCModel) {
    if (options.lexicon) {
      const texts = await model.transcribe(recordings, { ...options, lexicon: options.lexicon })
      for (const [i, text] of texts.entries()) yield { recording: recordings[i]!, text }
      return
    }
    const found = model.transcribeEach(recordings, {
      ...options,
      ...(onBad && { onBadAudio: (error: Error, audio: Recording) => onBad(error, audio.audioFile) }),
    })
    for await (const { audio, transcript } of found) {
      const { text, words, confidence } = transcript
      yield { recording: audio, text, words, confidence }
    }
    return
  }
  if (!(model instanceof EncDecRNNTModel))
    throw new TypeError(`transcribe: expected a recogniser, found ${model.constructor.name}.`)
  const texts = await model.transcribe(recordings, options)
  for (const [i, text] of texts.entries()) yield { recording: recordings[i]!, text }
}
