import { describe, expect, it } from 'vitest'
import type { TimedWord } from '../decoding/timedTokens.js'
import { captionsOf, ctmLines, srtFile, vttFile } from './captions.js'

const said = (word: string, start: number, end: number): TimedWord => ({
  word,
  start,
  end,
  startFrame: start * 50,
  endFrame: end * 50,
  confidence: 0.98765,
})
const words = [said('one', 0.1, 0.4), said('<two>', 0.5, 0.9), said('three', 3725.0004, 3726.5)]

describe('captionsOf', () => {
  it('a pause ends a caption', () => {
    expect(captionsOf(words)).toEqual([
      { start: 0.1, end: 0.9, text: 'one <two>' },
      { start: 3725.0004, end: 3726.5, text: 'three' },
    ])
  })

  it('captions are neither too long to read nor shown too long', () => {
    const many = Array.from({ length: 40 }, (_, i) => said(`word${i}`, i * 0.5, i * 0.5 + 0.4))
    const captions = captionsOf(many, { maxCharacters: 20, maxSeconds: 2 })
    for (const { start, end, text } of captions) {
      expect(text.length).toBeLessThanOrEqual(20)
      expect(end - start).toBeLessThanOrEqual(2)
    }
    expect(captions.map(({ text }) => text).join(' ')).toBe(many.map(({ word }) => word).join(' '))
    expect(captionsOf([said('immeasurable', 0, 9)], { maxCharacters: 4, maxSeconds: 1 })).toHaveLength(1)
  })
})

it('a SubRip file', () => {
  expect(srtFile(captionsOf(words))).toBe(
    '1\n00:00:00,100 --> 00:00:00,900\none <two>\n\n2\n01:02:05,000 --> 01:02:06,500\nthree\n',
  )
})

it('a WebVTT file', () => {
  expect(vttFile(captionsOf(words))).toBe(
    'WEBVTT\n\n00:00:00.100 --> 00:00:00.900\none &lt;two&gt;\n\n01:02:05.000 --> 01:02:06.500\nthree\n',
  )
})

it('CTM lines', () => {
  expect(ctmLines('my file', words.slice(0, 1), { channel: 'A', offset: 10 })).toEqual([
    'my_file A 10.10 0.30 one 0.9877',
  ])
})
