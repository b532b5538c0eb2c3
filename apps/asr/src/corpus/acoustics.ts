import { z } from 'zod'

/** A pair of numbers, the lower one first, both within limits. */
export function rangeSchema(lowest: number, highest: number) {
  const bound = z.number().min(lowest).max(highest)
  return z.tuple([bound, bound]).refine(([low, high]) => low <= high, 'expected the lower number first')
}

/** A probability or part of a whole. */
export const shareSchema = z.number().min(0).max(1)

/** How the utterances of a synthetic corpus sound: keys of configs, with the values of the recipe `asr/spoken-digits`. */
export const acousticsSchema = z.strictObject({
  /** Of the written audio, in Hz. */
  sample_rate: z.int().min(8000).max(48000).default(16000),
  /** Upper limit of the speech's spectrum, in Hz: 4000 makes speech as sampled at 8 kHz. */
  bandwidth_hz: z.int().min(2000).max(24000).default(8000),
  /** Speaking rates, in words a minute. */
  rate_wpm: rangeSchema(80, 390).default([120, 230]),
  /** Probability that the digits of a string are spoken one by one, with pauses, instead of in one breath. */
  isolated: shareSchema.default(0.1),
  /**
   * Cuts the synthesiser's silence around the speech, or around each isolated digit: everything before the first and after the
   * last sample that is less than so many decibels below the peak. A few decibels cut into consonants, as people who trim
   * recordings do. Default: nothing is cut.
   */
  trim_db: rangeSchema(5, 100).nullable().default(null),
  /** Probability of no noise at all. */
  clean: shareSchema.default(0.3),
  /** Speech over noise where there is noise, in decibels. */
  snr_db: rangeSchema(-20, 100).default([8, 30]),
  /** Probability of a room's echo. */
  echo: shareSchema.default(0.25),
  /** Probability of a telephone's band. */
  telephone: shareSchema.default(0.1),
  /** Silence before and after the speech, in seconds. */
  padding_seconds: rangeSchema(0, 10).default([0.05, 0.3]),
  /** Level of the speech, root mean square in decibels below full scale. */
  level_db: rangeSchema(-60, 0).default([-34, -14]),
})

/** All of `acousticsSchema`, defaults filled in. */
export type Acoustics = z.output<typeof acousticsSchema>
