import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { alternate } from './alternate.js'
import { writeResult } from './benchResult.js'
import { BenchError } from './errors.js'
import { LineProcess } from './lineProcess.js'
import { writeMadeUpText } from './madeUpText.js'
import { median, summarize } from './statistics.js'

/** Help of `pnpm bench ngram`. */
export const nGramHelp = `pnpm bench ngram --kenlm FOLDER [options]

N-gram models beside KenLM on text that is made up: estimating one from a million sentences within the same memory beside lmplz,
and asking a probing binary that KenLM built beside kenlm_benchmark, one thread each. Sides take turns; what is compared is
processor time, as both sides may have to share the machine. Writes tools/bench/results/ngram.json.

The peer: KenLM's programs (C++, needs cmake and Boost; Debian: apt-get install cmake g++ libboost-all-dev), from github.com/kpu/kenlm:
  cmake -S kenlm -B kenlm/build -DCMAKE_BUILD_TYPE=Release && make -C kenlm/build lmplz build_binary kenlm_benchmark
  FOLDER is then kenlm/build/bin

  --kenlm FOLDER    lmplz, build_binary and kenlm_benchmark
  --sentences N     Default 1000000
  --queries N       sentences that are scored. Default 200000
  --order N         Default 3
  --memory MIB      for either side's sorting. Default 1024
  --rounds N        measurements of either side. Default 3
  --work FOLDER     for text and models, a few GB. Default .cache/bench-ngram`

interface Measured {
  readonly ms: number
  readonly cpuSeconds: number
  readonly peakRssBytes?: number
}

