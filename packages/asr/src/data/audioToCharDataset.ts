import type { Manifest, ManifestIndex } from '@nemo/audio'
import type { DatasetSource, ThreadCalls } from '@nemo/core'
import { CharTokenizer } from '@nemo/tokenizers'
import { type AudioToCharConfig, AudioToTextDataset, type FrameCount, openTranscripts } from './audioToTextDataset.js'

/**
 * Audio files with transcripts as character ids; ports as `AudioToTextDataset`.
 *
 * Source: NeMo v1.0.0 `AudioToCharDataset`.
 */
export class AudioToCharDataset extends AudioToTextDataset {
  private constructor(
    manifest: Manifest | ManifestIndex,
    config: AudioToCharConfig,
    private readonly labels: readonly string[],
    frames: FrameCount | undefined,
  ) {
    const options = { lowercase: config.normalize_transcripts, unknown: config.unknown_characters }
    super(manifest, new CharTokenizer(labels, options), config, frames)
  }

  /**
   * Reads the manifests.
   *
   * @param frames - Frames that the encoder makes of so many samples. With it, utterances whose transcript has no CTC
   * alignment with their audio are left out and counted.
   * @throws ManifestError, AudioFileError for a manifest that is not there, AudioArgumentError for an augmentor's settings.
   */
  static async open(
    config: AudioToCharConfig,
    labels: readonly string[],
    frames?: FrameCount,
  ): Promise<AudioToCharDataset> {
    return new AudioToCharDataset(await openTranscripts(config), config, labels, frames)
  }

  override source(): DatasetSource {
    return {
      module: import.meta.url,
      export: 'openAudioToCharDataset',
      config: { config: this.config, labels: this.labels },
      ...(this.frames && { calls: { frames: this.frames } }),
    }
  }
}

/** Makes the dataset in a worker thread; see `AudioToCharDataset.source`. */
export async function openAudioToCharDataset(
  { config, labels }: { readonly config: AudioToCharConfig; readonly labels: readonly string[] },
  { frames }: ThreadCalls,
): Promise<AudioToCharDataset> {
  return AudioToCharDataset.open(config, labels, frames as FrameCount | undefined)
}
