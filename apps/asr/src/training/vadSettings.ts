import type { VadDecisionOptions, VadInferenceOptions } from '@nemo/asr'
import { z } from 'zod'

/** How recordings are looked at for speech, with NeMo's keys. */
export const vadSettingsSchema = z.strictObject({
  /** Seconds of audio around each frame. */
  window_length_in_sec: z.number().positive().default(0.63),
  /** Seconds between frames. */
  shift_length_in_sec: z.number().positive().default(0.01),
  /** Seconds of a recording that are in memory at once. */
  split_duration: z.number().positive().default(50),
  normalize_audio: z.boolean().default(false),
  /** Speech begins with a probability above this. */
  onset: z.number().min(0).max(1).default(0.5),
  /** Speech ends with a probability at or below this. Default: `onset`. */
  offset: z.number().min(0).max(1).nullable().default(null),
  /** Seconds put before and after each stretch of speech. */
  pad_onset: z.number().min(0).default(0),
  pad_offset: z.number().min(0).default(0),
  /** Seconds: shorter speech is dropped, shorter pauses are filled. */
  min_duration_on: z.number().min(0).default(0),
  min_duration_off: z.number().min(0).default(0),
  vad_decision_smoothing: z.boolean().default(true),
  smoothing_params: z
    .strictObject({
      method: z.enum(['median', 'mean']).default('median'),
      overlap: z.number().min(0).lt(1).default(0.875),
    })
    .prefault({}),
})

/** How recordings are looked at for speech. */
export type VadSettings = z.output<typeof vadSettingsSchema>

/** The settings as `VoiceActivityDetector` takes them. */
export function vadOptions(settings: VadSettings): { inference: VadInferenceOptions; decision: VadDecisionOptions } {
  return {
    inference: {
      windowLengthInSec: settings.window_length_in_sec,
      shiftLengthInSec: settings.shift_length_in_sec,
      splitDuration: settings.split_duration,
      normalizeAudio: settings.normalize_audio,
    },
    decision: {
      onset: settings.onset,
      offset: settings.offset ?? settings.onset,
      padOnset: settings.pad_onset,
      padOffset: settings.pad_offset,
      minDurationOn: settings.min_duration_on,
      minDurationOff: settings.min_duration_off,
      ...(settings.vad_decision_smoothing && { smoothing: settings.smoothing_params }),
    },
  }
}
