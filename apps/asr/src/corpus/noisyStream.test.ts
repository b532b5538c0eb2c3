import { RandomGenerator } from '@nemo/audio'
import { describe, expect, it } from 'vitest'
import { activityOf, FRAME_SECONDS, makeNoisyStream, spokenStretches } from './noisyStream.js'

const sampleRate = 8000
const tone = (seconds: number, gain: number) =>
  Float32Array.from({ length: Math.round(seconds * sampleRate) }, (_, t) => gain * Math.sin(0.3 * t))
const join = (...parts: Float32Array[]) => Float32Array.from(parts.flatMap((part) => [...part]))

describe('activityOf', () => {
  it('is where it is loud; short pauses belong to speech, long ones do not', () => {
    const silence = (seconds: number) => new Float32Array(Math.round(seconds * sampleRate))
    const active = activityOf(
      join(silence(0.1), tone(0.2, 0.5), silence(0.1), tone(0.1, 0.05), silence(0.3), tone(0.1, 0.5)),
      sampleRate,
    )
    const rounded = spokenStretches(active).map(({ start, duration }) => [
      Math.round(start * 100),
      Math.round(duration * 100),
    ])
    expect(rounded).toEqual([
      [10, 40],
      [80, 10],
    ])
    expect(activityOf(silence(0.05), sampleRate)).toEqual([false, false, false, false, false])
  })
})

describe('makeNoisyStream', () => {
  const clip = { samples: tone(0.3, 0.5), active: activityOf(tone(0.3, 0.5), sampleRate) }
  const options = {
    sampleRate,
    seconds: 5,
    gapSeconds: [0.2, 0.5] as const,
    snrDb: [30, 30] as const,
    events: 0,
    echo: 0,
    telephone: 0,
  }

  it('knows where it put speech', () => {
    const { samples, active } = makeNoisyStream(() => clip, options, new RandomGenerator(1))
    expect(active.length).toBe(5 / FRAME_SECONDS)
    const stretches = spokenStretches(active)
    expect(stretches.length).toBeGreaterThan(4)
    const frame = FRAME_SECONDS * sampleRate
    const power = (i: number) => samples.subarray(i * frame, (i + 1) * frame).reduce((sum, x) => sum + x * x, 0)
    const quietest = Math.min(...active.flatMap((spoken, i) => (spoken ? [power(i)] : [])))
    const loudest = Math.max(...active.flatMap((spoken, i) => (spoken ? [] : [power(i)])))
    expect(quietest).toBeGreaterThan(5 * loudest)
  })

  it('is a function of its random stream', () => {
    const make = (seed: number) => makeNoisyStream(() => clip, { ...options, events: 1 }, new RandomGenerator(seed))
    expect(make(3)).toEqual(make(3))
    expect(make(3)).not.toEqual(make(4))
  })
})
