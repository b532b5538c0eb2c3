import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { kenLmFolder, kenLmJson, kenLmText } from '../../../test/kenLmFixture.js'
import { scratchFolder } from '../../../test/tinyRecogniser.js'
import { AsrError } from '../../errors.js'
import { loadLanguageModel } from '../loadLanguageModel.js'
import { type EstimateOptions, estimateNGrams, estimateNGramsToFile } from './estimateNGrams.js'

interface LmplzRun {
  readonly args: readonly string[]
  readonly exit: number
  readonly tokens: number
  readonly types: number
  readonly statistics: readonly {
    order: number
    kept: number
    total: number
    D1: number
    D2: number
    D3plus: number
  }[]
}
interface SmallRun extends LmplzRun {
  readonly name: string
  readonly text: string
}

const folder = await scratchFolder()
const small = kenLmFolder<SmallRun>('small-lmplz')
const smallText = (name: string): string => new TextDecoder().decode(small.file(name))
const corpus = kenLmText('corpus.txt.gz')

/** Our options for lmplz's arguments. */
function optionsOf(args: readonly string[]): EstimateOptions {
  const values = (name: string): number[] | undefined => {
    const at = args.indexOf(name)
    if (at < 0) return undefined
    const after = args.slice(at + 1)
    const end = after.findIndex((value) => value.startsWith('-'))
    return (end < 0 ? after : after.slice(0, end)).map(Number)
  }
  const fallback = values('--discount_fallback')
  return {
    order: values('-o')![0]!,
    prune: values('--prune') ?? [],
    discountFallback: fallback?.length === 3 ? (fallback as [number, number, number]) : fallback !== undefined,
    interpolateUnigrams: values('--interpolate_unigrams')?.[0] !== 0,
    vocabPad: values('--vocab_pad')?.[0] ?? 0,
    skipSymbols: args.includes('--skip_symbols'),
    ...(args.includes('--limit_vocab_file') && { limitVocab: smallText('vocab.txt').trim().split(/\s+/) }),
  }
}

/** n-gram -> log10 P and backoff */
function entries(arpa: string): Map<string, readonly [number, number]> {
  return new Map(
    arpa
      .split('\n')
      .map((line) => line.split('\t'))
      .filter((parts) => parts.length > 1)
      .map(([prob, words, backoff = '0']) => [words!, [Number(prob), Number(backoff)]]),
  )
}

function expectSameModel(got: string, want: string): void {
  const [ours, theirs] = [entries(got), entries(want)]
  expect([...ours.keys()].sort()).toEqual([...theirs.keys()].sort())
  let worst = 0
  for (const [words, [prob, backoff]] of theirs) {
    const [ourProb, ourBackoff] = ours.get(words)!
    worst = Math.max(worst, Math.abs(ourProb - prob), Math.abs(ourBackoff - backoff))
  }
  expect(worst).toBeLessThan(2e-6)
}

const arpaOf = async (text: string, options: EstimateOptions): Promise<string> => {
  const path = join(folder, 'estimated.arpa')
  await estimateNGramsToFile([text], path, options)
  return readFileSync(path, 'utf8')
}

describe('models are those of lmplz', () => {
  // Values collapsed for rest costs are not estimated here.
  const made = small.cases.filter(({ exit, args }) => exit === 0 && !args.includes('--collapse_values'))

  it.each(made)('$name: $args', async ({ name, text, args, tokens, types, statistics }) => {
    const path = join(folder, `${name}.arpa`)
    const found = await estimateNGramsToFile([smallText(text)], path, optionsOf(args))
    expectSameModel(readFileSync(path, 'utf8'), smallText(`${name}.arpa`))
    expect([found.tokens, found.types]).toEqual([tokens, types])
    found.orders.forEach(({ order, kept, total, discounts }, i) => {
      const { D1, D2, D3plus, ...counts } = statistics[i]!
      expect({ order, kept, total }).toEqual(counts)
      for (const [k, want] of [D1, D2, D3plus].entries()) expect(discounts[k]).toBeCloseTo(want, 4)
    })
  })

  it.each(Object.entries(kenLmJson<Record<string, LmplzRun>>('lmplz.json')).filter(([name]) => /prune/.test(name)))(
    '%s of 3000 sentences',
    async (name, { args }) => {
      expectSameModel(await arpaOf(corpus, optionsOf(args)), kenLmText(`${name}.gz`))
    },
  )

  it.each(small.cases.filter(({ exit }) => exit !== 0))('$name is refused', async ({ text, args }) => {
    await expect(estimateNGrams([smallText(text)], optionsOf(args))).rejects.toThrow(/NEMO_ASR_|prune: expected/)
  })
})

