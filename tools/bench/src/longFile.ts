import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { EncDecCTCModel } from '@nemo/asr'
import { writeWav } from '@nemo/audio'
import { ort } from '@nemo/graph'
import { alternate } from './alternate.js'
import { writeResult } from './benchResult.js'
import { randomNumbers } from './randomNumbers.js'
import { randomRecognizer } from './recognizer.js'
import { median, summarize } from './statistics.js'

/** Help of `pnpm bench long-file`. */
export const longFileHelp = `pnpm bench long-file [options]

Transcribes one long wav file in chunks with context, and the same samples as short files in batches, taking turns; prints
the ratio of their speeds. Writes tools/bench/results/long-file.json.

  --nemo FILE     a CTC model. Default: a QuartzNet 15x5 with random weights
  --minutes N     length of the long file. Default 5
  --seconds N     length of a short file. Default 15
  --batch N       short files together, and as many chunks as have their length. Default 8
  --chunk N       seconds of a chunk. Default 120
  --context N     seconds of context on either side. Default 4
  --threads N     threads. Default: all cores
  --rounds N      times that either side does the whole. Default 3
  --warmup N      rounds before that. Default 1`

/** Runs the benchmark and prints its result. */
export async function longFile(args: readonly string[], root: string): Promise<void> {
  const text = (value: number) => ({ type: 'string', default: String(value) }) as const
  const { values } = parseArgs({
    args: [...args],
    options: {
      nemo: { type: 'string' },
      minutes: text(5),
      seconds: text(15),
      batch: text(8),
      chunk: text(120),
      context: text(4),
      threads: text(availableParallelism()),
      rounds: text(3),
      warmup: text(1),
    },
  })
  const number = (name: Exclude<keyof typeof values, 'nemo'>) => Number(values[name])
  const model = values.nemo
    ? await EncDecCTCModel.restoreFrom<EncDecCTCModel>(values.nemo)
    : randomRecognizer(join(root, 'tools/bench/conf/quartznet15x5.yaml'), 1)
  const { sampleRate } = model
  const folder = await mkdtemp(join(tmpdir(), 'nemo-bench-'))
  const runtime = ort({ threads: number('threads') })
  try {
    const samples = noise(Math.round(number('minutes') * 60 * sampleRate))
    const write = async (name: string, part: Float32Array) => {
      const path = join(folder, name)
      await writeWav(path, { sampleRate, channels: [part] })
      return path
    }
    const long = await write('long.wav', samples)
    const step = number('seconds') * sampleRate
    const short: string[] = []
    for (let at = 0; at < samples.length; at += step)
      short.push(await write(`${short.length}.wav`, samples.subarray(at, at + step)))
    const chunks = {
      runtime,
      chunkSeconds: number('chunk'),
      contextSeconds: number('context'),
      batchSize: Math.max(1, Math.round((number('batch') * number('seconds')) / number('chunk'))),
    }
    const timed = (name: string, work: () => Promise<unknown>) => ({
      name,
      measure: async () => {
        const started = performance.now()
        await work()
        return performance.now() - started
      },
    })
    const [whole, parts] = (await alternate(
      [
        timed('long file in chunks', () => model.transcribeLong(long, chunks)),
        timed('short files in batches', () =>
          model.transcribe(short, { runtime, batchSize: number('batch'), trim: false }),
        ),
      ],
      { rounds: number('rounds'), warmup: number('warmup') },
    )) as [number[], number[]]
    const seconds = samples.length / sampleRate
    const sides = [
      { name: 'long file in chunks', ms: summarize(whole) },
      { name: 'short files in batches', ms: summarize(parts) },
    ].map((side) => ({ ...side, realTimeFactor: side.ms.median / 1000 / seconds }))
    const speed = median(whole.map((ms, round) => parts[round]! / ms))
    for (const { name, realTimeFactor } of sides)
      console.log(`${name.padEnd(24)}real-time factor ${realTimeFactor.toFixed(4)}`)
    console.log(`\nspeed: ${speed.toFixed(2)} x that of short files (aim: about 1)`)
    const setting = Object.fromEntries(
      (['minutes', 'seconds', 'batch', 'chunk', 'context', 'threads', 'rounds'] as const).map((name) => [
        name,
        number(name),
      ]),
    )
    const result = {
      setting,
      weights: model.numWeights,
      ratios: { speed },
      sides,
      peakRssBytes: process.resourceUsage().maxRSS * 1024,
    }
    console.log(`\n${await writeResult('long-file', result)}`)
  } finally {
    await runtime.dispose()
    await rm(folder, { recursive: true, force: true })
  }
}

function noise(length: number): Float32Array {
  const next = randomNumbers(1)
  return Float32Array.from({ length }, () => (next() - 0.5) / 2)
}
