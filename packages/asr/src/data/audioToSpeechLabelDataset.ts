import type { DatasetSource } from '@nemo/core'
import {
  type AudioToLabelConfig,
  AudioToLabelDataset,
  type AudioWindow,
  type LabelledAudio,
  openLabels,
} from './audioToLabelDataset.js'
import { fixedLengthAudio, frameWindows, normalizedAudio, slicedAudio, type WindowOptions } from './audioWindows.js'

/**
 * What becomes of audio in a batch: `fixed` gives each file one piece of the same length, `sliced` windows that cover it,
 * `frames` a window around each frame.
 */
export type SpeechCollation = 'fixed' | 'sliced' | 'frames'

/** Seconds of windows and between them where a section does not say. */
const DEFAULT_WINDOWS: WindowOptions = { windowSeconds: 8, shiftSeconds: 1 }

/**
 * Audio files with speakers, or with speech and its absence, as windows. Ports: audioSignal `[B, T]`, aSigLength `[B]`,
 * label `[B]`, labelLength `[B]`, where B counts windows.
 *
 * Source: NeMo v1.0.0 `AudioToSpeechLabelDataset` and its three ways to collate.
 */
export class AudioToSpeechLabelDataset extends AudioToLabelDataset {
  readonly #collation: SpeechCollation
  readonly #windows: WindowOptions

  private constructor(opened: Awaited<ReturnType<typeof openLabels>>, collation: SpeechCollation) {
    super(opened)
    this.#collation = collation
    const { time_length, shift_length } = opened.config
    this.#windows = {
      windowSeconds: time_length ?? DEFAULT_WINDOWS.windowSeconds,
      shiftSeconds: shift_length ?? DEFAULT_WINDOWS.shiftSeconds,
    }
  }

  /** Opens the manifests; see `openLabels` for errors. Files that are cut into windows need not have a known label. */
  static async open(
    config: AudioToLabelConfig,
    labels: readonly string[] | null,
    collation: SpeechCollation = 'fixed',
  ): Promise<AudioToSpeechLabelDataset> {
    return new AudioToSpeechLabelDataset(
      await openLabels(config, labels, { anyLabel: collation !== 'fixed' }),
      collation,
    )
  }

  override source(): DatasetSource {
    return {
      module: import.meta.url,
      export: 'openAudioToSpeechLabelDataset',
      config: { config: this.config, labels: this.labels, collation: this.#collation },
    }
  }

  protected windows(audio: readonly LabelledAudio[]): AudioWindow[] {
    const { sample_rate: rate, normalize_audio } = this.config
    if (this.#collation === 'fixed') {
      const longest = Math.max(...audio.map(({ samples }) => samples.length))
      const length = Math.min(Math.trunc(this.#windows.windowSeconds * rate), longest)
      return audio.map((one) => ({ samples: fixedLengthAudio(one.samples, length, one.crop), audio: one, window: 0 }))
    }
    const cut = this.#collation === 'sliced' ? slicedAudio : frameWindows
    return audio.flatMap((one) => {
      const samples = normalize_audio ? normalizedAudio(one.samples) : one.samples
      return cut(samples, rate, this.#windows).map((slice, window) => ({ samples: slice, audio: one, window }))
    })
  }
}

/** Makes the dataset in a worker thread; see `AudioToSpeechLabelDataset.source`. */
export async function openAudioToSpeechLabelDataset({
  config,
  labels,
  collation,
}: {
  readonly config: AudioToLabelConfig
  readonly labels: readonly string[]
  readonly collation: SpeechCollation
}): Promise<AudioToSpeechLabelDataset> {
  return AudioToSpeechLabelDataset.open(config, labels, collation)
}
