import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { alternate } from './alternate.js'
import { writeResult } from './benchResult.js'
import { BenchError } from './errors.js'
import { LineProcess } from './lineProcess.js'
import { median, summarize } from './statistics.js'

/** Help of `pnpm bench transcribe`. */
export const transcribeHelp = `pnpm bench transcribe --nemo FILE --onnx FILE --tokens FILE --audio FOLDER [options]

Transcribes the 16 kHz wav files of a folder, features included: our model from its .nemo file, and sherpa-onnx's Node
package on the ONNX file that we exported from it. Two processes taking turns on this machine with the same threads.
Prints real-time factors, their ratio and every text that differs; writes tools/bench/results/transcribe.json.
sherpa-onnx computes features that are not quite NeMo's; where texts differ, our network transcribes from those features too.

The peer needs:   npm install --prefix tools/bench/peers
A QuartzNet 15x5: pnpm bench recognizer --out FOLDER (random weights), or --nemo FILE for a trained model

  --nemo FILE     the model
  --onnx FILE     its export, unmodified
  --tokens FILE   its labels, one "symbol id" a line, the blank last as <blk>
  --audio FOLDER  wav files
  --features N    mel bands of the model. Default 64
  --threads N     threads of either side. Default: all cores
  --rounds N      times that either side transcribes the whole folder. Default 5
  --warmup N      rounds before that. Default 1`

/** Answer to `transcribe FILE`. */
export interface TranscribeAnswer {
  readonly ms: number
  /** Length of the audio. */
  readonly seconds: number
  readonly text: string
}

/** A text on which the two sides disagree. */
export interface TextDifference {
  readonly file: string
  readonly ours: string
  readonly theirs: string
  /** What our network makes of the features that sherpa-onnx computes. */
  readonly oursFromTheirFeatures: string
}

/** Runs the benchmark and prints its table. */
export async function transcribe(args: readonly string[], root: string): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      nemo: { type: 'string' },
      onnx: { type: 'string' },
      tokens: { type: 'string' },
      audio: { type: 'string' },
      features: { type: 'string', default: '64' },
      threads: { type: 'string', default: String(availableParallelism()) },
      rounds: { type: 'string', default: '5' },
      warmup: { type: 'string', default: '1' },
    },
  })
  const [nemo, onnx, tokens, folder] = (['nemo', 'onnx', 'tokens', 'audio'] as const).map((name) => {
    const given = values[name]
    if (given === undefined) throw new BenchError('NEMO_BENCH_USAGE', `--${name} is missing.\n\n${transcribeHelp}`)
    const path = resolve(given)
    if (!existsSync(path)) throw new BenchError('NEMO_BENCH_USAGE', `--${name}: there is no ${given}.`)
    return path
  }) as [string, string, string, string]
  const files = (await readdir(folder)).filter((file) => file.endsWith('.wav')).sort()
  if (files.length === 0) throw new BenchError('NEMO_BENCH_USAGE', `--audio: ${folder} has no wav files.`)

  const processes = [
    new LineProcess('@nemo/asr', process.execPath, [
      '--conditions=@nemo/source',
      '--import',
      import.meta.resolve('tsx'),
      join(import.meta.dirname, 'asrTranscribe.ts'),
      ...['--nemo', nemo, '--threads', values.threads, '--features', values.features],
    ]),
    new LineProcess('sherpa-onnx', process.execPath, [
      join(root, 'tools/bench/peers/sherpaTranscribe.cjs'),
      ...['--onnx', onnx, '--tokens', tokens, '--threads', values.threads, '--features', values.features],
    ]),
  ]
  try {
    const facts = (await Promise.all(processes.map((child) => child.next()))) as Record<string, unknown>[]
    const names = ['@nemo/asr', `sherpa-onnx ${facts[1]?.sherpa ?? ''}`]
    const answers = processes.map((): TranscribeAnswer[] => [])
    const times = await alternate(
      processes.map((child, i) => ({
        name: names[i]!,
        measure: async () => {
          answers[i] = []
          for (const file of files) {
            answers[i]!.push((await child.ask(`transcribe ${join(folder, file)}`)) as TranscribeAnswer)
          }
          return answers[i]!.reduce((sum, { ms }) => sum + ms, 0)
        },
      })),
      { rounds: Number(values.rounds), warmup: Number(values.warmup) },
    )
    const differing = files.flatMap((file, i) =>
      answers[0]![i]!.text === answers[1]![i]!.text
        ? []
        : [{ file, ours: answers[0]![i]!.text, theirs: answers[1]![i]!.text }],
    )
    const differences: TextDifference[] = []
    for (const difference of differing) {
      const command = `transcribe-as-sherpa ${join(folder, difference.file)}`
      const { text } = (await processes[0]!.ask(command)) as { readonly text: string }
      differences.push({ ...difference, oursFromTheirFeatures: text })
    }
    const peaks = await Promise.all(
      processes.map(async (child) => ((await child.ask('quit')) as { peakRssBytes: number }).peakRssBytes),
    )
    const seconds = answers[0]!.reduce((sum, answer) => sum + answer.seconds, 0)
    const sides = names.map((name, i) => {
      const ms = summarize(times[i]!)
      return { name, ms, realTimeFactor: ms.median / 1000 / seconds, peakRssBytes: peaks[i]!, ...facts[i] }
    })
    const speed = median(times[0]!.map((ours, round) => times[1]![round]! / ours))
    console.log(`${files.length} files, ${seconds.toFixed(1)} s of audio, ${values.threads} threads\n`)
    for (const { name, realTimeFactor, peakRssBytes } of sides) {
      const memory = (peakRssBytes / 2 ** 20).toFixed(0)
      console.log(`${name.padEnd(24)}real-time factor ${realTimeFactor.toFixed(4)}, peak ${memory} MiB`)
    }
    console.log(`\nspeed: ${speed.toFixed(2)} x sherpa-onnx's (aim: at least 1)`)
    console.log(`texts that differ: ${differences.length} of ${files.length}`)
    const unexplained = differences.filter(({ theirs, oursFromTheirFeatures }) => theirs !== oursFromTheirFeatures)
    console.log(`texts that differ on sherpa-onnx's features: ${unexplained.length} of ${files.length} (aim: none)`)
    for (const { file, ours, theirs } of differences) console.log(`  ${file}\n    ours   ${ours}\n    sherpa ${theirs}`)
    const setting = { files: files.length, audioSeconds: seconds, threads: Number(values.threads) }
    console.log(`\n${await writeResult('transcribe', { setting, ratios: { speed }, sides, differences })}`)
  } finally {
    for (const child of processes) child.kill()
  }
}
