import { describe, expect, it } from 'vitest'
import { fixedLengthAudio, frameWindows, normalizedAudio, slicedAudio, timeWindows } from './audioWindows.js'

const ramp = (length: number) => Float32Array.from({ length }, (_, i) => i + 1)

describe('fixedLengthAudio', () => {
  it('takes a piece from the given place', () => {
    expect([...fixedLengthAudio(ramp(5), 3, 0)]).toEqual([1, 2, 3])
    expect([...fixedLengthAudio(ramp(5), 3, 0.99)]).toEqual([2, 3, 4])
    expect([...fixedLengthAudio(ramp(3), 3, 0.99)]).toEqual([1, 2, 3])
  })

  it('repeats short audio, and then its own end, as NeMo does', () => {
    expect([...fixedLengthAudio(ramp(3), 8, 0)]).toEqual([1, 2, 3, 1, 2, 3, 2, 3])
    expect([...fixedLengthAudio(ramp(2), 4, 0)]).toEqual([1, 2, 1, 2])
  })
})

describe('slicedAudio', () => {
  const windows = { windowSeconds: 4, shiftSeconds: 2 }
  it('covers the audio with windows that overlap; the last one repeats what is left', () => {
    expect(slicedAudio(ramp(7), 1, windows).map((slice) => [...slice])).toEqual([
      [1, 2, 3, 4],
      [3, 4, 5, 6],
      [5, 6, 7, 7],
    ])
  })

  it('short audio is one window', () => {
    expect(slicedAudio(ramp(1), 1, windows).map((slice) => [...slice])).toEqual([[1, 1, 1, 1]])
  })

  it('there are as many windows as stretches of time, for any length', () => {
    for (let length = 1; length < 400; length++) {
      const options = { windowSeconds: 0.15, shiftSeconds: 0.07 }
      const slices = slicedAudio(ramp(length), 100, options)
      expect(slices.length).toBe(timeWindows(0, length / 100, options).length)
    }
  })
})

it('timeWindows end with the stretch that they cover', () => {
  expect(timeWindows(10, 3, { windowSeconds: 1.5, shiftSeconds: 0.75 })).toEqual([
    { start: 10, end: 11.5 },
    { start: 10.75, end: 12.25 },
    { start: 11.5, end: 13 },
  ])
  expect(timeWindows(1, 0.5, { windowSeconds: 1.5, shiftSeconds: 0.75 })).toEqual([{ start: 1, end: 1.5 }])
})

describe('frameWindows', () => {
  it('centre each frame; beyond the ends lies silence', () => {
    const windows = frameWindows(ramp(6), 1, { windowSeconds: 4, shiftSeconds: 2 })
    expect(windows.map((window) => [...window])).toEqual([
      [0, 0, 1, 2],
      [1, 2, 3, 4],
      [3, 4, 5, 6],
    ])
  })

  it('audio shorter than a window has windows of its own length', () => {
    const windows = frameWindows(ramp(3), 1, { windowSeconds: 9, shiftSeconds: 1 })
    expect(windows.map((window) => [...window])).toEqual([
      [0, 1, 2],
      [1, 2, 3],
      [2, 3, 0],
    ])
  })
})

it('normalizedAudio has no mean and a peak of 1; silence stays', () => {
  expect([...normalizedAudio(Float32Array.of(1, 2, 3))]).toEqual([-1, 0, 1])
  expect([...normalizedAudio(new Float32Array(2))]).toEqual([0, 0])
})
