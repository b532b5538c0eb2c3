import { describe, expect, it } from 'vitest'
import { estimateNGrams } from '../languageModels/estimation/estimateNGrams.js'
import { BeamSearchDecoderWithLM } from './beamSearchDecoderWithLM.js'
import { CtcBeamSearch, ctcBeamSearch } from './ctcBeamSearch.js'
import { rescoreHypotheses } from './rescoreHypotheses.js'
import { nGramSearchModel } from './searchLanguageModel.js'
import { WordPrefixes } from './wordPrefixes.js'

const vocab = [' ', 'a', 'b', 'c', 'd']
const blank = vocab.length

/** Frames that say a text, each label in two frames with a blank behind; `doubt` is the share of the second choice. */
function spoken(text: string, doubts: Readonly<Record<number, string>> = {}, doubt = 0.55) {
  const rows: number[][] = []
  for (const [i, character] of [...text].entries()) {
    const row = new Array<number>(blank + 1).fill(0.002)
    const other = doubts[i]
    row[vocab.indexOf(character)] = other === undefined ? 0.98 : 1 - doubt
    if (other !== undefined) row[vocab.indexOf(other)] = doubt
    const pause = new Array<number>(blank + 1).fill(0.002)
    pause[blank] = 0.98
    rows.push(row, row, pause)
  }
  const data = Float32Array.from(rows.flat(), Math.log)
  return { shape: [rows.length, blank + 1], data }
}

const text = Array.from({ length: 30 }, (_, i) => `ab cd ${['ab', 'cd', 'ad'][i % 3]} cd ab`).join('\n')
const { model } = await estimateNGrams([text], { order: 3, discountFallback: true })
const config = { vocab, beam_width: 50, alpha: 1, beta: 0 }

describe('BeamSearchDecoderWithLM', () => {
  const unclear = spoken('ab cd', { 4: 'b' })

  it('without a language model hears what is most probable', () => {
    expect(new BeamSearchDecoderWithLM(config).decode(unclear)[0]!.text).toBe('ab cb')
  })

  it('the language model mends a letter, by words', () => {
    const [best] = new BeamSearchDecoderWithLM({ ...config, unk_score_offset: -5 }, model).decode(unclear)
    expect(best!.text).toBe('ab cd')
    expect(best!.score).toBeLessThan(best!.acousticScore)
  })

  it('alpha 0 leaves out the language model, and beta counts words', () => {
    const plain = new BeamSearchDecoderWithLM({ ...config, alpha: 0, beta: 2 }, model).decode(unclear)[0]!
    expect(plain.text).toBe('ab cb')
    expect(plain.score).toBeCloseTo(plain.acousticScore + 4, 5)
  })

  it('hot words are heard rather than others, also from their first letter on', () => {
    const unsure = spoken('ab cd', { 3: 'b' }, 0.9)
    const heard = (hotwords: string[]) =>
      new BeamSearchDecoderWithLM({ ...config, beam_width: 4, hotwords, hotword_weight: 6 }).decode(unsure)[0]!.text
    expect([heard([]), heard(['cd']), heard(['xx cd'])]).toEqual(['ab bd', 'ab cd', 'ab cd'])
  })

  it('a model of characters is told from one of words by its words', async () => {
    const letters = text.replaceAll(' ', '').replaceAll('\n', '').split('').join(' ')
    const { model: characters } = await estimateNGrams([`${letters}\n`], { order: 3, discountFallback: true })
    const found = new BeamSearchDecoderWithLM(config, characters).decode(spoken('abc', { 2: 'b' }))
    expect(found[0]!.text).toBe('abc')
    const byWord = new BeamSearchDecoderWithLM({ ...config, lm_level: 'word' }, characters)
    expect(byWord.decode(spoken('abc', { 2: 'b' }))[0]!.text).toBe('abb')
  })

  it('a model of sub-words knows them by NeMo’s characters', async () => {
    const pieces = ['▁a', 'b', '▁c', 'd', '▁b']
    const code = (ids: number[]) => ids.map((id) => String.fromCodePoint(100 + id)).join(' ')
    const lines = Array.from({ length: 20 }, () => code([0, 1, 2, 3])).join('\n')
    const { model: subWords } = await estimateNGrams([lines], { order: 2, discountFallback: true })
    const frames = [0, 1, 4, 3].flatMap((id, i) => {
      const row = new Array<number>(6).fill(0.002)
      row[id] = i === 2 ? 0.55 : 0.98
      if (i === 2) row[2] = 0.44
      return [row, [0, 0, 0, 0, 0, 1].map((p) => p || 1e-4)]
    })
    const logProbs = { shape: [frames.length, 6], data: Float32Array.from(frames.flat(), Math.log) }
    const heard = (level?: NGramLevel) =>
      new BeamSearchDecoderWithLM({ ...config, vocab: pieces, ...level }, level && subWords).decode(logProbs)[0]!.text
    expect([heard(), heard({}), heard({ lm_level: 'token' })]).toEqual(['ab bd', 'ab cd', 'ab cd'])
  })
})
interface NGramLevel {
  readonly lm_level?: 'word' | 'token' | 'auto'
}

