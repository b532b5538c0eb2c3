import { open } from 'node:fs/promises'
import { formatManifestRow, type ManifestPaths, readManifest } from '@nemo/audio'
import { AsrError } from '../errors.js'
import type { TranscribeOptions } from '../transcription/transcriber.js'
import { type EncDecSpeakerLabelModel, speakerSimilarity } from './encDecSpeakerLabelModel.js'

/** Options of `extractSpeakerEmbeddings`. */
export interface ExtractEmbeddingsOptions extends TranscribeOptions {
  /** Called after each recording with how many are done. */
  readonly onProgress?: (done: number) => void
}

/**
 * Writes a manifest's lines again, each with the `embedding` of its audio; audio paths become those that
 * the manifest's folder makes of them. One recording is in memory at a time.
 *
 * @param manifest - Lines need `audio_filepath` and `duration`; `offset` counts.
 * @param file - Manifest to write.
 * @returns how many lines were written.
 * @throws ManifestError, AudioError for lines or audio that cannot be read.
 *
 * Source: NeMo v1.0.0 `extract_speaker_embeddings.py`, which writes a pickle.
 */
export async function extractSpeakerEmbeddings(
  model: EncDecSpeakerLabelModel,
  manifest: ManifestPaths,
  file: string,
  options: ExtractEmbeddingsOptions = {},
): Promise<number> {
  const { onProgress, ...rest } = options
  const written = await open(file, 'w')
  let done = 0
  try {
    for await (const entry of readManifest(manifest, { target: 'none' })) {
      const { audioFile, duration, fields } = entry
      const embedding = await model.getEmbedding(entry, rest)
      const row = { ...fields, audio_filepath: audioFile, duration, embedding: Array.from(embedding) }
      await written.write(formatManifestRow(row))
      done++
      onProgress?.(done)
    }
  } finally {
    await written.close()
  }
  return done
}

/** Scores of trials, and which of them are of one speaker; as `equalErrorRate` takes them. */
export interface TrialScores {
  readonly scores: number[]
  readonly same: boolean[]
}

/**
 * Scores the trials of a list as VoxCeleb has it: `1 first second` for one speaker, `0 first second` for two, a line each.
 *
 * @param embeddings - By the names in the list.
 * @throws AsrError naming the line that is wrong or names a recording without embedding.
 *
 * Source: NeMo v1.0.0 `voxceleb_eval.py`.
 */
export function scoreTrials(trials: string, embeddings: ReadonlyMap<string, ArrayLike<number>>): TrialScores {
  const result: TrialScores = { scores: [], same: [] }
  for (const [at, line] of trials.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue
    const [truth, first, second, ...more] = line.trim().split(/\s+/)
    if ((truth !== '0' && truth !== '1') || second === undefined || more.length > 0)
      throw new AsrError(
        'NEMO_ASR_TRIALS',
        `scoreTrials: line ${at + 1}: expected "1 first second" or "0 first second", found ${JSON.stringify(line.slice(0, 120))}.`,
      )
    const [a, b] = [first!, second].map((name) => {
      const embedding = embeddings.get(name)
      if (embedding) return embedding
      throw new AsrError('NEMO_ASR_TRIALS', `scoreTrials: line ${at + 1}: there is no embedding of ${name}.`)
    })
    result.scores.push(speakerSimilarity(a!, b!))
    result.same.push(truth === '1')
  }
  return result
}
