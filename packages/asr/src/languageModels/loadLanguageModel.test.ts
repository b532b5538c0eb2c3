import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { kenLmFixture, kenLmFolder, kenLmJson } from '../../test/kenLmFixture.js'
import { scratchFolder } from '../../test/tinyRecogniser.js'
import { LanguageModelFileError } from './errors.js'
import { kenLmProbingPieces } from './kenLmProbing.js'
import { loadLanguageModel, readLanguageModel } from './loadLanguageModel.js'
import type { NGramLanguageModel } from './nGramLanguageModel.js'
import type { ProbingModel } from './probingModel.js'
import { writeLanguageModel } from './writeLanguageModel.js'

type Entry = readonly [id: number, length: number, log10Prob: number]
interface Sentence<E> {
  readonly words: readonly E[]
  readonly total: number
}
interface SmallCase {
  readonly arpa: string
  readonly buildArgs: readonly string[]
  readonly ok: boolean
  readonly reason?: string
  readonly lines?: readonly string[]
  readonly sentences?: readonly Sentence<readonly [string, ...Entry]>[]
  readonly binary?: string
}

const folder = await scratchFolder()
const small = kenLmFolder<SmallCase>('small-arpa')
const scores = kenLmJson<{
  lines: readonly string[]
  models: Record<
    string,
    {
      sentences: readonly Sentence<Entry>[]
      summary: { perplexityIncludingOOVs: number; perplexityExcludingOOVs: number; oovs: number; tokens: number }
    }
  >
}>('scores.json.gz')

function expectScores(model: NGramLanguageModel, lines: readonly string[], sentences: readonly Sentence<Entry>[]) {
  lines.forEach((line, i) => {
    const got = model.wordScores(line)
    const { words, total } = sentences[i]!
    expect(got.map(({ id, ngramLength }) => [id, ngramLength])).toEqual(words.map(([id, length]) => [id, length]))
    got.forEach(({ log10Prob }, k) => {
      expect(Math.abs(log10Prob - words[k]![2])).toBeLessThan(1e-5)
    })
    expect(Math.abs(model.score(line) - total)).toBeLessThan(1e-5 * Math.max(1, Math.abs(total)))
  })
}

const optionsOf = ({ buildArgs }: SmallCase) => ({
  clampPositive: buildArgs.includes('-i'),
  allowMissingMarkers: buildArgs.includes('-s'),
  ...(buildArgs.includes('-u') && { unknownLog10Prob: Number(buildArgs[buildArgs.indexOf('-u') + 1]) }),
})
const described = ({ arpa, buildArgs, ...rest }: SmallCase) => ({
  title: `${arpa} ${buildArgs}`,
  arpa,
  buildArgs,
  ...rest,
})
const probing = small.cases.filter(({ buildArgs }) => !buildArgs.includes('trie')).map(described)

describe("scores are KenLM's", () => {
  it.each(Object.entries(scores.models))('%s', async (name, { sentences, summary }) => {
    const model = readLanguageModel(kenLmFixture(`${name}.gz`), name)
    expectScores(model, scores.lines, sentences)
    const { includingUnknown, excludingUnknown, unknown, tokens } = model.perplexity(scores.lines)
    expect(includingUnknown / summary.perplexityIncludingOOVs).toBeCloseTo(1, 6)
    expect(excludingUnknown / summary.perplexityExcludingOOVs).toBeCloseTo(1, 6)
    expect([unknown, tokens]).toEqual([summary.oovs, summary.tokens])
  })

  it.each(probing.filter(({ ok }) => ok))('of the text file $title', (given) => {
    const model = readLanguageModel(small.file(given.arpa), given.arpa, optionsOf(given))
    expectScores(model, given.lines!, plain(given.sentences!))
  })

  it.each(small.cases.filter(({ binary }) => binary !== undefined).map(described))(
    'of the binary of $title',
    ({ binary, lines, sentences }) => {
      expectScores(readLanguageModel(small.file(binary!), binary!), lines!, plain(sentences!))
    },
  )
})

const plain = (sentences: readonly Sentence<readonly [string, ...Entry]>[]): Sentence<Entry>[] =>
  sentences.map(({ words, total }) => ({ total, words: words.map(([, ...entry]) => entry as unknown as Entry) }))