describe('memory', () => {
  it('what goes to disk gives the same file to the byte, and leaves nothing behind', async () => {
    const scratch = await scratchFolder()
    const whole = await arpaOf(corpus, { order: 4 })
    for (const memory of [2 ** 16, 2 ** 20]) {
      const path = join(folder, 'bounded.arpa')
      const { spilledBytes } = await estimateNGramsToFile([corpus], path, {
        order: 4,
        memory,
        temporaryFolder: scratch,
      })
      expect(spilledBytes).toBeGreaterThan(100_000)
      expect(readFileSync(path, 'utf8') === whole).toBe(true)
    }
    expect(readdirSync(scratch)).toEqual([])
  })

  it('too little is refused', async () => {
    await expect(estimateNGrams(['a'], { order: 2, memory: 1000 })).rejects.toThrow(/memory: expected at least 65536/)
  })
})

describe('text', () => {
  const options = { order: 3, discountFallback: true } as const
  const text = smallText('small.txt')

  it('comes in pieces of any size, as bytes or text, with or without a last line end', async () => {
    const want = await arpaOf(text, options)
    const bytes = new TextEncoder().encode(text)
    const pieces = Array.from({ length: Math.ceil(bytes.length / 7) }, (_, i) => bytes.subarray(7 * i, 7 * i + 7))
    for (const corpusOf of [pieces, [...text], [text.trimEnd()], [`${text.replaceAll('\n', ' \r\n')}`]]) {
      const path = join(folder, 'pieces.arpa')
      await estimateNGramsToFile(corpusOf, path, options)
      expect(readFileSync(path, 'utf8') === want).toBe(true)
    }
  })

  it('words of any language', async () => {
    const { model } = await estimateNGrams(['naïve 東京 café\nÅngström 東京 \u{1f600}\n'], options)
    expect(model.words()).toEqual(['<unk>', '<s>', '</s>', 'naïve', '東京', 'café', 'Ångström', '\u{1f600}'])
    expect(model.index('東京')).toBe(4)
  })

  it('without a word is refused', async () => {
    await expect(estimateNGrams([], options)).rejects.toThrow(AsrError)
    await expect(estimateNGrams([' \n\n'], options)).rejects.toThrow(/no word in the text/)
  })
})

describe('files', () => {
  it('packed text, plain text and binaries hold the same model', async () => {
    const paths = ['model.arpa', 'model.arpa.gz', 'model.bin'].map((name) => join(folder, name))
    for (const path of paths) await estimateNGramsToFile([corpus], path, { order: 3, prune: [0, 0, 1] })
    expect(gunzipSync(readFileSync(paths[1]!)).equals(readFileSync(paths[0]!))).toBe(true)
    const models = await Promise.all(paths.map((path) => loadLanguageModel(path)))
    const { model } = await estimateNGrams([corpus], { order: 3, prune: [0, 0, 1] })
    for (const line of corpus.split('\n').slice(0, 50)) {
      const [want] = models.map((each) => each.wordScores(line))
      for (const each of [...models, model]) expect(each.wordScores(line)).toEqual(want)
    }
  })

  it('probabilities of all words after any history add up to 1', async () => {
    const { model } = await estimateNGrams([corpus], { order: 3, prune: [0, 0, 1] })
    const words = model.words()!
    const next = model.newState()
    for (const history of ['', 'and he', 'of the', 'zzz', 'jesus']) {
      let state = model.beginState
      for (const word of history.split(' ').filter(Boolean)) {
        const after = model.newState()
        model.scoreWord(state, model.index(word), after)
        state = after
      }
      const sum = words.reduce(
        (total, word, id) => total + (word === '<s>' ? 0 : 10 ** model.scoreWord(state, id, next)),
        0,
      )
      expect(sum, history).toBeCloseTo(1, 4)
    }
  })
})
