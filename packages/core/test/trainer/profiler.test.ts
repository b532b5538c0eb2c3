import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ort } from '@nemo/graph'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Trainer, type TrainerConfigInput, TrainerError } from '../../src/index.js'
import { Recorder } from './recorder.js'
import { tinyLoader, tinyModel, weightsOf } from './tinyModel.js'

const runtime = ort({ threads: 1 })
let scratch = ''
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'nemo-profiler-'))
})
afterAll(async () => {
  await runtime.dispose()
  await rm(scratch, { recursive: true, force: true })
})

async function profile(name: string, config: TrainerConfigInput) {
  const folder = join(scratch, name)
  const model = tinyModel({ dropout: 0.2 })
  model.validationLoaders = [{ name: 'val', loader: tinyLoader({ length: 4 }) }]
  const settings = { default_root_dir: folder, max_epochs: 4, num_sanity_val_steps: 0, ...config }
  await new Trainer(settings, { runtime, callbacks: [new Recorder()] }).fit(model)
  const read = (file: string) => readFile(join(folder, file), 'utf8')
  return { folder, model, read }
}

interface Trace {
  readonly traceEvents: readonly { name: string; cat: string; ph: string; ts: number; dur: number; pid: number }[]
}

it('simple tells what a run spends its time with', async () => {
  const { read, folder } = await profile('simple', { profiler: 'simple' })
  const lines = (await read('profile.txt')).trimEnd().split('\n')
  expect(lines[0]).toMatch(/^action +mean \(s\) +calls +total \(s\) +share$/)
  const calls = (action: string) => Number(lines.find((line) => line.startsWith(action))!.split(/ {2,}/)[2])
  expect(calls('run_training_batch')).toBe(12)
  expect(calls('run_validation')).toBe(4)
  expect(calls('Recorder.onTrainBatchEnd')).toBe(12)
  // The end of each epoch but the last is waited for too.
  expect(calls('get_train_batch')).toBe(15)
  const { traceEvents } = JSON.parse(await read('trace.json')) as Trace
  expect(traceEvents.filter(({ name }) => name === 'run_training_batch')).toHaveLength(12)
  expect(await readdir(folder)).toEqual(['profile.txt', 'trace.json'])
})

it.each([
  ['alone', {}],
  ['with accumulation', { accumulate_grad_batches: 2 }],
])('advanced adds the ops and scopes of the first steps, and trains the same bits, %s', async (name, config) => {
  const { read, model } = await profile(name, { profiler: 'advanced', ...config })
  const text = await read('profile.txt')
  expect(text).toMatch(/^op +ms per run +share +nodes$/m)
  expect(text).toMatch(/^scope +ms per run +share +nodes$/m)
  expect(text).toMatch(/^optimizer +\d+\.\d{3} +\d+\.\d %/m)
  expect(text).toMatch(/^encoder +\d+\.\d{3} +\d+\.\d %/m)
  const { traceEvents } = JSON.parse(await read('trace.json')) as Trace
  const ops = traceEvents.filter(({ cat }) => cat === 'Node')
  expect(ops.length).toBeGreaterThan(50)
  expect(ops.some(({ name: label }) => /^(Fused)?Conv .*encoder/.test(label))).toBe(true)
  const steps = traceEvents.filter(({ name: action }) => action === 'run_training_batch')
  for (const { ts, pid } of ops) expect(pid > 1 && ts >= steps[1]!.ts).toBe(true)
  const plain = await profile(`${name}-plain`, { ...config, profiler: 'simple' })
  expect(await weightsOf(model)).toEqual(await weightsOf(plain.model))
})

it('advanced refuses a runtime that cannot profile', async () => {
  const other = { ...runtime, name: 'other' }
  const fit = new Trainer({ profiler: 'advanced', default_root_dir: scratch }, { runtime: other }).fit(tinyModel())
  await expect(fit).rejects.toThrow(TrainerError)
})
