import type { RandomGenerator } from '@nemo/audio'
import { drawBand, limitBand } from './bandFilter.js'
import { makeNoise, rootMeanSquare, scaleToRms, speechRms } from './noise.js'
import { addRoomEcho, drawRoom } from './roomEcho.js'

/** Seconds of a frame of `activityOf` and of a stream's truth. */
export const FRAME_SECONDS = 0.01

/** Speech without noise, and where in it someone speaks. */
export interface CleanSpeech {
  readonly samples: Float32Array
  /** Whether there is speech, for each 10 ms. */
  readonly active: readonly boolean[]
}

/** A recording with noise, and where in it someone speaks. */
export interface NoisyStream {
  readonly samples: Float32Array
  /** Whether there is speech, for each 10 ms. */
  readonly active: readonly boolean[]
}

/** How a stream sounds. */
export interface NoisyStreamOptions {
  readonly sampleRate: number
  readonly seconds: number
  /** Silence between clips. */
  readonly gapSeconds: readonly [number, number]
  /** Speech over steady noise, in decibels. */
  readonly snrDb: readonly [number, number]
  /** Probability that beeps, clicks and bursts of noise sound, between words and over them. */
  readonly events: number
  /** Probability of a room's echo, and of a telephone's band. */
  readonly echo: number
  readonly telephone: number
}

/**
 * Where someone speaks in clean speech: frames within 35 dB of the loudest, pauses of less than 0.15 s filled.
 *
 * @returns whether there is speech, for each 10 ms.
 */
export function activityOf(samples: Float32Array, sampleRate: number): boolean[] {
  const frame = Math.round(FRAME_SECONDS * sampleRate)
  const levels = Array.from({ length: Math.floor(samples.length / frame) }, (_, i) =>
    rootMeanSquare(samples.subarray(i * frame, (i + 1) * frame)),
  )
  const threshold = Math.max(0, ...levels) * 10 ** (-35 / 20)
  const active = levels.map((level) => level > threshold)
  const longest = Math.round(0.15 / FRAME_SECONDS)
  for (let from = active.indexOf(true); from >= 0; ) {
    const pause = active.indexOf(false, from)
    const next = pause < 0 ? -1 : active.indexOf(true, pause)
    if (next >= 0 && next - pause < longest) active.fill(true, pause, next)
    from = next
  }
  return active
}

/** Clips with pauses between them, in noise, until the stream is full. */
export function makeNoisyStream(
  draw: (random: RandomGenerator) => CleanSpeech,
  options: NoisyStreamOptions,
  random: RandomGenerator,
): NoisyStream {
  const { sampleRate, seconds, gapSeconds, snrDb } = options
  const frame = Math.round(FRAME_SECONDS * sampleRate)
  const frames = Math.floor((seconds * sampleRate) / frame)
  const speech = new Float32Array(frames * frame)
  const active = new Array<boolean>(frames).fill(false)
  const gap = () => Math.round(random.uniform(...gapSeconds) / FRAME_SECONDS)
  for (let at = gap(); at < frames; at += gap()) {
    const clip = draw(random)
    if (at + clip.active.length > frames) break
    const gain = 10 ** (random.uniform(-4, 4) / 20) / (speechRms(clip.samples, sampleRate) || 1)
    for (let t = 0; t < clip.active.length * frame; t++) speech[at * frame + t] = gain * (clip.samples[t] ?? 0)
    for (const [i, spoken] of clip.active.entries()) if (spoken) active[at + i] = true
    at += clip.active.length
  }
  if (random.random() < options.echo) addRoomEcho(speech, sampleRate, drawRoom(random))
  const noise = makeNoise(random.choice(['white', 'pink', 'pink', 'brown', 'hum']), speech.length, sampleRate, random)
  const level = 10 ** (-random.uniform(...snrDb) / 20)
  for (let t = 0; t < speech.length; t++) speech[t] = speech[t]! + level * noise[t]!
  if (random.random() < options.events) addEvents(speech, sampleRate, random)
  limitBand(speech, sampleRate, drawBand(random, options.telephone))
  setPeak(speech, 10 ** (random.uniform(-24, -1) / 20))
  return { samples: speech, active }
}

/** Beeps, clicks and bursts of noise: loud, and no speech. */
function addEvents(samples: Float32Array, sampleRate: number, random: RandomGenerator): void {
  const count = Math.round((samples.length / sampleRate) * random.uniform(0.1, 0.8))
  for (let n = 0; n < count; n++) {
    const kind = random.choice(['beep', 'click', 'burst', 'rattle'] as const)
    const length = Math.round((kind === 'click' ? random.uniform(0.003, 0.02) : random.uniform(0.05, 0.7)) * sampleRate)
    const event =
      kind === 'beep' ? beep(length, sampleRate, random) : burst(length, sampleRate, kind === 'rattle', random)
    const gain = 10 ** (random.uniform(-15, 6) / 20)
    const start = random.integer(0, Math.max(0, samples.length - length))
    const edge = Math.max(1, Math.round(0.005 * sampleRate))
    for (let t = 0; t < length && start + t < samples.length; t++) {
      const fade = Math.min(1, (t + 1) / edge, (length - t) / edge)
      samples[start + t] = samples[start + t]! + fade * gain * event[t]!
    }
  }
}

function beep(length: number, sampleRate: number, random: RandomGenerator): Float32Array {
  const hertz = random.uniform(200, 0.4 * sampleRate)
  const slide = random.random() < 0.4 ? random.uniform(-0.5, 1) : 0
  const overtone = random.uniform(0, 0.6)
  let phase = 0
  const tone = Float32Array.from({ length }, (_, t) => {
    phase += (2 * Math.PI * hertz * (1 + (slide * t) / length)) / sampleRate
    return Math.sin(phase) + overtone * Math.sin(2 * phase)
  })
  return scaleToRms(tone, 1)
}

function burst(length: number, sampleRate: number, rattles: boolean, random: RandomGenerator): Float32Array {
  const noise = makeNoise(random.choice(['white', 'pink', 'brown']), Math.max(1, length), sampleRate, random)
  if (rattles) {
    const hertz = random.uniform(8, 40)
    for (let t = 0; t < length; t++)
      noise[t] = noise[t]! * Math.max(0, Math.sin((2 * Math.PI * hertz * t) / sampleRate))
  }
  return scaleToRms(noise, 1)
}

function setPeak(samples: Float32Array, peak: number): void {
  let found = 0
  for (const sample of samples) found = Math.max(found, Math.abs(sample))
  if (found > 0) for (let t = 0; t < samples.length; t++) samples[t] = (samples[t]! * peak) / found
}

/** Stretches of speech of a stream, in seconds. */
export function spokenStretches(active: readonly boolean[]): { start: number; duration: number }[] {
  const stretches: { start: number; duration: number }[] = []
  for (let from = active.indexOf(true); from >= 0; ) {
    const end = active.indexOf(false, from)
    const to = end < 0 ? active.length : end
    stretches.push({ start: from * FRAME_SECONDS, duration: (to - from) * FRAME_SECONDS })
    from = end < 0 ? -1 : active.indexOf(true, end)
  }
  return stretches
}
