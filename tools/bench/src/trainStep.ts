import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { alternate } from './alternate.js'
import { writeResult } from './benchResult.js'
import { BenchError } from './errors.js'
import { LineProcess } from './lineProcess.js'
import { type OpShare, opShares, type ProfileEvent } from './opShares.js'
import { median, summarize } from './statistics.js'

/** Help of `pnpm bench train-step`. */
export const trainStepHelp = `pnpm bench train-step [options]

One training step of QuartzNet 5x3 (widths 256 to 512, 16 x 8 s of audio, CTC, NovoGrad), ours beside PyTorch's:
two processes taking turns on this machine with the same threads. Prints medians, their ratio, peak memory and where
our time goes; writes tools/bench/results/train-step.json.

The peer needs Python with PyTorch:   python3 -m venv .cache/torch && .cache/torch/bin/pip install torch

  --python FILE     Python that has torch. Default .cache/torch/bin/python if it exists, else python3
  --threads N       threads of either side. Default: all cores
  --rounds N        measured steps of either side. Default 10
  --warmup N        steps before that. Default 2
  --optimizer NAME  novograd (default) or sgd
  --no-peer         measure our side alone (writes no result)
  --no-profile      leave out the op shares`

interface StepAnswer {
  readonly ms: readonly number[]
  readonly loss: number
}

/** Runs the benchmark and prints its table. */
export async function trainStep(args: readonly string[], root: string): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    allowNegative: true,
    options: {
      python: { type: 'string' },
      threads: { type: 'string', default: String(availableParallelism()) },
      rounds: { type: 'string', default: '10' },
      warmup: { type: 'string', default: '2' },
      optimizer: { type: 'string', default: 'novograd' },
      peer: { type: 'boolean', default: true },
      profile: { type: 'boolean', default: true },
    },
  })
  const shared = ['--threads', values.threads, '--optimizer', values.optimizer]
  const processes = [startOurs(shared)]
  if (values.peer) processes.push(startPeer(pythonOf(values.python, root), shared, root))
  try {
    const facts = (await Promise.all(processes.map((child) => child.next()))) as Record<string, unknown>[]
    const names = ['@nemo', `PyTorch ${facts[1]?.torch ?? ''}`].slice(0, processes.length)
    const losses = processes.map((): number[] => [])
    const times = await alternate(
      processes.map((child, i) => ({
        name: names[i]!,
        measure: async () => {
          const { ms, loss } = (await child.ask('step 1')) as StepAnswer
          losses[i]!.push(loss)
          return ms[0]!
        },
      })),
      {
        rounds: Number(values.rounds),
        warmup: Number(values.warmup),
        onRound: (round, latest) =>
          console.log(`step ${round + 1}: ${latest.map((ms, i) => `${names[i]} ${ms.toFixed(0)} ms`).join(', ')}`),
      },
    )
    const peaks = await Promise.all(
      processes.map(async (child) => ((await child.ask('quit')) as { peakRssBytes: number }).peakRssBytes),
    )
    const shares = values.profile ? await profileOurs(shared) : []
    const sides = names.map((name, i) => ({
      name,
      ms: summarize(times[i]!),
      msOfEachStep: times[i]!,
      peakRssBytes: peaks[i]!,
      losses: losses[i]!,
      ...facts[i],
    }))
    printTable(sides, shares)
    if (!values.peer) return
    const ratios = {
      // The median of the rounds' own ratios forgives a machine that is slow now and then.
      speed: median(times[0]!.map((ours, round) => times[1]![round]! / ours)),
      memory: peaks[0]! / peaks[1]!,
    }
    console.log(`\nspeed: ${ratios.speed.toFixed(2)} x PyTorch's (aim: at least 1)`)
    console.log(`peak memory: ${ratios.memory.toFixed(2)} x PyTorch's (aim: at most 1.3)`)
    const setting = {
      network: 'QuartzNet 5x3',
      batch: 16,
      seconds: 8,
      optimizer: values.optimizer,
      threads: Number(values.threads),
    }
    console.log(`\n${await writeResult('train-step', { setting, ratios, sides, opShares: shares })}`)
  } finally {
    for (const child of processes) child.kill()
  }
}

const startOurs = (args: readonly string[]): LineProcess =>
  new LineProcess('@nemo', process.execPath, [
    '--conditions=@nemo/source',
    '--import',
    import.meta.resolve('tsx'),
    join(import.meta.dirname, 'quartzNetStep.ts'),
    ...args,
  ])

const startPeer = (python: string, args: readonly string[], root: string): LineProcess =>
  new LineProcess('PyTorch', python, [join(root, 'tools/bench/peers/quartznet_step.py'), '--serve', ...args])

function pythonOf(given: string | undefined, root: string): string {
  if (given !== undefined) {
    if (!existsSync(given)) throw new BenchError('NEMO_BENCH_PEER', `--python: there is no file ${given}.`)
    return given
  }
  const own = join(root, '.cache/torch/bin/python')
  return existsSync(own) ? own : 'python3'
}

// A separate process, because profiling costs time.
async function profileOurs(args: readonly string[]): Promise<OpShare[]> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-profile-'))
  const child = startOurs([...args, '--profile', join(folder, 'profile')])
  try {
    const runs = 3
    await child.next()
    await child.ask(`step ${runs}`)
    await child.ask('quit')
    await child.ended()
    const [file] = await readdir(folder)
    if (file === undefined) throw new BenchError('NEMO_BENCH_PROTOCOL', 'ONNX Runtime wrote no profile.')
    return opShares(JSON.parse(await readFile(join(folder, file), 'utf8')) as ProfileEvent[], runs)
  } finally {
    child.kill()
    await rm(folder, { recursive: true, force: true })
  }
}

function printTable(
  sides: readonly { name: string; ms: { min: number; median: number }; peakRssBytes: number }[],
  shares: readonly OpShare[],
): void {
  console.log(`\n${'side'.padEnd(24)}${'median ms'.padStart(10)}${'min ms'.padStart(10)}${'peak MiB'.padStart(10)}`)
  for (const { name, ms, peakRssBytes } of sides) {
    const memory = (peakRssBytes / 2 ** 20).toFixed(0)
    console.log(
      `${name.padEnd(24)}${ms.median.toFixed(0).padStart(10)}${ms.min.toFixed(0).padStart(10)}${memory.padStart(10)}`,
    )
  }
  if (shares.length === 0) return
  console.log(`\nour time by op${'ms'.padStart(18)}${'share'.padStart(8)}${'nodes'.padStart(8)}`)
  for (const { op, ms, share, count } of shares.filter(({ share }) => share >= 0.005)) {
    const percent = `${(100 * share).toFixed(1)} %`
    console.log(`${op.padEnd(24)}${ms.toFixed(1).padStart(8)}${percent.padStart(8)}${count.toFixed(0).padStart(8)}`)
  }
}
