/** A stretch of speech. */
export interface SpeechSegment {
  /** Seconds. */
  readonly start: number
  /** Seconds. */
  readonly duration: number
}

/** Options of `speechSegments`. */
export interface SpeechSegmentOptions {
  /** Speech begins with a probability above this. */
  readonly onset: number
  /** Speech ends with a probability at or below this. Default: `onset`. */
  readonly offset?: number
  /** Seconds between probabilities. Default 0.01. */
  readonly shiftSeconds?: number
  /** Seconds put before each segment. Default 0. */
  readonly padOnset?: number
  /** Seconds put after each segment. Default 0. */
  readonly padOffset?: number
  /** Seconds: shorter speech is dropped. Default 0. */
  readonly minDurationOn?: number
  /** Seconds: shorter pauses are filled. Default 0. */
  readonly minDurationOff?: number
}

/**
 * Stretches of speech in a sequence of probabilities: two thresholds with hysteresis, padding, then pauses and segments
 * that are too short go.
 *
 * With one threshold and no more this is NeMo 1.0's, whose last frame takes the state of the one before it; here it
 * has its own.
 *
 * Source: NeMo v1.0.0 `generate_vad_segment_table`; onset, offset and durations as in its later versions.
 */
export function speechSegments(probabilities: ArrayLike<number>, options: SpeechSegmentOptions): SpeechSegment[] {
  const { onset, offset = onset, shiftSeconds = 0.01, padOnset = 0, padOffset = 0 } = options
  const { minDurationOn = 0, minDurationOff = 0 } = options
  const total = probabilities.length * shiftSeconds
  const spans: { start: number; end: number }[] = []
  const close = (start: number, end: number) => {
    const span = {
      start: Math.max(0, start * shiftSeconds - padOnset),
      end: Math.min(total, end * shiftSeconds + padOffset),
    }
    const previous = spans.at(-1)
    if (previous && span.start - previous.end < Math.max(minDurationOff, Number.EPSILON)) previous.end = span.end
    else spans.push(span)
  }
  let begun = -1
  for (let i = 0; i < probabilities.length; i++) {
    const probability = probabilities[i]!
    if (begun < 0 && probability > onset) begun = i
    else if (begun >= 0 && probability <= offset) {
      close(begun, i)
      begun = -1
    }
  }
  if (begun >= 0) close(begun, probabilities.length)
  return spans
    .map(({ start, end }) => ({ start, duration: end - start }))
    .filter(({ duration }) => duration >= minDurationOn)
}

/** Segments as lines of an RTTM file. */
export function rttmLines(segments: readonly SpeechSegment[], file: string, speaker = 'speech'): string[] {
  return segments.map(
    ({ start, duration }) =>
      `SPEAKER ${file} 1 ${start.toFixed(3)} ${duration.toFixed(3)} <NA> <NA> ${speaker} <NA> <NA>`,
  )
}
