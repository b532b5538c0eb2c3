import type { DatasetSource } from '@nemo/core'
import {
  type AudioToLabelConfig,
  AudioToLabelDataset,
  type AudioWindow,
  type LabelledAudio,
  openLabels,
} from './audioToLabelDataset.js'

/**
 * Audio files with classes, whole. Ports: audioSignal `[B, T]`, aSigLength `[B]`, label `[B]`, labelLength `[B]`.
 *
 * Source: NeMo v1.0.0 `AudioToClassificationLabelDataset`.
 */
export class AudioToClassificationLabelDataset extends AudioToLabelDataset {
  /** Opens the manifests; see `openLabels` for errors. */
  static async open(
    config: AudioToLabelConfig,
    labels: readonly string[] | null,
  ): Promise<AudioToClassificationLabelDataset> {
    return new AudioToClassificationLabelDataset(await openLabels(config, labels))
  }

  override source(): DatasetSource {
    return {
      module: import.meta.url,
      export: 'openAudioToClassificationLabelDataset',
      config: { config: this.config, labels: this.labels },
    }
  }

  protected windows(audio: readonly LabelledAudio[]): AudioWindow[] {
    return audio.map((one) => ({ samples: one.samples, audio: one, window: 0 }))
  }
}

/** Makes the dataset in a worker thread; see `AudioToClassificationLabelDataset.source`. */
export async function openAudioToClassificationLabelDataset({
  config,
  labels,
}: {
  readonly config: AudioToLabelConfig
  readonly labels: readonly string[]
}): Promise<AudioToClassificationLabelDataset> {
  return AudioToClassificationLabelDataset.open(config, labels)
}
