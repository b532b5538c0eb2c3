import { describe, expect, it } from 'vitest'
import { goldenFixture } from '../../test/goldenFixture.js'
import { ctcBeamSearch } from './ctcBeamSearch.js'
import type { SearchLanguageModel } from './searchLanguageModel.js'

interface BeamCase {
  readonly problems: readonly {
    readonly name: string
    readonly log_probs: string
    readonly blank: number
    readonly best: readonly number[]
    readonly probability: Readonly<Record<string, number>>
  }[]
  readonly bigram: Readonly<Record<string, Readonly<Record<string, number>>>>
  readonly with_lm: readonly {
    readonly name: string
    readonly log_probs: string
    readonly vocabulary: readonly string[]
    readonly blank: number
    readonly best_scored: readonly {
      readonly alpha: number
      readonly beta: number
      readonly labels: readonly number[]
      readonly score: number
      readonly runner_up: readonly number[]
    }[]
  }[]
}

// Exact answers over all paths; packed by tools/goldens/src/packFixtures.ts.
const golden = goldenFixture<BeamCase>('ctc-beam')
const { problems, with_lm, bigram } = golden.json

const languageModel: SearchLanguageModel<string> = {
  start: () => '<s>',
  score(previous, word) {
    const known = Object.hasOwn(bigram, word) ? word : '<unk>'
    return { logProb: Math.log(bigram[previous]![known]!), state: known }
  },
}

describe('ctcBeamSearch', () => {
  it.each(problems)('a wide beam has the exact probability of every label sequence: $name', (problem) => {
    const found = ctcBeamSearch(golden.array(problem.log_probs), { blank: problem.blank, beamWidth: 5000 })
    expect(found[0]!.ids).toEqual(problem.best)
    expect(found.map(({ ids }) => ids.join(' ')).sort()).toEqual(Object.keys(problem.probability).sort())
    for (const { ids, score } of found) expect(Math.exp(score)).toBeCloseTo(problem.probability[ids.join(' ')]!, 6)
  })

  it.each(with_lm.flatMap(({ best_scored, ...problem }) => best_scored.map((want) => ({ ...problem, ...want }))))(
    '$name with alpha $alpha and beta $beta: words are weighed, the last one too',
    ({ log_probs, vocabulary, blank, alpha, beta, labels, score, runner_up }) => {
      const options = { blank, labels: vocabulary, languageModel, alpha, beta, beamWidth: 5000 }
      const [first, second] = ctcBeamSearch(golden.array(log_probs), options)
      expect([first!.ids, second!.ids]).toEqual([labels, runner_up])
      expect(first!.score).toBeCloseTo(score, 5)
    },
  )

  it('keeps no more prefixes than the beam is wide, and no frames give the empty text', () => {
    const { log_probs, blank } = problems[0]!
    expect(ctcBeamSearch(golden.array(log_probs), { blank, beamWidth: 2 })).toHaveLength(2)
    expect(ctcBeamSearch({ shape: [0, 3], data: [] }, { blank: 2 })).toMatchObject([
      { ids: [], text: '', acousticScore: 0, score: 0, words: [] },
    ])
  })

  it('classes below the floor are not tried', () => {
    const data = [0.6, 0.1, 0.3].map(Math.log)
    const found = ctcBeamSearch({ shape: [1, 3], data }, { blank: 2, minLogProb: Math.log(0.2) })
    expect(found.map(({ ids }) => ids)).toEqual([[0], []])
  })
})
