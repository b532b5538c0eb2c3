import {
  alignmentLengthSynchronousSearch,
  defaultBeamSearch,
  greedyTransducerDecode,
  rankPaths,
  type TransducerHypothesis,
  TransducerSteps,
  timeSynchronousSearch,
} from '@nemo/asr'
import type { CaseHandler } from '../caseHandler.js'
import { loadState } from '../network.js'
import { PredictionAndJoint } from './rnntNet.js'

interface NemoHypothesis {
  /** Beam hypotheses begin with the blank. */
  readonly y_sequence: readonly number[]
  readonly timestep: readonly number[]
  readonly score: number
  readonly alignments?: readonly (readonly number[])[]
}

interface DecodingCase {
  readonly decoder_config: never
  readonly joint_config: never
  readonly vocab_size: number
  readonly blank: number
  readonly state_dict: Readonly<Record<string, string>>
  readonly greedy: readonly {
    readonly decoder: string
    readonly max_symbols_per_step: number | null
    readonly hypotheses: readonly NemoHypothesis[]
  }[]
  readonly beam: readonly {
    readonly search_type: string
    readonly beam_size: number
    readonly score_norm: boolean
    readonly tsd_max_sym_exp_per_step?: number
    readonly alsd_max_target_len?: number
    readonly n_best: readonly (readonly NemoHypothesis[])[]
  }[]
}

const SCORE_TOLERANCE = 1e-3

/** `greedy` and `beam` searches with a stored transducer: labels, their frames, alignments and scores. */
export const rnntDecoding: CaseHandler = {
  kind: 'RNN-T decoding',
  matches: ({ json }) => 'decoder_config' in json && 'joint_config' in json && Array.isArray(json.greedy),
  async run(golden, comparison, { runtime }) {
    const json = golden.json as unknown as DecodingCase
    const model = new PredictionAndJoint(json)
    comparison.equal('state_dict', [...model.namedTensors().keys()], Object.keys(json.state_dict))
    if (comparison.failures.length > 0) return
    loadState(golden, model)
    const steps = new TransducerSteps(model.decoder, model.joint, runtime)
    const encoded = golden.array('encoder_outputs')
    const lengths = golden.array('encoded_lengths').data as BigInt64Array
    for (const { decoder, max_symbols_per_step: maxSymbols, hypotheses } of json.greedy) {
      // NeMo's batched search has a bug (NEMO-FACTS); ours decodes a batch as if each item were alone.
      if (decoder !== 'GreedyRNNTInfer') continue
      const found = await greedyTransducerDecode(steps, encoded, lengths, { maxSymbols })
      for (const [b, want] of hypotheses.entries()) {
        const what = `greedy/${maxSymbols}/${b}`
        comparison.equal(`${what}/y_sequence`, found[b]!.ids, want.y_sequence)
        comparison.equal(`${what}/timestep`, found[b]!.timesteps, want.timestep)
        // Frames that reach the limit run into the next in NeMo's lists.
        const [got, wanted] = [found[b]!.alignments!, want.alignments!]
        if (maxSymbols === null) comparison.equal(`${what}/alignments`, got, wanted)
        else comparison.equal(`${what}/alignments`, got.flat(), wanted.flat())
      }
    }
    const utterances = await steps.project(encoded, lengths)
    for (const search of json.beam) {
      const { search_type, beam_size, score_norm, n_best } = search
      const find = {
        default: (b: number) => defaultBeamSearch(steps, utterances[b]!, json.vocab_size, beam_size),
        tsd: (b: number) =>
          timeSynchronousSearch(steps, utterances[b]!, json.vocab_size, beam_size, search.tsd_max_sym_exp_per_step!),
        alsd: (b: number) =>
          alignmentLengthSynchronousSearch(steps, utterances[b]!, json.vocab_size, beam_size, {
            maxTargetLength: search.alsd_max_target_len!,
            likeNemo1: true,
          }),
      }[search_type]
      for (const [b, want] of n_best.entries()) {
        const got = find
          ? rankPaths(await find(b), score_norm)
          : (await greedyTransducerDecode(steps, encoded, lengths)).slice(b, b + 1)
        for (const [n, hypothesis] of want.entries()) {
          const what = `${search_type}/${score_norm}/${b}/${n}`
          comparison.equal(`${what}/y_sequence`, withStart(got[n], 'ids', json.blank), hypothesis.y_sequence)
          comparison.equal(`${what}/timestep`, withStart(got[n], 'timesteps', -1), hypothesis.timestep)
          // NeMo's greedy score leaves blanks out.
          if (find) comparison.number(`${what}/score`, got[n]!.score, hypothesis.score, SCORE_TOLERANCE)
        }
      }
    }
    await steps.dispose()
  },
}

const withStart = (hypothesis: TransducerHypothesis | undefined, key: 'ids' | 'timesteps', start: number) =>
  hypothesis && [start, ...hypothesis[key]]
