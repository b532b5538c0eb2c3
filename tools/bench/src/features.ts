import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { AudioToMelSpectrogramPreprocessor } from '@nemo/asr'
import { int64Vector } from '@nemo/core'
import { compile, input, ort } from '@nemo/graph'
import { writeResult } from './benchResult.js'
import { randomNumbers } from './randomNumbers.js'
import { summarize } from './statistics.js'

/** Help of `pnpm bench features`. */
export const featuresHelp = `pnpm bench features [options]

Computes normalised log-mel features of random audio at 16 kHz and prints how many times faster than real time that is.
Writes tools/bench/results/features.json.

  --features N  mel bands. Default 80
  --seconds N   length of an utterance. Default 15
  --batch N     utterances together. Default 8
  --threads N   threads. Default 1
  --rounds N    times that the batch is computed. Default 20
  --warmup N    rounds before that. Default 3`

const SAMPLE_RATE = 16000

/** Runs the benchmark and prints its result. */
export async function features(args: readonly string[]): Promise<void> {
  const text = (value: number) => ({ type: 'string', default: String(value) }) as const
  const { values } = parseArgs({
    args: [...args],
    options: {
      features: text(80),
      seconds: text(15),
      batch: text(8),
      threads: text(1),
      rounds: text(20),
      warmup: text(3),
    },
  })
  const [bands, seconds, batch, threads, rounds, warmup] = (
    ['features', 'seconds', 'batch', 'threads', 'rounds', 'warmup'] as const
  ).map((name) => Number(values[name])) as [number, number, number, number, number, number]
  const runtime = ort({ threads })
  const preprocessor = new AudioToMelSpectrogramPreprocessor({ features: bands, dither: 0, pad_to: 16 }).eval()
  const [signal, length] = [input('input_signal', 'float32', ['B', 'T']), input('length', 'int64', ['B'])]
  const { processedSignal } = preprocessor.forward({ inputSignal: signal, length } as never)
  const program = await compile({ processed_signal: processedSignal }, { runtime, freezeParameters: true })
  const samples = seconds * SAMPLE_RATE
  const feeds = {
    input_signal: { dtype: 'float32' as const, shape: [batch, samples], data: noise(batch * samples) },
    length: int64Vector(new Array<number>(batch).fill(samples)),
  }
  const times: number[] = []
  const processor: number[] = []
  for (let round = -warmup; round < rounds; round++) {
    const [started, before] = [performance.now(), process.cpuUsage()]
    await program.run(feeds)
    const { user, system } = process.cpuUsage(before)
    if (round < 0) continue
    times.push(performance.now() - started)
    processor.push((user + system) / 1000)
  }
  const [ms, cpuMs] = [summarize(times), summarize(processor)]
  const [realTime, realTimeOfCore] = [ms, cpuMs].map((each) => (batch * seconds * 1000) / each.median) as [
    number,
    number,
  ]
  console.log(`${bands} mel bands, ${batch} x ${seconds} s, ${threads} of ${availableParallelism()} cores`)
  console.log(`${ms.median.toFixed(1)} ms: ${realTime.toFixed(0)} x real time`)
  // What other programs on the machine cannot change.
  console.log(
    `${cpuMs.median.toFixed(1)} ms of processor time: ${realTimeOfCore.toFixed(0)} x real time on one core (aim: at least 200)`,
  )
  const setting = { features: bands, seconds, batch, threads, rounds }
  console.log(`\n${await writeResult('features', { setting, ms, cpuMs, realTime, realTimeOfCore })}`)
  await runtime.dispose()
}

function noise(length: number): Float32Array {
  const next = randomNumbers(1)
  return Float32Array.from({ length }, () => next() - 0.5)
}
