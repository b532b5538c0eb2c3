/** What a transducer's search found for one utterance. */
export interface TransducerHypothesis {
  /** Label ids, without blanks. */
  readonly ids: readonly number[]
  /** Frame at which each label was said; for alignment-length synchronous search frame + labels said so far. */
  readonly timesteps: readonly number[]
  /** Log-probability of the path, or of all merged paths. */
  readonly score: number
  /** Classes chosen at each frame, blanks included; kept by greedy search only. */
  readonly alignments?: readonly (readonly number[])[]
}
