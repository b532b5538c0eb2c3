/** `slaney`: linear below 1 kHz, logarithmic above (Auditory Toolbox). `htk`: 2595 log10(1 + f / 700). */
export type MelScale = 'slaney' | 'htk'

const LINEAR_STEP_HZ = 200 / 3
const LOG_START_HZ = 1000
const LOG_START_MEL = LOG_START_HZ / LINEAR_STEP_HZ
const LOG_STEP = Math.log(6.4) / 27

/** Frequency in Hz -> mel. */
export function hzToMel(hz: number, scale: MelScale = 'slaney'): number {
  if (scale === 'htk') return 2595 * Math.log10(1 + hz / 700)
  return hz < LOG_START_HZ ? hz / LINEAR_STEP_HZ : LOG_START_MEL + Math.log(hz / LOG_START_HZ) / LOG_STEP
}

/** Mel -> frequency in Hz. */
export function melToHz(mel: number, scale: MelScale = 'slaney'): number {
  if (scale === 'htk') return 700 * (10 ** (mel / 2595) - 1)
  return mel < LOG_START_MEL ? mel * LINEAR_STEP_HZ : LOG_START_HZ * Math.exp(LOG_STEP * (mel - LOG_START_MEL))
}