describe('files that are refused', () => {
  it.each(probing.filter(({ ok, reason }) => !ok && !/no free bucket|order 1/.test(reason!)))(
    '$title: $reason',
    (given) => {
      expect(() => readLanguageModel(small.file(given.arpa), given.arpa)).toThrow(LanguageModelFileError)
      expect(() => readLanguageModel(small.file(given.arpa), given.arpa)).toThrow(`${given.arpa}, line `)
    },
  )

  it('n-grams that come twice', () => {
    const text = new TextDecoder().decode(small.file('basic.arpa'))
    const twice = text.replace('-0.6\tb c\t0', '-0.6\ta b\t0')
    expect(() => readLanguageModel(new TextEncoder().encode(twice), 'twice')).toThrow(/"a b" comes twice/)
  })

  it('another version of the binaries', () => {
    const bytes = small.file('basic.probing.bin')
    bytes[48] = 0x34
    expect(() => readLanguageModel(bytes, 'old.bin')).toThrow(/old\.bin: expected KenLM's format version 5/)
  })
})

describe('files of any bytes', () => {
  const kinds = [
    ['probing', small.file('basic.probing.bin')],
    ['trie', small.file('basic.trie.bin')],
    ['quantised', kenLmFixture('o5-prune001.trie-q6b4-a255.bin.gz')],
    ['text', small.file('basic.arpa')],
    ['packed', Uint8Array.from(gzipSync(small.file('basic.arpa')))],
  ] as const

  // Either a model, whose scores are numbers or not, or an error that says that the file is damaged.
  function readsOrRefuses(bytes: Uint8Array): void {
    let model: NGramLanguageModel
    try {
      model = readLanguageModel(bytes, 'damaged')
    } catch (error) {
      expect(error).toBeInstanceOf(LanguageModelFileError)
      return
    }
    for (const { log10Prob } of model.wordScores('a b d a zzz c c')) expect(log10Prob).toBeTypeOf('number')
  }

  it.each(kinds)('%s: cut off anywhere', (_, bytes) => {
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), (length) => readsOrRefuses(bytes.slice(0, length))),
      { numRuns: 100 },
    )
  })

  it.each(kinds)('%s: with other bytes in it', (_, bytes) => {
    const change = fc.tuple(fc.oneof(fc.nat(200), fc.nat(bytes.length - 1)), fc.integer({ min: 0, max: 255 }))
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
        const damaged = bytes.slice()
        for (const [at, byte] of changes) damaged[at % damaged.length] = byte
        readsOrRefuses(damaged)
      }),
      { numRuns: 150 },
    )
  })

  it('noise', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => readsOrRefuses(bytes)))
  })
})

describe('files on disk', () => {
  it('text, packed text and binaries are told apart by what they hold', async () => {
    const files = {
      'model.arpa': small.file('basic.arpa'),
      'model.gz': gzipSync(small.file('basic.arpa')),
      'model.probing': small.file('basic.probing.bin'),
      'model.trie': small.file('basic.trie.bin'),
    }
    const found = await Promise.all(
      Object.entries(files).map(async ([name, bytes]) => {
        writeFileSync(join(folder, name), bytes)
        const model = await loadLanguageModel(join(folder, name))
        return [model.storage, model.order, model.counts, model.score('a b c').toFixed(4)]
      }),
    )
    const rest = [3, [7, 5, 3], '-1.4300']
    expect(found).toEqual(['probing', 'probing', 'probing', 'trie'].map((storage) => [storage, ...rest]))
  })

  it('a packed file that is cut off', async () => {
    const path = join(folder, 'cut.arpa.gz')
    writeFileSync(path, gzipSync(small.file('basic.arpa')).subarray(0, 60))
    await expect(loadLanguageModel(path)).rejects.toThrow(/cut\.arpa\.gz: it cannot be unpacked/)
  })
})

describe('writing binaries', () => {
  const bytesOf = (model: NGramLanguageModel) => Buffer.concat([...kenLmProbingPieces(model as ProbingModel)])

  it.each(probing.filter(({ binary, arpa }) => binary !== undefined && arpa !== 'blank-suffix-deep-p4.arpa'))(
    "$title: the bytes are those of KenLM's build_binary",
    (given) => {
      const model = readLanguageModel(small.file(given.arpa), given.arpa, optionsOf(given))
      expect(bytesOf(model).equals(small.file(given.binary!))).toBe(true)
    },
  )

  it('what was written reads back with the same scores and words', async () => {
    const model = readLanguageModel(kenLmFixture('o5-prune001.arpa.gz'), 'o5')
    const path = join(folder, 'o5.bin')
    await writeLanguageModel(model, path)
    const again = await loadLanguageModel(path)
    expect(again.words()).toEqual(model.words())
    for (const line of scores.lines) expect(again.wordScores(line)).toEqual(model.wordScores(line))
    expect(bytesOf(again).equals(readFileSync(path))).toBe(true)
  })

  it('a trie is not written', async () => {
    const trie = readLanguageModel(small.file('basic.trie.bin'), 'trie')
    await expect(writeLanguageModel(trie, join(folder, 'trie.bin'))).rejects.toThrow(/stored as trie/)
  })
})

it('states are equal where what follows is scored the same', () => {
  const model = readLanguageModel(small.file('basic.arpa'), 'basic')
  const after = (text: string) => {
    let state = model.newState()
    for (const word of text.split(' ')) {
      const next = model.newState()
      model.scoreWord(state, model.index(word), next)
      state = next
    }
    return state.key
  }
  // Nothing longer than `c a` begins with what comes before it here.
  expect(after('d c a')).toBe(after('c a'))
  expect(after('b c')).not.toBe(after('c b'))
})

it('an order of 1', () => {
  const model = readLanguageModel(small.file('unigram-only.arpa'), 'unigrams')
  expect(model.order).toBe(1)
  expect(new Set(model.wordScores('a a').map(({ ngramLength }) => ngramLength))).toEqual(new Set([1]))
})
