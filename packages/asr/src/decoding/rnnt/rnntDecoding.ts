import { validateConfig } from '@nemo/core'
import type { Runtime, TensorData } from '@nemo/graph'
import { z } from 'zod'
import type { RNNTDecoder } from '../../modules/rnntDecoder.js'
import type { RNNTJoint } from '../../modules/rnntJoint.js'
import { alignmentLengthSynchronousSearch } from './alignmentLengthSynchronousSearch.js'
import { defaultBeamSearch } from './defaultBeamSearch.js'
import { greedyTransducerDecode } from './greedyTransducer.js'
import type { TransducerHypothesis } from './hypothesis.js'
import { rankPaths, type SearchPath } from './searchPath.js'
import { timeSynchronousSearch } from './timeSynchronousSearch.js'
import { type EncodedFrames, TransducerSteps } from './transducerSteps.js'

/** Keys of a `decoding` section, with NeMo's names, defaults and meanings. */
export const rnntDecodingConfigSchema = z.strictObject({
  /** `greedy` and `greedy_batch` give the same here. */
  strategy: z.enum(['greedy', 'greedy_batch', 'beam', 'tsd', 'alsd']).default('greedy_batch'),
  greedy: z
    .strictObject({
      /** Labels that one frame can say at most; null for no limit. */
      max_symbols: z.int().min(1).nullable().default(null),
    })
    .prefault({}),
  beam: z
    .strictObject({
      /** 1 is greedy search. */
      beam_size: z.int().min(1).default(2),
      /** Order hypotheses by score per label. */
      score_norm: z.boolean().default(true),
      return_best_hypothesis: z.boolean().default(true),
      /** Labels that a frame can say at most (`tsd`). */
      tsd_max_sym_exp: z.int().min(1).default(50),
      /** Labels per frame at most (`alsd`). */
      alsd_max_target_len: z.number().positive().default(2),
    })
    .prefault({}),
  preserve_alignments: z.boolean().default(false),
  compute_hypothesis_token_set: z.boolean().default(false),
})

/** Keys of a `decoding` section. */
export type RNNTDecodingConfig = z.input<typeof rnntDecodingConfigSchema>

/**
 * Searches of a transducer, as a config chooses them.
 *
 * Source: NeMo v1.0.0 `AbstractRNNTDecoding`.
 */
export class RNNTDecoding {
  readonly config: z.output<typeof rnntDecodingConfigSchema>
  readonly #decoder: RNNTDecoder
  readonly #joint: RNNTJoint
  readonly #steps = new Map<Runtime, TransducerSteps>()

  /** @throws ConfigValidationError naming each wrong key, its value and what is allowed. */
  constructor(config: RNNTDecodingConfig, decoder: RNNTDecoder, joint: RNNTJoint) {
    this.config = validateConfig(rnntDecodingConfigSchema, config, { source: 'decoding' })
    this.#decoder = decoder
    this.#joint = joint
  }

  /**
   * The best hypotheses of each utterance, best first; greedy search gives one.
   *
   * @param encoded - Encoder output `[B, D, T]`.
   * @param lengths - Frames of each utterance.
   */
  async decode(
    encoded: TensorData,
    lengths: ArrayLike<number | bigint>,
    runtime: Runtime,
  ): Promise<readonly (readonly TransducerHypothesis[])[]> {
    const { strategy, greedy, beam } = this.config
    const steps = this.#stepsOn(runtime)
    if (strategy === 'greedy' || strategy === 'greedy_batch' || beam.beam_size === 1) {
      const best = await greedyTransducerDecode(steps, encoded, lengths, { maxSymbols: greedy.max_symbols })
      return best.map((hypothesis) => [hypothesis])
    }
    const results: (readonly TransducerHypothesis[])[] = []
    for (const frames of await steps.project(encoded, lengths))
      results.push(rankPaths(await this.#search(strategy, steps, frames), beam.score_norm))
    return results
  }

  #search(
    strategy: 'beam' | 'tsd' | 'alsd',
    steps: TransducerSteps,
    frames: EncodedFrames,
  ): Promise<readonly SearchPath[]> {
    const { beam_size, tsd_max_sym_exp, alsd_max_target_len } = this.config.beam
    const vocabSize = this.#decoder.vocabSize
    switch (strategy) {
      case 'beam':
        return defaultBeamSearch(steps, frames, vocabSize, beam_size)
      case 'tsd':
        return timeSynchronousSearch(steps, frames, vocabSize, beam_size, tsd_max_sym_exp)
      case 'alsd':
        return alignmentLengthSynchronousSearch(steps, frames, vocabSize, beam_size, {
          maxTargetLength: alsd_max_target_len,
        })
    }
  }

  #stepsOn(runtime: Runtime): TransducerSteps {
    const ready = this.#steps.get(runtime)
    if (ready) return ready
    const made = new TransducerSteps(this.#decoder, this.#joint, runtime)
    this.#steps.set(runtime, made)
    return made
  }

  /** Frees what was compiled. */
  async dispose(): Promise<void> {
    const steps = [...this.#steps.values()]
    this.#steps.clear()
    await Promise.all(steps.map((one) => one.dispose()))
  }
}
