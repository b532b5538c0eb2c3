import type { Manifest, ManifestIndex } from '@nemo/audio'
import type { DatasetSource, ThreadCalls } from '@nemo/core'
import { SubwordVocabulary, type SubwordVocabularyFiles } from '../tokenizer/subwordVocabulary.js'
import { type AudioToCharConfig, AudioToTextDataset, type FrameCount, openTranscripts } from './audioToTextDataset.js'

/**
 * Audio files with transcripts as ids of sub-words; ports as `AudioToTextDataset`.
 *
 * Source: NeMo v1.0.0 `AudioToBPEDataset`.
 */
export class AudioToBPEDataset extends AudioToTextDataset {
  private constructor(
    manifest: Manifest | ManifestIndex,
    config: AudioToCharConfig,
    private readonly vocabulary: SubwordVocabulary,
    frames: FrameCount | undefined,
  ) {
    const transcripts = vocabulary.transcripts({
      startEnd: config.use_start_end_token,
      unknown: config.unknown_characters,
    })
    super(manifest, transcripts, config, frames)
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
    vocabulary: SubwordVocabulary,
    frames?: FrameCount,
  ): Promise<AudioToBPEDataset> {
    return new AudioToBPEDataset(await openTranscripts(config), config, vocabulary, frames)
  }

  override source(): DatasetSource {
    return {
      module: import.meta.url,
      export: 'openAudioToBPEDataset',
      config: { config: this.config, files: this.vocabulary.files },
      ...(this.frames && { calls: { frames: this.frames } }),
    }
  }
}

/** Makes the dataset in a worker thread; see `AudioToBPEDataset.source`. */
export async function openAudioToBPEDataset(
  { config, files }: { readonly config: AudioToCharConfig; readonly files: SubwordVocabularyFiles },
  { frames }: ThreadCalls,
): Promise<AudioToBPEDataset> {
  return AudioToBPEDataset.open(config, new SubwordVocabulary(files), frames as FrameCount | undefined)
}
