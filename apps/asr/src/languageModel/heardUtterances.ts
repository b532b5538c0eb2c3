import type { EncDecCTCModel } from '@nemo/asr'
import { type ManifestEntry, readAudio, readManifest } from '@nemo/audio'
import type { TensorData } from '@nemo/graph'

/** What a model makes of one utterance. */
export interface HeardUtterance {
  readonly reference: string
  /** `[T, labels + 1]` */
  readonly logProbs: TensorData
}

/** Runs the network over the utterances of a manifest, once for all searches that follow. */
export async function heardUtterances(
  model: EncDecCTCModel,
  manifest: string | readonly string[],
  options: {
    readonly batchSize: number
    /** Most utterances. Default all. */
    readonly limit?: number
    /** Changes the samples of an utterance before the model hears them. */
    readonly change?: (samples: Float32Array, index: number) => Float32Array
  },
): Promise<HeardUtterance[]> {
  const entries: ManifestEntry[] = []
  for await (const entry of readManifest(manifest)) {
    if (entries.length === options.limit) break
    entries.push(entry)
  }
  const heard: HeardUtterance[] = []
  const group = 16 * options.batchSize
  for (let start = 0; start < entries.length; start += group) {
    const part = entries.slice(start, start + group)
    const audio = await Promise.all(
      part.map((entry, i) => samplesOf(entry, model.sampleRate, start + i, options.change)),
    )
    const logProbs = await model.transcribe(audio, { batchSize: options.batchSize, logprobs: true })
    for (const [i, each] of logProbs.entries()) heard.push({ reference: part[i]!.text ?? '', logProbs: each })
  }
  return heard
}

async function samplesOf(
  { audioFile, offset, duration }: ManifestEntry,
  sampleRate: number,
  index: number,
  change: ((samples: Float32Array, index: number) => Float32Array) | undefined,
): Promise<Float32Array> {
  const { samples } = await readAudio(audioFile, { sampleRate, offset: offset ?? 0, ...(duration && { duration }) })
  return change ? change(samples, index) : samples
}
