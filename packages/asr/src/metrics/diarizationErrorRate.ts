import { linearAssignment } from './linearAssignment.js'

/** A stretch of time in which someone speaks. */
export interface SpeakerSegment {
  /** Seconds. */
  readonly start: number
  /** Seconds. */
  readonly duration: number
  readonly speaker: string
}

/** Options of `DiarizationErrorRate`. */
export interface DiarizationErrorOptions {
  /** Seconds on each side of every border of the reference that do not count. Default 0.25. */
  readonly collar?: number
  /** Leave out where several speak at once in the reference. Default true. */
  readonly ignoreOverlap?: boolean
}

/** Seconds of speech, and what went wrong in them. */
export interface DiarizationErrors {
  /** Seconds of speech in the reference, each speaker's counted. */
  readonly total: number
  readonly correct: number
  /** Speech that was not found. */
  readonly missed: number
  /** Silence taken for speech. */
  readonly falseAlarm: number
  /** Speech of one taken for that of another. */
  readonly confusion: number
  /** (missed + falseAlarm + confusion) / total. */
  readonly errorRate: number
}

/** A stretch of time, in seconds. */
export type TimeRange = readonly [start: number, end: number]

/**
 * Diarisation error rate: time that is attributed wrongly, over the time of speech, after speakers are paired with the
 * reference's as well as possible; over all recordings so far.
 *
 * `collar` counts on each side of a border, as in NIST's md-eval; pyannote.metrics gives both sides together, so that NeMo
 * 1.0's `collar=0.25` is 0.125 here. Overlapping segments of one speaker count once.
 *
 * Source: NIST RT md-eval; pyannote.metrics `DiarizationErrorRate`.
 */
export class DiarizationErrorRate {
  readonly #collar: number
  readonly #ignoreOverlap: boolean
  #sum = { total: 0, correct: 0, missed: 0, falseAlarm: 0, confusion: 0 }

  constructor(options: DiarizationErrorOptions = {}) {
    this.#collar = options.collar ?? 0.25
    this.#ignoreOverlap = options.ignoreOverlap ?? true
  }

  /**
   * Takes in a recording.
   *
   * @param spans - What of the recording counts. Default: from the first to the last word in either.
   * @returns the errors of this recording.
   */
  update(
    reference: readonly SpeakerSegment[],
    hypothesis: readonly SpeakerSegment[],
    spans?: readonly TimeRange[],
  ): DiarizationErrors {
    const [said, found] = [bySpeaker(reference), bySpeaker(hypothesis)]
    const pieces = this.#pieces(said, found, spans)
    const speakers = { said: [...said.keys()], found: [...found.keys()] }
    const together = speakers.said.map(() => speakers.found.map(() => 0))
    for (const { seconds, said: r, found: h } of pieces)
      for (const i of r) for (const j of h) together[i]![j]! += seconds
    const partner = linearAssignment(together)
    const errors = { total: 0, correct: 0, missed: 0, falseAlarm: 0, confusion: 0 }
    for (const { seconds, said: r, found: h } of pieces) {
      const right = r.filter((i) => partner[i]! >= 0 && h.includes(partner[i]!)).length
      errors.total += seconds * r.length
      errors.correct += seconds * right
      errors.missed += seconds * Math.max(0, r.length - h.length)
      errors.falseAlarm += seconds * Math.max(0, h.length - r.length)
      errors.confusion += seconds * (Math.min(r.length, h.length) - right)
    }
    for (const key of Object.keys(errors) as (keyof typeof errors)[]) this.#sum[key] += errors[key]
    return withRate(errors)
  }

  /** Errors over all recordings; a rate of NaN before any speech. */
  compute(): DiarizationErrors {
    return withRate(this.#sum)
  }

  reset(): void {
    this.#sum = { total: 0, correct: 0, missed: 0, falseAlarm: 0, confusion: 0 }
  }

  /** Stretches between borders that count, with who speaks in them. */
  #pieces(
    said: ReadonlyMap<string, readonly TimeRange[]>,
    found: ReadonlyMap<string, readonly TimeRange[]>,
    spans: readonly TimeRange[] | undefined,
  ): { seconds: number; said: number[]; found: number[] }[] {
    const all = [...said.values(), ...found.values()].flat()
    if (all.length === 0) return []
    const counted = spans ?? [
      [Math.min(...all.map(([start]) => start)), Math.max(...all.map(([, end]) => end))] as const,
    ]
    const edges = [...said.values()].flat(2)
    const collars = edges.map((edge): TimeRange => [edge - this.#collar, edge + this.#collar])
    const borders = [...new Set([...all, ...counted, ...(this.#collar > 0 ? collars : [])].flat())].sort(
      (a, b) => a - b,
    )
    const speaking = (spoken: ReadonlyMap<string, readonly TimeRange[]>, time: number) =>
      [...spoken.values()].flatMap((own, id) => (holds(own, time) ? [id] : []))
    return borders.slice(1).flatMap((end, i) => {
      const start = borders[i]!
      const middle = (start + end) / 2
      if (!holds(counted, middle) || (this.#collar > 0 && holds(collars, middle))) return []
      const piece = { seconds: end - start, said: speaking(said, middle), found: speaking(found, middle) }
      return this.#ignoreOverlap && piece.said.length > 1 ? [] : [piece]
    })
  }
}

const holds = (spans: readonly TimeRange[], time: number): boolean =>
  spans.some(([start, end]) => start < time && time < end)

function withRate(sum: Omit<DiarizationErrors, 'errorRate'>): DiarizationErrors {
  return { ...sum, errorRate: (sum.missed + sum.falseAlarm + sum.confusion) / sum.total }
}

/** Each speaker's stretches, those that meet joined. */
function bySpeaker(segments: readonly SpeakerSegment[]): Map<string, TimeRange[]> {
  const speakers = new Map<string, [number, number][]>()
  for (const { start, duration, speaker } of [...segments].sort((a, b) => a.start - b.start)) {
    if (!(duration > 0)) continue
    const own = speakers.get(speaker) ?? []
    speakers.set(speaker, own)
    const last = own.at(-1)
    if (last && start <= last[1]) last[1] = Math.max(last[1], start + duration)
    else own.push([start, start + duration])
  }
  return speakers
}