describe('hypotheses', () => {
  const options = { blank, labels: vocab, beamWidth: 20 }

  it('words have the frames in which they are heard', () => {
    const [best] = ctcBeamSearch(spoken('ab cd'), options)
    expect(best!.words).toEqual([
      { word: 'ab', start: 0, end: 4 },
      { word: 'cd', start: 9, end: 13 },
    ])
  })

  it('are as many as asked for, best first', () => {
    const found = ctcBeamSearch(spoken('ab', { 1: 'c' }), { ...options, nBest: 3 })
    expect(found.map(({ text }) => text)).toHaveLength(3)
    expect(found[0]!.text).toBe('ac')
    expect(found.map(({ score }) => score)).toEqual(found.map(({ score }) => score).sort((a, b) => b - a))
  })

  it('frames in pieces give what they give at once', () => {
    const { shape, data } = spoken('ab cd ab', { 1: 'c', 6: 'd' })
    const languageModel = nGramSearchModel(model)
    const search = new CtcBeamSearch({ ...options, languageModel })
    const classes = shape[1]!
    for (let t = 0; t < shape[0]!; t += 5) {
      const piece = data.subarray(t * classes, (t + 5) * classes)
      search.push({ shape: [piece.length / classes, classes], data: piece })
    }
    const whole = ctcBeamSearch({ shape, data }, { ...options, languageModel })
    expect(search.hypotheses().map(({ ids, score }) => [ids, score])).toEqual(
      whole.map(({ ids, score }) => [ids, score]),
    )
  })

  it('pruning that cuts off the hopeless keeps the best', () => {
    const logProbs = spoken('ab cd ab cd', { 1: 'c', 6: 'd' })
    const [all] = ctcBeamSearch(logProbs, options)
    for (const prune of [{ minLogProb: -5 }, { beamPruneLogProb: -8 }, { cutoffTopN: 3 }, { cutoffProb: 0.98 }]) {
      const [best] = ctcBeamSearch(logProbs, { ...options, ...prune })
      expect(best!.text, JSON.stringify(prune)).toBe(all!.text)
    }
  })

  it('a frame whose classes are all below the floor keeps the most probable', () => {
    const [best] = ctcBeamSearch(spoken('ab', { 1: 'c' }), { ...options, minLogProb: -1e-9 })
    expect(best!.text).toBe('ac')
  })

  it('shapes that do not fit are refused', () => {
    expect(() => ctcBeamSearch({ shape: [2, 3], data: new Float32Array(6) }, options)).toThrow(/\[2, 3\].*blank 5/)
  })
})

describe('rescoring', () => {
  const found = [
    { text: 'ab cb', score: -1 },
    { text: 'ab cd', score: -1.5 },
  ]

  it('adds the weighted score of another model and orders anew', async () => {
    const scored = await rescoreHypotheses(found, (texts) => texts.map((text) => (text === 'ab cd' ? -1 : -9)), {
      alpha: 0.5,
      beta: 1,
    })
    expect(scored.map(({ hypothesis, score }) => [hypothesis.text, score])).toEqual([
      ['ab cd', 0],
      ['ab cb', -3.5],
    ])
  })

  it('another number of scores is refused', async () => {
    await expect(rescoreHypotheses(found, () => [1], { alpha: 1 })).rejects.toThrow(/expected 2 scores.*found 1/)
  })
})

describe('WordPrefixes', () => {
  it('finds the words that begin with what was spelt', () => {
    const words = new WordPrefixes(['nine', 'one', 'on', 'zero', 'ones'])
    const after = (text: string) => [...text].reduce((range, letter) => words.extend(range, letter), words.all)
    const left = ['', 'o', 'on', 'one', 'ones', 'onesx', 'z', 'x'].map((text) => after(text).to - after(text).from)
    expect(left).toEqual([5, 3, 3, 2, 1, 0, 1, 0])
  })
})
