/**
 * Our side of `pnpm bench train-step`: a process that obeys the same commands as `peers/quartznet_step.py`.
 *
 * `step N` runs N steps and answers {"ms": [...], "loss": x}; `quit` answers {"peakRssBytes": n} and ends.
 */
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { ort } from '@nemo/graph'
import { quartzNet5x3, trainingStep } from './quartzNet5x3.js'
import { randomNumbers } from './randomNumbers.js'
import { noiseBatch } from './trainStepBatch.js'

const { values } = parseArgs({
  options: {
    batch: { type: 'string', default: '16' },
    frames: { type: 'string', default: '801' },
    target: { type: 'string', default: '80' },
    optimizer: { type: 'string', default: 'novograd' },
    threads: { type: 'string', default: '0' },
    profile: { type: 'string' },
  },
})

const size = {
  batch: Number(values.batch),
  frames: Number(values.frames),
  target: Number(values.target),
  features: 64,
  classes: 29,
}
const random = randomNumbers(0)
const runtime = ort({
  threads: Number(values.threads),
  ...(values.profile !== undefined && { profilePrefix: values.profile }),
})
const { program, parameters } = await trainingStep({
  blocks: quartzNet5x3,
  features: size.features,
  classes: size.classes,
  optimizer: values.optimizer === 'sgd' ? 'sgd' : 'novograd',
  learningRate: 0.01,
  runtime,
  random,
})
const batch = noiseBatch(size, random)
const answer = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`)

answer({
  threads: Number(values.threads),
  parameters: parameters.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0),
})
for await (const line of createInterface({ input: process.stdin })) {
  const [command, count] = line.split(' ')
  if (command === 'quit') break
  if (command !== 'step') continue
  const ms: number[] = []
  let loss = Number.NaN
  for (let i = 0; i < Number(count); i++) {
    const start = performance.now()
    const outputs = await program.run(batch)
    loss = Number(outputs.loss.data[0])
    ms.push(performance.now() - start)
  }
  answer({ ms, loss })
}
// Node gives kilobytes on every platform.
answer({ peakRssBytes: process.resourceUsage().maxRSS * 1024 })
// Writes the profile.
await program.dispose()
process.exit()
