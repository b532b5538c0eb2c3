import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadLanguageModel, type NGramLanguageModel, type SentenceOptions } from '@nemo/asr'
import type { CaseHandler } from '../caseHandler.js'
import type { Comparison } from '../comparison.js'

type WordEntry = readonly [id: number, length: number, log10Prob: number]

interface Scores {
  readonly lines: readonly string[]
  readonly tokens: readonly (readonly string[])[]
  readonly models: Readonly<
    Record<
      string,
      {
        readonly summary: {
          readonly perplexityIncludingOOVs: number
          readonly perplexityExcludingOOVs: number
          readonly oovs: number
          readonly tokens: number
        }
        readonly sentences: readonly { words: readonly WordEntry[]; total: number; oov: number }[]
      }
    >
  >
}

interface SmallArpa {
  readonly arpa: string
  readonly buildArgs: readonly string[]
  readonly ok: boolean
  readonly reason?: string
  readonly lines?: readonly string[]
  readonly sentences?: readonly { words: readonly (readonly [string, ...WordEntry])[]; total: number; oov: number }[]
  readonly binary?: string
}

const TOLERANCE = 1e-4
// What KenLM refuses for want of room or of use, and we read.
const readAllTheSame = /no free bucket|order 1 models/

/** N-gram models beside KenLM: every kind of file read and scored, and models estimated. */
export const kenLm: CaseHandler = {
  kind: 'n-gram language models',
  matches: (golden) => 'scores' in golden.json && 'lmplz' in golden.json,
  async run(golden, comparison) {
    const scores = golden.json.scores as Scores
    for (const [name, { summary, sentences }] of Object.entries(scores.models)) {
      const markers = !name.includes('query -n')
      const options = { bos: markers, eos: markers }
      const model = await loadLanguageModel(fileOf(golden.folder, name.split(' ')[0]!))
      compareScores(comparison, `score/${name}`, model, options, scores.lines, scores.tokens, sentences)
      const perplexity = model.perplexity(scores.lines, options)
      const { perplexityIncludingOOVs: all, perplexityExcludingOOVs: known } = summary
      comparison.number(`${name}/perplexity`, perplexity.includingUnknown / all, 1, TOLERANCE)
      comparison.number(`${name}/perplexity of known words`, perplexity.excludingUnknown / known, 1, TOLERANCE)
      comparison.equal(`${name}/counts`, [perplexity.unknown, perplexity.tokens], [summary.oovs, summary.tokens])
    }
    await smallArpa(join(golden.folder, 'small-arpa'), comparison)
  },
}

const fileOf = (folder: string, name: string): string =>
  existsSync(join(folder, name)) ? join(folder, name) : join(folder, `${name}.gz`)

function compareScores(
  comparison: Comparison,
  what: string,
  model: NGramLanguageModel,
  options: SentenceOptions,
  lines: readonly string[],
  tokens: readonly (readonly string[])[],
  sentences: readonly { readonly words: readonly WordEntry[]; readonly total: number; readonly oov: number }[],
): void {
  const got = lines.map((line) => model.wordScores(line, options))
  comparison.equal(
    `${what}/words`,
    got.map((line) => line.map(({ word }) => word)),
    tokens.map((words) => (options.eos === false ? words.slice(0, -1) : words)),
  )
  comparison.equal(
    `${what}/numbers and lengths`,
    got.map((line) => line.map(({ id, ngramLength }) => [id, ngramLength])),
    sentences.map(({ words }) => words.map(([id, length]) => [id, length])),
  )
  const numbers = (values: readonly number[]) =>
    ({ dtype: 'float32', shape: [values.length], data: Float32Array.from(values) }) as const
  comparison.values(
    `${what}/log10 P`,
    numbers(got.flatMap((line) => line.map(({ log10Prob }) => log10Prob))),
    numbers(sentences.flatMap(({ words }) => words.map(([, , log10Prob]) => log10Prob))),
    { atol: TOLERANCE },
  )
  comparison.values(
    `${what}/total`,
    numbers(lines.map((line) => model.score(line, options))),
    numbers(sentences.map(({ total }) => total)),
    { atol: TOLERANCE },
  )
}

async function smallArpa(folder: string, comparison: Comparison): Promise<void> {
  const cases = JSON.parse(readFileSync(join(folder, 'cases.json'), 'utf8')) as SmallArpa[]
  for (const { arpa, buildArgs, ok, reason = '', lines = [], sentences = [], binary } of cases) {
    const has = (argument: string) => buildArgs.includes(argument)
    const what = `small-arpa/${arpa} ${buildArgs.join(' ')}`
    const unknown = has('-u') ? { unknownLog10Prob: Number(buildArgs[buildArgs.indexOf('-u') + 1]) } : {}
    const options = { ...unknown, clampPositive: has('-i'), allowMissingMarkers: has('-s') }
    // Numbers of words are those of a binary of the same kind; an ARPA file has those of probing.
    const files = binary ? [binary] : []
    if (!has('trie')) files.push(arpa)
    for (const file of ok ? files : [arpa]) {
      const opened = await loadLanguageModel(join(folder, file), options).catch((error: Error) => error)
      if (!ok) {
        comparison.equal(`${what} is refused: ${reason}`, opened instanceof Error, !readAllTheSame.test(reason))
        continue
      }
      if (opened instanceof Error) {
        comparison.fail(`${what}/${file}`, opened.message)
        continue
      }
      const plain = sentences.map(({ words, ...rest }) => ({
        ...rest,
        words: words.map(([, ...entry]) => entry as unknown as WordEntry),
      }))
      const tokens = sentences.map(({ words }) => words.map(([word]) => word))
      compareScores(comparison, `${what}/${file}`, opened, {}, lines, tokens, plain)
    }
  }
}
