import type { TimeWindow } from '../data/audioWindows.js'
import type { SpeakerSegment } from '../metrics/diarizationErrorRate.js'

/**
 * Turns of speakers from windows in order of time: where neighbours overlap, the middle divides them; neighbours of one speaker
 * that meet are joined.
 *
 * @param speakers - Whose each window is.
 *
 * Source: NeMo v1.0.0 `get_contiguous_stamps`, `merge_stamps`.
 */
export function speakerTurns(windows: readonly TimeWindow[], speakers: readonly string[]): SpeakerSegment[] {
  const turns: { start: number; end: number; speaker: string }[] = []
  let start = windows[0]?.start ?? 0
  for (const [i, window] of windows.entries()) {
    const next = windows[i + 1]
    const divided = next !== undefined && window.end > next.start
    const end = divided ? (next.start + window.end) / 2 : window.end
    const last = turns.at(-1)
    const speaker = speakers[i]!
    if (last && last.speaker === speaker && last.end === start) last.end = end
    else turns.push({ start, end, speaker })
    start = divided ? end : (next?.start ?? end)
  }
  return turns.map(({ start: from, end, speaker }) => ({ start: from, duration: end - from, speaker }))
}
