import { AsrError } from '../errors.js'
import type { SpeakerSegment } from '../metrics/diarizationErrorRate.js'
import { rttmLines } from '../vad/speechSegments.js'

/**
 * Reads the speakers of a recording from an RTTM file; lines of other kinds than SPEAKER are left out.
 *
 * @param text - The file's contents.
 * @param options.file - Only lines of this recording. Default: all.
 * @param options.source - Name of the file, for messages.
 * @throws AsrError naming the line.
 *
 * Source: NIST RT-09 evaluation plan, appendix A.
 */
export function parseRttm(
  text: string,
  options: { readonly file?: string | undefined; readonly source?: string } = {},
): SpeakerSegment[] {
  const { file, source = 'RTTM' } = options
  return text.split(/\r?\n/).flatMap((line, at) => {
    const fields = line.trim().split(/\s+/)
    if (fields[0] !== 'SPEAKER' || (file !== undefined && fields[1] !== file)) return []
    const [start, duration] = [Number(fields[3]), Number(fields[4])]
    const speaker = fields[7]
    if (speaker === undefined || !(start >= 0) || !(duration >= 0) || !Number.isFinite(start + duration))
      throw new AsrError(
        'NEMO_RTTM',
        `${source}:${at + 1}: expected "SPEAKER file channel start duration <NA> <NA> speaker", found ${JSON.stringify(line.slice(0, 120))}.`,
      )
    return [{ start, duration, speaker }]
  })
}

/** Speakers of a recording as the contents of an RTTM file. */
export function formatRttm(segments: readonly SpeakerSegment[], file: string): string {
  return segments
    .flatMap((segment) => rttmLines([segment], file, segment.speaker))
    .map((line) => `${line}\n`)
    .join('')
}