/** Runs the benchmark and prints its table. */
export async function nGram(args: readonly string[], root: string): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      kenlm: { type: 'string' },
      sentences: { type: 'string', default: '1000000' },
      queries: { type: 'string', default: '200000' },
      order: { type: 'string', default: '3' },
      memory: { type: 'string', default: '1024' },
      rounds: { type: 'string', default: '3' },
      work: { type: 'string', default: join(root, '.cache/bench-ngram') },
    },
  })
  const peer = (name: string): string => {
    if (values.kenlm === undefined) throw new BenchError('NEMO_BENCH_USAGE', `--kenlm is missing.\n\n${nGramHelp}`)
    const path = join(resolve(values.kenlm), name)
    if (!existsSync(path)) throw new BenchError('NEMO_BENCH_PEER', `--kenlm: there is no ${path}.`)
    return path
  }
  const programs = { lmplz: peer('lmplz'), build: peer('build_binary'), benchmark: peer('kenlm_benchmark') }
  const work = resolve(values.work)
  mkdirSync(work, { recursive: true })
  const file = (name: string): string => join(work, name)
  writeMadeUpText(file('corpus.txt'), Number(values.sentences), 1)
  writeMadeUpText(file('queries.txt'), Number(values.queries), 2)
  const rounds = Number(values.rounds)
  const memory = Number(values.memory)

  const estimates: Measured[][] = [[], []]
  await alternate(
    [
      {
        name: '@nemo/asr',
        measure: async () => {
          // A process of its own, so that its memory is its own too.
          const ours = startOurs()
          try {
            await ours.next()
            const command = `estimate ${file('corpus.txt')} ${file('ours.arpa')} ${values.order} ${memory * 2 ** 20}`
            const found = (await ours.ask(command)) as Measured
            estimates[0]!.push(found)
            return found.ms
          } finally {
            ours.kill()
          }
        },
      },
      {
        name: 'lmplz',
        measure: async () => {
          const options = ['-o', values.order, '-S', `${memory}M`, '-T', work]
          const found = runPeer(programs.lmplz, [
            ...options,
            '--text',
            file('corpus.txt'),
            '--arpa',
            file('theirs.arpa'),
          ])
          estimates[1]!.push(found)
          return found.ms
        },
      },
    ],
    {
      rounds,
      warmup: 0,
      onRound: (round, [ours, theirs]) =>
        console.log(
          `estimate ${round + 1}: ours ${(ours! / 1000).toFixed(1)} s, lmplz ${(theirs! / 1000).toFixed(1)} s`,
        ),
    },
  )

  runPeer(programs.build, ['probing', file('theirs.arpa'), file('model.bin')])
  const numbers = file('queries.vocab')
  runPeer(programs.benchmark, ['-v', '-m', file('model.bin')], { input: file('queries.txt'), output: numbers })
  const ours = startOurs()
  const queries: { perSecond: number; total: number }[][] = [[], []]
  let sentences = 0
  try {
    await ours.next()
    await alternate(
      [
        {
          name: '@nemo/asr',
          measure: async () => {
            const command = `${file('model.bin')} ${file('queries.txt')}`
            const found = (await ours.ask(`numbers ${command}`)) as Measured & { tokens: number; total: number }
            queries[0]!.push({ perSecond: found.tokens / found.cpuSeconds, total: found.total })
            const byText = (await ours.ask(`score ${command}`)) as Measured
            sentences = Math.max(sentences, found.tokens / byText.cpuSeconds)
            return found.ms
          },
        },
        {
          name: 'kenlm_benchmark',
          measure: async () => {
            const { ms, text } = runPeer(programs.benchmark, ['-q', '-t', '1', '-m', file('model.bin')], {
              input: numbers,
            })
            const number = (pattern: RegExp): number => Number(pattern.exec(text)?.[1] ?? Number.NaN)
            queries[1]!.push({
              perSecond: number(/Queries per second excluding load, CPU: ([\d.e+]+)/),
              total: number(/Probability sum: ([-\d.e+]+)/),
            })
            return ms
          },
        },
      ],
      { rounds: Math.max(rounds, 5), warmup: 1 },
    )
    await ours.ask('quit')
  } finally {
    ours.kill()
  }
  const sides = ['@nemo/asr', 'KenLM'].map((name, i) => ({
    name,
    estimateCpuSeconds: summarize(estimates[i]!.map(({ cpuSeconds }) => cpuSeconds)),
    estimateSeconds: summarize(estimates[i]!.map(({ ms }) => ms / 1000)),
    estimatePeakRssBytes: Math.max(...estimates[i]!.map(({ peakRssBytes = 0 }) => peakRssBytes)),
    // The first is the warm-up.
    queriesPerCpuSecond: summarize(queries[i]!.slice(1).map(({ perSecond }) => perSecond)),
    log10ProbSum: queries[i]!.at(-1)!.total,
  }))
  const [own, theirs] = sides as [(typeof sides)[0], (typeof sides)[0]]
  const ratio = (of: (side: typeof own) => { median: number }): number => of(own).median / of(theirs).median
  const ratios = {
    estimation: 1 / ratio(({ estimateCpuSeconds }) => estimateCpuSeconds),
    estimationWall: median(estimates[0]!.map(({ ms }, i) => estimates[1]![i]!.ms / ms)),
    queries: ratio(({ queriesPerCpuSecond }) => queriesPerCpuSecond),
  }
  for (const { name, estimateCpuSeconds, estimatePeakRssBytes, queriesPerCpuSecond, log10ProbSum } of sides) {
    const millions = (queriesPerCpuSecond.median / 1e6).toFixed(2)
    const rss = (estimatePeakRssBytes / 2 ** 20).toFixed(0)
    console.log(
      `${name.padEnd(12)}estimation ${estimateCpuSeconds.median.toFixed(1)} s of processor time, peak ${rss} MiB; ` +
        `${millions} M queries a second; sum of log10 P ${log10ProbSum.toFixed(1)}`,
    )
  }
  console.log(`\nestimation: ${ratios.estimation.toFixed(2)} x lmplz's speed (aim: at least 0.25)`)
  console.log(
    `queries: ${ratios.queries.toFixed(2)} x KenLM's (aim: at least 0.33); from text ${(sentences / 1e6).toFixed(2)} M a second`,
  )
  const setting = {
    sentences: Number(values.sentences),
    order: Number(values.order),
    memoryMib: memory,
    storage: 'probing',
  }
  console.log(`\n${await writeResult('ngram', { setting, ratios, sides, queriesFromTextPerCpuSecond: sentences })}`)
  for (const name of ['ours.arpa', 'theirs.arpa', 'model.bin', 'queries.vocab']) rmSync(file(name), { force: true })
}

const startOurs = (): LineProcess =>
  new LineProcess('@nemo/asr', process.execPath, [
    '--conditions=@nemo/source',
    '--import',
    import.meta.resolve('tsx'),
    join(import.meta.dirname, 'nGramQuery.ts'),
  ])

// Runs one of KenLM's programs, and reads the processor time and memory that it reports of itself.
function runPeer(
  program: string,
  args: readonly string[],
  { input, output }: { input?: string; output?: string } = {},
): Measured & { text: string } {
  const stdin = input === undefined ? 'ignore' : openSync(input, 'r')
  const stdout = output === undefined ? 'pipe' : openSync(output, 'w')
  const start = performance.now()
  try {
    const child = spawnSync(program, [...args], { stdio: [stdin, stdout, 'pipe'], maxBuffer: 2 ** 26 })
    const ms = performance.now() - start
    const text = `${child.stdout ?? ''}${child.stderr}`
    if (child.status !== 0)
      throw new BenchError('NEMO_BENCH_PEER', `${program} ended with ${child.status}.\n${text.slice(-1000)}`)
    const cpuSeconds = Number(/CPU:([\d.]+)/.exec(text)?.[1] ?? Number.NaN)
    const peakRssBytes = 1024 * Number(/RSSMax:(\d+) kB/.exec(text)?.[1] ?? 0)
    return { ms, cpuSeconds, peakRssBytes, text }
  } finally {
    for (const each of [stdin, stdout]) if (typeof each === 'number') closeSync(each)
  }
}
