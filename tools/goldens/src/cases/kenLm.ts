import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import {
  type EstimateOptions,
  estimateNGramsToFile,
  loadLanguageModel,
  type NGramLanguageModel,
  type SentenceOptions,
} from '@nemo/asr'
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

interface LmplzRun {
  readonly args: readonly string[]
  readonly exit: number
  readonly tokens: number
  readonly types: number
  readonly reason?: string
  readonly statistics: readonly { order: number; kept: number; total: number; D1: number; D2: number; D3plus: number }[]
}

interface SmallRun {
  readonly name: string
  readonly text: string
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
    const corpus = readFileSync(join(golden.folder, 'corpus.txt'))
    for (const [name, run] of Object.entries(golden.json.lmplz as Record<string, LmplzRun>))
      await compareEstimate(comparison, `lmplz/${name}`, corpus, run, fileOf(golden.folder, name))
    const small = join(golden.folder, 'small-lmplz')
    for (const run of JSON.parse(readFileSync(join(small, 'cases.json'), 'utf8')) as (LmplzRun & SmallRun)[]) {
      // We have no rest costs to collapse values for.
      if (run.args.includes('--collapse_values')) continue
      const what = `small-lmplz/${run.name}`
      await compareEstimate(comparison, what, readFileSync(join(small, run.text)), run, join(small, `${run.name}.arpa`))
    }
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

async function compareEstimate(
  comparison: Comparison,
  what: string,
  text: Uint8Array,
  run: LmplzRun,
  wanted: string,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'nemo-goldens-'))
  const path = join(folder, 'estimated.arpa')
  try {
    const made = await estimateNGramsToFile([text], path, lmplzOptions(run.args, dirname(wanted))).catch(
      (error: Error) => error,
    )
    if (run.exit !== 0) {
      comparison.equal(`${what} is refused: ${run.reason}`, made instanceof Error, true)
      return
    }
    if (made instanceof Error) {
      comparison.fail(what, made.message)
      return
    }
    comparison.equal(`${what}/tokens and types`, [made.tokens, made.types], [run.tokens, run.types])
    for (const [i, { order, kept, total, D1, D2, D3plus }] of run.statistics.entries()) {
      const ours = made.orders[i]!
      comparison.equal(`${what}/n-grams of order ${order}`, [ours.kept, ours.total], [kept, total])
      for (const [k, want] of [D1, D2, D3plus].entries())
        comparison.number(`${what}/discount ${k + 1} of order ${order}`, ours.discounts[k]!, want, TOLERANCE)
    }
    const [got, want] = [arpaEntries(path), arpaEntries(wanted)]
    comparison.equal(`${what}/number of n-grams`, got.size, want.size)
    const missing = [...want.keys()].find((words) => !got.has(words))
    if (missing !== undefined) {
      comparison.fail(what, `has no n-gram ${JSON.stringify(missing)}`)
      return
    }
    const array = (entries: readonly (readonly [number, number])[]) =>
      ({ dtype: 'float32', shape: [entries.length, 2], data: Float32Array.from(entries.flat()) }) as const
    const ours = [...want.keys()].map((words) => got.get(words)!)
    comparison.values(`${what}/log10 P and backoffs`, array(ours), array([...want.values()]), { atol: TOLERANCE })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

// Our options for lmplz's arguments; those that change only how a file looks are left out.
function lmplzOptions(args: readonly string[], folder: string): EstimateOptions {
  const after = (name: string): string[] | undefined => {
    const at = args.indexOf(name)
    if (at < 0) return undefined
    const rest = args.slice(at + 1)
    const end = rest.findIndex((value) => value.startsWith('-'))
    return end < 0 ? rest : rest.slice(0, end)
  }
  const numbers = (name: string): number[] | undefined => after(name)?.map(Number)
  const fallback = numbers('--discount_fallback')
  const vocabulary = after('--limit_vocab_file')?.[0]
  return {
    order: numbers('-o')![0]!,
    prune: numbers('--prune') ?? [],
    discountFallback: fallback?.length === 3 ? (fallback as [number, number, number]) : fallback !== undefined,
    interpolateUnigrams: numbers('--interpolate_unigrams')?.[0] !== 0,
    vocabPad: numbers('--vocab_pad')?.[0] ?? 0,
    skipSymbols: args.includes('--skip_symbols'),
    ...(vocabulary !== undefined && { limitVocab: readFileSync(join(folder, vocabulary), 'utf8').trim().split(/\s+/) }),
  }
}

/** N-gram -> log10 P and backoff. */
function arpaEntries(path: string): Map<string, readonly [number, number]> {
  const bytes = readFileSync(path)
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
  const lines = text.split('\n').map((line) => line.split('\t'))
  return new Map(
    lines
      .filter((parts) => parts.length > 1)
      .map(([prob, words, backoff = '0']) => [words!, [Number(prob), Number(backoff)]]),
  )
}
