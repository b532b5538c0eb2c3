import { collapseCtc, ctcBeamSearch, type SearchLanguageModel } from '@nemo/asr'
import type { CaseHandler } from '../caseHandler.js'

interface Problem {
  readonly name: string
  readonly log_probs: string
  readonly blank: number
  readonly best: readonly number[]
  readonly greedy: readonly number[]
  readonly probability: Readonly<Record<string, number>>
}

interface ProblemWithLm {
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
    readonly runner_up_score: number
  }[]
}

type Bigram = Readonly<Record<string, Readonly<Record<string, number>>>>

const TOLERANCE = 1e-5
// Wide enough for every sequence of the problems.
const BEAM = 5000

const bigramModel = (bigram: Bigram): SearchLanguageModel<string> => ({
  start: () => '<s>',
  score(previous, word) {
    const known = Object.hasOwn(bigram, word) ? word : '<unk>'
    return { logProb: Math.log(bigram[previous]![known]!), state: known }
  },
})

/** `problems` and `with_lm` with exact probabilities of all label sequences. */
export const ctcBeam: CaseHandler = {
  kind: 'CTC beam search',
  matches: (golden) => golden.list('with_lm').length > 0 && 'bigram' in golden.json,
  async run(golden, comparison) {
    for (const { name, log_probs, blank, best, greedy, probability } of golden.list<Problem>('problems')) {
      const logProbs = golden.array(log_probs)
      const found = ctcBeamSearch(logProbs, { blank, beamWidth: BEAM })
      comparison.equal(`${name}/best`, found[0]!.ids, best)
      const mass = new Map(found.map(({ ids, score }) => [ids.join(' '), Math.exp(score)]))
      comparison.equal(`${name}/sequences`, [...mass.keys()].sort(), Object.keys(probability).sort())
      for (const [ids, want] of Object.entries(probability))
        comparison.number(`${name}/probability/${ids}`, mass.get(ids) ?? Number.NaN, want, TOLERANCE)
      const [frames, classes] = logProbs.shape as readonly [number, number]
      const path = Array.from({ length: frames }, (_, t) => {
        const row = (logProbs.data as Float32Array).subarray(t * classes, (t + 1) * classes)
        return row.indexOf(Math.max(...row))
      })
      comparison.equal(
        `${name}/greedy`,
        collapseCtc(path, blank).map(({ id }) => id),
        greedy,
      )
    }
    const languageModel = bigramModel(golden.json.bigram as Bigram)
    for (const { name, log_probs, vocabulary, blank, best_scored } of golden.list<ProblemWithLm>('with_lm')) {
      for (const { alpha, beta, labels, score, runner_up, runner_up_score } of best_scored) {
        const options = { blank, labels: vocabulary, languageModel, alpha, beta, beamWidth: BEAM }
        const [first, second] = ctcBeamSearch(golden.array(log_probs), options)
        const what = `${name}/${alpha}/${beta}`
        comparison.equal(`${what}/labels`, first!.ids, labels)
        comparison.number(`${what}/score`, first!.score, score, TOLERANCE * 10)
        comparison.equal(`${what}/runner_up`, second!.ids, runner_up)
        comparison.number(`${what}/runner_up_score`, second!.score, runner_up_score, TOLERANCE * 10)
      }
    }
  },
}
