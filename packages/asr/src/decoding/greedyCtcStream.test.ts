import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { collapseCtc } from './greedyCtc.js'
import { GreedyCtcStream } from './greedyCtcStream.js'
import { type TimedToken, wordsOf } from './timedTokens.js'

const pieces = ['a', 'b', ' ']
const blank = 3
const stream = (startSeconds = 0) =>
  new GreedyCtcStream({
    classes: 4,
    blank,
    pieceOf: (id) => pieces[id]!,
    frameSeconds: 0.02,
    startSeconds,
    confidence: { method_cfg: { name: 'max_prob', alpha: 1 }, aggregation: 'min' },
  })

/** ln P that spell a path; each frame's class has probability p. */
function path(classes: readonly number[], p: readonly number[] = []): Float32Array {
  return Float32Array.from(
    classes.flatMap((best, t) =>
      Array.from({ length: 4 }, (_, c) => Math.log(c === best ? (p[t] ?? 0.91) : (1 - (p[t] ?? 0.91)) / 3)),
    ),
  )
}

describe('GreedyCtcStream', () => {
  it('a token lasts from its first to its last frame', () => {
    const decoder = stream(1)
    const tokens = [...decoder.push(path([3, 0, 0, 3, 0, 1, 2, 1, 3])), ...decoder.finish()]
    expect(tokens.map(({ id, startFrame, endFrame }) => [id, startFrame, endFrame])).toEqual([
      [0, 1, 3],
      [0, 4, 5],
      [1, 5, 6],
      [2, 6, 7],
      [1, 7, 8],
    ])
    expect(tokens[0]!.start).toBeCloseTo(1.02)
    expect(tokens[0]!.end).toBeCloseTo(1.06)
    expect(decoder.score).toBeCloseTo(9 * Math.log(0.91))
  })

  it('a token’s confidence is that of its frames', () => {
    const decoder = stream()
    const [token] = [...decoder.push(path([0, 0, 3], [0.9, 0.7, 0.4])), ...decoder.finish()]
    expect(token!.confidence).toBeCloseTo((0.7 * 4 - 1) / 3)
  })

  it('spells what collapseCtc spells, however the frames are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 1, max: 3 }))),
        fc.array(fc.integer({ min: 1, max: 5 })),
        (runs, cuts) => {
          const classes = runs.flatMap(([id, times]) => new Array<number>(times).fill(id))
          const logProbs = path(classes)
          const decoder = stream()
          const tokens: TimedToken[] = []
          let at = 0
          for (const frames of [...cuts, classes.length]) {
            tokens.push(...decoder.push(logProbs.subarray(at * 4, (at + frames) * 4)))
            at += frames
          }
          tokens.push(...decoder.finish())
          expect(tokens.map(({ id, startFrame: start, endFrame: end }) => ({ id, start, end }))).toEqual(
            collapseCtc(classes, blank),
          )
        },
      ),
    )
  })
})

describe('wordsOf', () => {
  const least = (parts: readonly number[]) => Math.min(...parts)
  const token = (text: string, startFrame: number, confidence = 1): TimedToken => ({
    id: 0,
    text,
    startFrame,
    endFrame: startFrame + 1,
    start: startFrame,
    end: startFrame + 1,
    confidence,
  })

  it('characters between spaces', () => {
    const tokens = [' ', 'a', 'b', ' ', ' ', 'c'].map((text, i) => token(text, 2 * i, 1 - i / 10))
    expect(wordsOf(tokens, least).map(({ word, start, end, confidence }) => [word, start, end, confidence])).toEqual([
      ['ab', 2, 5, 0.8],
      ['c', 10, 11, 0.5],
    ])
  })

  it('pieces that begin words', () => {
    const words = wordsOf([token(' hel', 0), token('lo', 3), token(' wor', 5), token('ld', 6)], least)
    expect(words.map(({ word, startFrame, endFrame }) => [word, startFrame, endFrame])).toEqual([
      ['hello', 0, 4],
      ['world', 5, 7],
    ])
  })

  it('nothing said, no words', () => {
    expect(wordsOf([token(' ', 0)], least)).toEqual([])
  })
})
