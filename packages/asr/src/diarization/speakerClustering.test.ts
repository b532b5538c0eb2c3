import { RandomGenerator } from '@nemo/audio'
import { describe, expect, it } from 'vitest'
import { AsrError, clusterSpeakers, formatRttm, kMeans, parseRttm, speakerTurns } from '../index.js'

/** Embeddings of speakers around directions of their own. */
function embeddings(speakers: readonly number[], spread: number, seed = 1): number[][] {
  const random = new RandomGenerator(seed)
  const centres = Array.from({ length: Math.max(...speakers) + 1 }, () =>
    Array.from({ length: 16 }, () => random.normal()),
  )
  return speakers.map((speaker) => centres[speaker]!.map((value) => value + spread * random.normal()))
}

describe('clusterSpeakers', () => {
  const spoken = [
    ...Array<number>(12).fill(0),
    ...Array<number>(9).fill(1),
    ...Array<number>(11).fill(2),
    0,
    0,
    1,
    1,
    2,
  ]

  it('finds how many speakers there are, and whose each embedding is', () => {
    expect(clusterSpeakers(embeddings(spoken, 0.3))).toMatchObject({ labels: spoken, numSpeakers: 3 })
  })

  it('takes the number of speakers that it is told, and never finds more than it may', () => {
    expect(new Set(clusterSpeakers(embeddings(spoken, 0.3), { oracleNumSpeakers: 2 }).labels).size).toBe(2)
    expect(clusterSpeakers(embeddings(spoken, 0.3), { maxNumSpeakers: 2 }).numSpeakers).toBeLessThanOrEqual(2)
  })

  it('does not fail for few embeddings, equal ones or zeros', () => {
    expect(clusterSpeakers([[1, 2]])).toEqual({ labels: [0], numSpeakers: 1, neighbours: 1 })
    for (let n = 2; n < 9; n++) {
      for (const rows of [
        embeddings(Array<number>(n).fill(0), 0.2),
        Array<number[]>(n).fill([1, 1]),
        Array<number[]>(n).fill([0, 0]),
      ]) {
        const { labels, numSpeakers } = clusterSpeakers(rows, { oracleNumSpeakers: 2 })
        expect([labels.length, numSpeakers, new Set(labels).size <= 2]).toEqual([n, 2, true])
        expect(clusterSpeakers(rows).labels.length).toBe(n)
      }
    }
  })

  it('what cannot be clustered is refused', () => {
    expect(() => clusterSpeakers([])).toThrow(AsrError)
    expect(() => clusterSpeakers([[1]], { oracleNumSpeakers: 0 })).toThrow(AsrError)
  })
})

it('kMeans finds groups, the same each time, with as many centres as asked for', () => {
  const points = [
    [0, 0],
    [9, 9],
    [0, 1],
    [9, 8],
    [-5, 5],
    [1, 0],
  ]
  expect(kMeans(points, 3)).toEqual([0, 1, 0, 1, 2, 0])
  expect(kMeans(points, 1)).toEqual([0, 0, 0, 0, 0, 0])
  expect(kMeans(Array<number[]>(4).fill([1, 1]), 2).length).toBe(4)
})

describe('speakerTurns', () => {
  const windows = [
    { start: 0, end: 1.5 },
    { start: 0.75, end: 2.25 },
    { start: 1.5, end: 3 },
    { start: 5, end: 6 },
  ]

  it('divide windows that overlap in the middle and join those of one speaker', () => {
    expect(speakerTurns(windows, ['a', 'a', 'b', 'b'])).toEqual([
      { start: 0, duration: 1.875, speaker: 'a' },
      { start: 1.875, duration: 1.125, speaker: 'b' },
      { start: 5, duration: 1, speaker: 'b' },
    ])
    expect(speakerTurns([], [])).toEqual([])
  })
})

describe('RTTM', () => {
  it('is read as it is written', () => {
    const segments = [
      { start: 0.5, duration: 1.25, speaker: 'ann' },
      { start: 2, duration: 0.125, speaker: 'bob' },
    ]
    expect(parseRttm(formatRttm(segments, 'call'), { file: 'call' })).toEqual(segments)
    expect(parseRttm(formatRttm(segments, 'call'), { file: 'other' })).toEqual([])
  })

  it('lines of other kinds are left out, wrong ones refused by place', () => {
    expect(parseRttm(';; comment\n\nSPKR-INFO a 1 <NA> <NA> <NA> unknown x <NA>\n')).toEqual([])
    for (const line of ['SPEAKER a 1 x 1 <NA> <NA> s <NA>', 'SPEAKER a 1 0 -1 <NA> <NA> s', 'SPEAKER a 1 0 1'])
      expect(() => parseRttm(`\n${line}`, { source: 'f.rttm' })).toThrow('f.rttm:2: expected "SPEAKER')
  })
})
