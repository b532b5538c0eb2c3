import type { TimedWord } from '../decoding/timedTokens.js'

/** A few words shown at a time. */
export interface Caption {
  /** Seconds. */
  readonly start: number
  readonly end: number
  readonly text: string
}

/** Options of {@link captionsOf}. */
export interface CaptionOptions {
  /** Longest text of a caption; longer single words stand alone. Default 84: two lines of television. */
  readonly maxCharacters?: number
  /** Longest time that a caption is shown, in seconds. Default 7. */
  readonly maxSeconds?: number
  /** A pause of so many seconds ends a caption. Default 1. */
  readonly pauseSeconds?: number
}

/** Groups words into captions. */
export function captionsOf(words: readonly TimedWord[], options: CaptionOptions = {}): Caption[] {
  const { maxCharacters = 84, maxSeconds = 7, pauseSeconds = 1 } = options
  const captions: Caption[] = []
  for (const { word, start, end } of words) {
    const last = captions.at(-1)
    const fits =
      last !== undefined &&
      last.text.length + 1 + word.length <= maxCharacters &&
      end - last.start <= maxSeconds &&
      start - last.end < pauseSeconds
    if (fits) captions[captions.length - 1] = { start: last.start, end, text: `${last.text} ${word}` }
    else captions.push({ start, end, text: word })
  }
  return captions
}

/** Captions as a SubRip file (`.srt`). */
export function srtFile(captions: readonly Caption[]): string {
  return captions
    .map(({ start, end, text }, i) => `${i + 1}\n${clock(start, ',')} --> ${clock(end, ',')}\n${text}\n`)
    .join('\n')
}

/** Captions as a WebVTT file (`.vtt`). */
export function vttFile(captions: readonly Caption[]): string {
  const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  const cues = captions.map(({ start, end, text }) => `${clock(start, '.')} --> ${clock(end, '.')}\n${escaped(text)}\n`)
  return ['WEBVTT\n', ...cues].join('\n')
}

/**
 * Words as lines of a NIST time-marked conversation file (`.ctm`): utterance, channel, start, seconds, word, confidence.
 *
 * @param options.channel - Default 1.
 * @param options.offset - Seconds added to all times, such as an utterance's place in its file. Default 0.
 */
export function ctmLines(
  utterance: string,
  words: readonly TimedWord[],
  options: { readonly channel?: number | string; readonly offset?: number } = {},
): string[] {
  const { channel = 1, offset = 0 } = options
  // Fields are separated by white space.
  const id = utterance.replaceAll(/\s+/g, '_')
  return words.map(
    ({ word, start, end, confidence }) =>
      `${id} ${channel} ${(start + offset).toFixed(2)} ${(end - start).toFixed(2)} ${word} ${confidence.toFixed(4)}`,
  )
}

function clock(seconds: number, point: ',' | '.'): string {
  const ms = Math.round(seconds * 1000)
  const part = (value: number, digits: number) => String(value).padStart(digits, '0')
  const [h, m, s] = [Math.floor(ms / 3_600_000), Math.floor(ms / 60_000) % 60, Math.floor(ms / 1000) % 60]
  return `${part(h, 2)}:${part(m, 2)}:${part(s, 2)}${point}${part(ms % 1000, 3)}`
}
