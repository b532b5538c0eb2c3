import { describe, expect, it } from 'vitest'
import { AsrError } from '../errors.js'
import { smoothVadFrames } from './smoothVad.js'
import { rttmLines, speechSegments } from './speechSegments.js'
import { vadChunks, vadStreamStatus } from './vadChunks.js'

describe('smoothVadFrames', () => {
  const options = { overlap: 0.5, windowSeconds: 0.03, shiftSeconds: 0.01 }

  it('averages the windows that cover a point; every second one is used where they overlap by half', () => {
    // Windows of 4 points begin at 0, 2 and 4.
    expect(smoothVadFrames([0, 9, 1, 9, 0.5], { ...options, method: 'mean' })).toEqual([0, 0, 0.5, 0.5, 0.75])
  })

  it('the median of an even number of windows lies between the middle two', () => {
    const frames = [0, 0, 1, 1, 0.2, 0.2]
    expect(smoothVadFrames(frames, { ...options, method: 'median', overlap: 0.75 })).toEqual([0, 0, 0, 0.5, 0.6, 0.6])
  })

  it('windows that would not advance are refused', () => {
    for (const overlap of [0.99, -0.5])
      expect(() => smoothVadFrames([1], { ...options, method: 'mean', overlap })).toThrow(AsrError)
  })
})

describe('speechSegments', () => {
  const rounded = (segments: ReturnType<typeof speechSegments>) =>
    segments.map(({ start, duration }) => [Number(start.toFixed(4)), Number(duration.toFixed(4))])

  it('speech is above the threshold, up to the last frame', () => {
    expect(rounded(speechSegments([0.6, 0.5, 0.6, 0.7], { onset: 0.5 }))).toEqual([
      [0, 0.01],
      [0.02, 0.02],
    ])
    expect(speechSegments([], { onset: 0.5 })).toEqual([])
  })

  it('a lower threshold at the end keeps speech going', () => {
    const probabilities = [0.2, 0.8, 0.4, 0.6, 0.2]
    expect(rounded(speechSegments(probabilities, { onset: 0.7, offset: 0.3 }))).toEqual([[0.01, 0.03]])
  })

  it('segments are padded within the recording, and merge where they meet', () => {
    const probabilities = [1, 0, 0, 0, 1, 0]
    expect(rounded(speechSegments(probabilities, { onset: 0.5, padOnset: 0.02, padOffset: 0.02 }))).toEqual([[0, 0.06]])
  })

  it('short pauses are filled and short segments dropped', () => {
    const probabilities = [1, 1, 0, 1, 0, 0, 0, 1, 0]
    const options = { onset: 0.5, minDurationOff: 0.015, minDurationOn: 0.015 }
    expect(rounded(speechSegments(probabilities, options))).toEqual([[0, 0.04]])
  })

  it('are written as RTTM', () => {
    expect(rttmLines([{ start: 1.5, duration: 0.25 }], 'call')).toEqual([
      'SPEAKER call 1 1.500 0.250 <NA> <NA> speech <NA> <NA>',
    ])
  })
})

describe('vadChunks', () => {
  it('later chunks begin a window earlier and cover the recording', () => {
    expect(vadChunks(2, 12, { splitSeconds: 5, windowSeconds: 0.5 })).toEqual([
      { offset: 2, duration: 5 },
      { offset: 6.5, duration: 5.5 },
      { offset: 11.5, duration: 2.5 },
    ])
  })

  it('a short recording is left as it is', () => {
    expect(vadChunks(1, 4, { splitSeconds: 5, windowSeconds: 0.5 })).toEqual([{ offset: 1, duration: 4 }])
  })

  it('chunks know their place in their file', () => {
    expect(vadStreamStatus(['a', 'a', 'a', 'b', 'c', 'c'])).toEqual(['start', 'next', 'end', 'single', 'start', 'end'])
  })
})
