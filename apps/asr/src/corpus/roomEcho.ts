import type { RandomGenerator } from '@nemo/audio'

/** A small room, as heard at one place. */
export interface Room {
  /** Time in which the echo falls by 60 dB, in seconds. */
  reverberationSeconds: number
  /** Level of the echo against the direct sound, in decibels. */
  echoDb: number
  /** Delays of the four comb filters, in seconds: the room's dimensions. */
  combSeconds: readonly number[]
}

/** A small furnished room: reverberation of 0.1 to 0.4 s, echo 8 to 20 dB below the voice. */
export function drawRoom(random: RandomGenerator): Room {
  return {
    reverberationSeconds: random.uniform(0.1, 0.4),
    echoDb: -random.uniform(8, 20),
    combSeconds: Array.from({ length: 4 }, () => random.uniform(0.009, 0.026)),
  }
}

const allPassSeconds = [0.005, 0.0017] as const
const allPassGain = 0.7

/**
 * Adds a room's echo, in place: four parallel feedback combs, then two all-pass filters. The tail past the end is cut.
 *
 * Source: Schroeder, "Natural sounding artificial reverberation", 1962. Cost: six multiplications a sample, whatever the
 * reverberation time, where a convolution with the room's response would take thousands.
 */
export function addRoomEcho(samples: Float32Array, sampleRate: number, room: Room): void {
  const echo = new Float32Array(samples.length)
  for (const seconds of room.combSeconds) {
    const delay = Math.max(1, Math.round(seconds * sampleRate))
    const feedback = 10 ** ((-3 * delay) / (sampleRate * room.reverberationSeconds))
    const comb = new Float32Array(samples.length)
    for (let t = delay; t < samples.length; t++) {
      comb[t] = samples[t - delay]! + feedback * comb[t - delay]!
      echo[t] = echo[t]! + comb[t]! / room.combSeconds.length
    }
  }
  for (const seconds of allPassSeconds) {
    const delay = Math.max(1, Math.round(seconds * sampleRate))
    const line = new Float32Array(delay)
    for (let t = 0; t < echo.length; t++) {
      const delayed = line[t % delay]!
      const input = echo[t]! - allPassGain * delayed
      echo[t] = delayed + allPassGain * input
      line[t % delay] = input
    }
  }
  let direct = 0
  let reflected = 0
  for (let t = 0; t < samples.length; t++) {
    direct += samples[t]! ** 2
    reflected += echo[t]! ** 2
  }
  if (reflected === 0) return
  const gain = Math.sqrt(direct / reflected) * 10 ** (room.echoDb / 20)
  for (let t = 0; t < samples.length; t++) samples[t] = samples[t]! + gain * echo[t]!
}
