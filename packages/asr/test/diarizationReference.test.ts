import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { clusterSpeakers, DiarizationErrorRate, equalErrorRate, type SpeakerSegment } from '../src/index.js'

type Turn = readonly [start: number, duration: number, speaker: string]

interface Reference {
  readonly errors: readonly {
    readonly reference: readonly Turn[]
    readonly hypothesis: readonly Turn[]
    readonly results: readonly (Readonly<Record<string, number>> & { readonly ignore_overlap: boolean })[]
  }[]
  readonly rates: readonly {
    readonly scores: readonly number[]
    readonly same: readonly number[]
    readonly eer: number
  }[]
  readonly clusters: readonly {
    readonly embeddings: readonly (readonly number[])[]
    readonly oracle: number | null
    readonly labels: readonly number[]
    readonly estimated: number
    readonly neighbours: number
  }[]
}

// Made by tools/reference/diarizationFixtures.py.
const reference = JSON.parse(readFileSync(new URL('./fixtures/diarization.json', import.meta.url), 'utf8')) as Reference
const segments = (turns: readonly Turn[]): SpeakerSegment[] =>
  turns.map(([start, duration, speaker]) => ({ start, duration, speaker }))

describe('diarisation error rates equal those of pyannote.metrics', () => {
  it.each(reference.errors.map((recording, i) => [i, recording] as const))('recording %i', (_i, recording) => {
    for (const { collar, ignore_overlap, ...expected } of recording.results) {
      const rate = new DiarizationErrorRate({ collar: collar!, ignoreOverlap: ignore_overlap })
      const found = rate.update(segments(recording.reference), segments(recording.hypothesis))
      expect(found.total).toBeCloseTo(expected.total!, 4)
      expect(found.correct).toBeCloseTo(expected.correct!, 4)
      expect(found.missed).toBeCloseTo(expected['missed detection']!, 4)
      expect(found.falseAlarm).toBeCloseTo(expected['false alarm']!, 4)
      expect(found.confusion).toBeCloseTo(expected.confusion!, 4)
      expect(found.errorRate).toBeCloseTo(expected['diarization error rate']!, 5)
    }
  })
})

it('equal error rates equal those of scikit-learn’s ROC curve', () => {
  for (const { scores, same, eer } of reference.rates) expect(equalErrorRate(scores, same).rate).toBeCloseTo(eer, 9)
})

describe('speaker clusters equal those of NeMo v1.0.0', () => {
  it.each(reference.clusters.map((one, i) => [i, one] as const))('set %i', (_i, one) => {
    const options = { oracleNumSpeakers: one.oracle, maxNumSpeakers: 8 }
    const { labels, numSpeakers, neighbours } = clusterSpeakers(one.embeddings, options)
    expect([numSpeakers, neighbours]).toEqual([one.oracle ?? one.estimated, one.neighbours])
    // The same groups, whatever they are called.
    const names = new Map<number, number>()
    for (const label of one.labels) if (!names.has(label)) names.set(label, names.size)
    expect(labels).toEqual(one.labels.map((label) => names.get(label)))
  })
})
