import { TrainerError } from './errors.js'

/** Days, hours, minutes and seconds, as Lightning writes them. */
export const DURATION_PATTERN = /^\d+:\d{1,2}:\d{1,2}:\d{1,2}$/

/**
 * Seconds of a duration: a number of them, or `DD:HH:MM:SS`.
 *
 * @param where - Name of the setting, for messages.
 * @throws TrainerError for anything else.
 */
export function durationSeconds(value: number | string, where: string): number {
  if (typeof value === 'number' && value > 0) return value
  if (typeof value !== 'string' || !DURATION_PATTERN.test(value))
    throw new TrainerError(`${where}: expected seconds or DD:HH:MM:SS, found ${JSON.stringify(value)}.`)
  const [days, hours, minutes, seconds] = value.split(':').map(Number)
  return ((days! * 24 + hours!) * 60 + minutes!) * 60 + seconds!
}
