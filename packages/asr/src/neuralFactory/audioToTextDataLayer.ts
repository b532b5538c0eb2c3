import { DataLayerNM, DataLoader, type Outputs, registerTarget, validateConfig } from '@nemo/core'
import { z } from 'zod'
import { AudioToCharDataset } from '../data/audioToCharDataset.js'
import { audioToCharConfigSchema, audioToCharOutputTypes } from '../data/audioToTextDataset.js'

/** Keys of an `AudioToTextDataLayer`, with NeMo 0.9's names and defaults. */
export const audioToTextDataLayerConfigSchema = z.strictObject({
  /** Manifests; a text may name several, separated by commas. */
  manifest_filepath: z.union([z.string(), z.array(z.string())]),
  labels: z.array(z.string()).min(1).readonly(),
  batch_size: z.int().min(1),
  sample_rate: z.int().min(1).default(16000),
  /** Samples are always read as numbers in [-1, 1]. */
  int_values: z.literal(false).default(false),
  /** Marks of begin and end are for decoders that emit one label after the other; there are none for CTC. */
  bos_id: z.null().default(null),
  eos_id: z.null().default(null),
  pad_id: z.int().nullable().default(null),
  /** Seconds; shorter utterances are left out. */
  min_duration: z.number().min(0).nullable().default(0.1),
  /** Seconds; longer utterances are left out. */
  max_duration: z.number().positive().nullable().default(null),
  normalize_transcripts: z.boolean().default(true),
  trim_silence: z.boolean().default(false),
  load_audio: z.literal(true).default(true),
  drop_last: z.boolean().default(false),
  shuffle: z.boolean().default(true),
  num_workers: z.int().min(0).default(0),
  /** Fixes the order of utterances. */
  seed: z.int().default(0),
})

/** Keys of an `AudioToTextDataLayer`. */
export type AudioToTextDataLayerConfig = z.input<typeof audioToTextDataLayerConfigSchema>

/**
 * Utterances and their transcripts from manifests. Ports: `audioSignal` `[B, T]`, `aSigLength` `[B]`, `transcripts` `[B, U]`,
 * `transcriptLength` `[B]`.
 *
 * Source: NeMo v0.9.0 `AudioToTextDataLayer`.
 */
export class AudioToTextDataLayer extends DataLayerNM {
  static readonly outputTypes = audioToCharOutputTypes

  /**
   * Reads the manifests.
   *
   * @throws ConfigValidationError naming each wrong key; ManifestError for a manifest that is not there.
   */
  static async open(config: AudioToTextDataLayerConfig): Promise<AudioToTextDataLayer> {
    const valid = validateConfig(audioToTextDataLayerConfigSchema, config, { source: 'AudioToTextDataLayer' })
    const { labels, batch_size, shuffle, drop_last, seed, num_workers, manifest_filepath, pad_id } = valid
    const { sample_rate, min_duration, max_duration, trim_silence, normalize_transcripts } = valid
    const settings = audioToCharConfigSchema.parse({
      manifest_filepath,
      pad_id: pad_id ?? 0,
      ...{ sample_rate, min_duration, max_duration, trim_silence, normalize_transcripts, num_workers },
    })
    const dataset = await AudioToCharDataset.open(settings, labels)
    return new AudioToTextDataLayer(new DataLoader(dataset, { batch_size, shuffle, drop_last, seed }))
  }

  override forward(): Outputs<typeof AudioToTextDataLayer> {
    return super.forward() as Outputs<typeof AudioToTextDataLayer>
  }
}

registerTarget('nemo_asr.AudioToTextDataLayer', (args) =>
  AudioToTextDataLayer.open(args as unknown as AudioToTextDataLayerConfig),
)
