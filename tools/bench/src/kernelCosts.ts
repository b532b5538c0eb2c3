import { parseArgs } from 'node:util'
import type { Precision } from '@nemo/graph'
import { costMeter, type RunCost } from '@nemo/kernels'
import { leastWork } from './leastWork.js'
import { jasper12x1, quartzNet5x3, quartzNet15x5, trainingStep } from './quartzNet5x3.js'
import { randomNumbers } from './randomNumbers.js'
import { noiseBatch } from './trainStepBatch.js'

/** Help of `pnpm bench kernels`. */
export const kernelCostsHelp = `pnpm bench kernels [options]

Counts what one training step of QuartzNet (CTC, NovoGrad) takes on WebGPU: kernels, bytes read and written, operations,
peak memory; and compares the bytes with the least possible. The counts follow from the shapes: no GPU is needed, and
every machine prints the same.

  --network NAME    15x5 (default), 5x3, or jasper12x1, the tutorial's
  --batch N         items. Default 16
  --frames N        mel frames of the longest item, 100 a second and one more. Default 801
  --precision NAME  32 (default) or 16-mixed; the least is that of float32 in both`

/** Networks by the names that commands know. */
export const networks: Readonly<Record<string, typeof quartzNet15x5>> = {
  '15x5': quartzNet15x5,
  '5x3': quartzNet5x3,
  jasper12x1,
}

/** Counts and prints. */
export async function kernelCosts(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      network: { type: 'string', default: '15x5' },
      batch: { type: 'string', default: '16' },
      frames: { type: 'string', default: '801' },
      precision: { type: 'string', default: '32' },
    },
  })
  const blocks = networks[values.network]
  if (!blocks) throw new Error(`--network ${values.network}: expected ${Object.keys(networks).join(' or ')}.`)
  const size = { batch: Number(values.batch), frames: Number(values.frames), target: 80, features: 64, classes: 29 }
  const { precision } = values
  if (precision !== '32' && precision !== '16-mixed')
    throw new Error(`--precision ${precision}: expected 32 or 16-mixed.`)
  const cost = await stepCost(blocks, size, precision)
  const least = leastWork(blocks, size)
  printKernels(cost)
  const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`
  const moved = cost.bytesRead + cost.bytesWritten
  console.log(`\nQuartzNet ${values.network}, ${size.batch} x ${size.frames} frames, ${least.layers} layers`)
  console.log(`dispatches ${cost.dispatches}, copies ${cost.copies}`)
  console.log(`per layer and direction ${(cost.dispatches / least.layers / 2).toFixed(2)} dispatches (aim: at most 3)`)
  console.log(
    `read ${megabytes(cost.bytesRead)}, written ${megabytes(cost.bytesWritten)}, together ${megabytes(moved)}`,
  )
  console.log(`least ${megabytes(least.bytes)}; ${(moved / least.bytes).toFixed(2)} times that (aim: at most 1.5)`)
  console.log(`${(cost.flops / 1e9).toFixed(1)} GFLOP, peak ${megabytes(cost.peakBytes)}`)
}

/** Cost of a training step on WebGPU. */
export async function stepCost(
  blocks: typeof quartzNet15x5,
  size: Parameters<typeof noiseBatch>[0],
  precision: Precision = '32',
): Promise<RunCost> {
  const random = randomNumbers(0)
  const runtime = costMeter({ precision })
  const { program } = await trainingStep({
    blocks,
    features: size.features,
    classes: size.classes,
    optimizer: 'novograd',
    learningRate: 0.01,
    runtime,
    random,
  })
  await program.run(noiseBatch(size, random))
  return runtime.latest!
}

function printKernels({ kernels }: RunCost): void {
  const row = (label: string, ...cells: string[]) =>
    console.log(label.padEnd(30) + cells.map((cell) => cell.padStart(12)).join(''))
  row('kernel', 'dispatches', 'MB read', 'MB written', 'GFLOP')
  for (const { label, dispatches, bytesRead, bytesWritten, flops } of kernels) {
    const figures = [bytesRead / 1e6, bytesWritten / 1e6, flops / 1e9].map((figure) => figure.toFixed(1))
    row(label, String(dispatches), ...figures)
  }
}
