import { parseArgs } from 'node:util'
import { type KernelTime, webgpu } from '@nemo/kernels'
import { writeResult } from './benchResult.js'
import { BenchError } from './errors.js'
import { networks } from './kernelCosts.js'
import { trainingStep } from './quartzNet5x3.js'
import { randomNumbers } from './randomNumbers.js'
import { median } from './statistics.js'
import { noiseBatch } from './trainStepBatch.js'

/** Help of `pnpm bench gpu`. */
export const gpuHelp = `pnpm bench gpu [options]

Trains on the GPU: the time of a step and of each of its kernels, by the device's clock, as GFLOP/s and GB/s, and hours of
audio per hour. Writes gpu-ADAPTER.json. Without a GPU: pnpm software-vulkan pnpm bench gpu --network 5x3 --batch 1.
\`pnpm bench gpu-bundle FOLDER\` makes a folder that does this on another machine.

  --network NAME    jasper12x1 (default; the tutorial's), 15x5 or 5x3
  --batch N         items. Default 32
  --frames N        mel frames of the longest item, 100 a second and one more. Default 1501
  --steps N         steps that are timed. Default 20
  --warmup N        steps before. Default 3
  --adapter NAME    part of the GPU's name
  --peak-gflops N   the GPU's float32 peak, by its maker, to tell how near the kernels come
  --peak-gbs N      the same for its memory, in GB/s
  --commit HASH     what was measured. Default: the commit of this clone, or the bundle's
  --out FOLDER      of the result. Default: tools/bench/results`

const FRAMES_PER_SECOND = 100

/** Measures and prints. */
export async function gpu(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      network: { type: 'string', default: 'jasper12x1' },
      batch: { type: 'string', default: '32' },
      frames: { type: 'string', default: '1501' },
      steps: { type: 'string', default: '20' },
      warmup: { type: 'string', default: '3' },
      adapter: { type: 'string' },
      'peak-gflops': { type: 'string' },
      'peak-gbs': { type: 'string' },
      commit: { type: 'string' },
      out: { type: 'string' },
    },
  })
  const blocks = networks[values.network]
  if (!blocks) {
    const known = Object.keys(networks).join(', ')
    throw new BenchError('NEMO_BENCH_USAGE', `--network: expected one of ${known}, found ${values.network}.`)
  }
  const size = { batch: Number(values.batch), frames: Number(values.frames), target: 80, features: 64, classes: 29 }
  const random = randomNumbers(0)
  const runtime = await webgpu(values.adapter === undefined ? {} : { adapter: values.adapter })
  const { program } = await trainingStep({
    blocks,
    features: size.features,
    classes: size.classes,
    optimizer: 'novograd',
    learningRate: 0.01,
    runtime,
    random,
  })
  const batch = noiseBatch(size, random)
  const step = async () => Number((await program.run(batch)).loss.data[0])
  let loss = Number.NaN
  for (let i = 0; i < Number(values.warmup); i++) loss = await step()
  const milliseconds: number[] = []
  for (let i = 0; i < Number(values.steps); i++) {
    const start = performance.now()
    loss = await step()
    milliseconds.push(performance.now() - start)
  }
  const kernels = (await runtime.profile(step)).map(rated)
  // Items are of three quarters of the frames up to all of them.
  const seconds =
    (batch.length!.data as BigInt64Array).reduce((sum, frames) => sum + Number(frames), 0) / FRAMES_PER_SECOND
  const typical = median(milliseconds)
  const result = {
    adapter: runtime.adapter,
    commit: values.commit ?? process.env.NEMO_BENCH_COMMIT ?? 'not given',
    setting: { network: values.network, ...size, optimizer: 'novograd', precision: 'float32' },
    peak: { gflops: numberOr(values['peak-gflops']), gigabytesPerSecond: numberOr(values['peak-gbs']) },
    msPerStep: typical,
    realTimeFactor: seconds / (typical / 1000),
    lossOfLastStep: loss,
    workingBytes: runtime.workingBytes,
    ms: milliseconds,
    kernels,
  }
  print(kernels)
  console.log(`\n${runtime.adapter}: ${values.network}, ${size.batch} items, ${seconds.toFixed(0)} s of audio a step`)
  console.log(`${typical.toFixed(1)} ms a step, ${result.realTimeFactor.toFixed(0)} hours of audio per hour`)
  const name = `gpu-${runtime.adapter
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 60)}`
  console.log(await writeResult(name, result, ...(values.out === undefined ? [] : [values.out])))
  await program.dispose()
  await runtime.dispose()
}

const numberOr = (text: string | undefined): number | null => (text === undefined ? null : Number(text))

interface RatedKernel extends KernelTime {
  readonly gflopsPerSecond: number
  readonly gigabytesPerSecond: number
}

// A flop per nanosecond is a GFLOP/s, a byte per nanosecond a GB/s.
function rated(kernel: KernelTime): RatedKernel {
  const nanoseconds = Math.max(kernel.milliseconds * 1e6, 1)
  return {
    ...kernel,
    gflopsPerSecond: kernel.flops / nanoseconds,
    gigabytesPerSecond: (kernel.bytesRead + kernel.bytesWritten) / nanoseconds,
  }
}

function print(kernels: readonly RatedKernel[]): void {
  const row = (label: string, ...cells: string[]) =>
    console.log(label.padEnd(30) + cells.map((cell) => cell.padStart(12)).join(''))
  row('kernel', 'dispatches', 'ms', 'GFLOP/s', 'GB/s')
  for (const { label, dispatches, milliseconds, gflopsPerSecond, gigabytesPerSecond } of kernels)
    row(label, String(dispatches), ...[milliseconds, gflopsPerSecond, gigabytesPerSecond].map((n) => n.toFixed(2)))
}
