import type { Parameter, TensorData } from '@nemo/graph'
import { nodeBuiltin } from '../checkpoint/nodeBuiltin.js'
import { OrderedDict, PythonFloat, type PythonValue } from '../checkpoint/pythonValue.js'
import { readTorchFile } from '../checkpoint/readTorch.js'
import { writeTorchFile } from '../checkpoint/writeTorch.js'
import { toPython } from '../models/hyperParameters.js'
import type { Model } from '../models/model.js'
import type { CallbackState, Metrics } from './callback.js'
import { RunCheckpointError } from './errors.js'
import type { LossScaler, LossScalerState } from './lossScaler.js'

/** Where a run stands between two batches. */
export interface Progress {
  /** Pass over the data, from 0. */
  readonly epoch: number
  /** Next batch of that pass. */
  readonly batch: number
  /** Optimiser steps done. */
  readonly globalStep: number
  /** Batches trained on since the start. */
  readonly batchesDone: number
  /** Batches whose gradients are added up and have not moved the weights yet. */
  readonly accumulatedBatches: number
  /** Whether a validation comes before the next batch. */
  readonly validationDue: boolean
}

/** State of callbacks by name. */
export type CallbackStates = Readonly<Record<string, CallbackState>>

/** Everything but tensors that a run must remember. */
export interface RunState {
  readonly progress: Progress
  /** Batches of an epoch, limits applied. */
  readonly trainingBatches: number
  readonly seed: number
  /** Newest value of everything that was logged. */
  readonly metrics: Metrics
  readonly callbacks: CallbackStates
}

/** Tensors that a run must remember besides the model's, each under its name. */
export interface RunTensors {
  /** Registry name of the optimiser. */
  readonly optimizerName: string
  optimizerState(): ReadonlyMap<string, Parameter>
  /** Sums of gradients between two optimiser steps. */
  gradientSums(): ReadonlyMap<string, Parameter>
  /** Averages of weights. */
  averages(): ReadonlyMap<string, Parameter>
  /** Scale of losses, in mixed precision. */
  readonly lossScaler: LossScaler | undefined
  /** Steps that loss scaling left out, by part of the weights. */
  skippedSteps(): ReadonlyMap<string, number>
  loadSkippedSteps(skipped: ReadonlyMap<string, number>): void
}

const FORMAT = 1
// Lightning's name for the state of a GradScaler.
const SCALING = 'native_amp_scaling_state'
type Dict = Map<unknown, PythonValue>

/**
 * Writes a run's checkpoint: weights, running statistics, optimiser state, averages, gradient sums and the place in the
 * data.
 * The file is a PyTorch archive with Lightning's keys, written to a temporary file, synced and renamed.
 */
export async function saveRunCheckpoint(path: string, model: Model, run: RunTensors, state: RunState): Promise<void> {
  const { progress } = state
  const optimizerState = new Map<string, PythonValue>([
    ['name', run.optimizerName],
    ['state', await tensors(run.optimizerState())],
  ])
  const skipped = run.skippedSteps()
  // Between two groups of batches all sums are zero.
  const sums = progress.accumulatedBatches > 0 ? run.gradientSums() : []
  const contents = new Map<string, PythonValue>([
    ...(await weightEntries(model, run, progress)),
    ['optimizer_states', [optimizerState]],
    ...(run.lossScaler ? [[SCALING, scalingDict(run.lossScaler.state())] as const] : []),
    ['gradient_sums', await tensors(sums)],
    ['callbacks', new Map(Object.entries(state.callbacks).map(([name, values]) => [name, scalars(values)]))],
    ['metrics', scalars(state.metrics)],
    [
      'nemo_ts',
      new Map<string, PythonValue>([
        ['format', FORMAT],
        ['batch', progress.batch],
        ['batches_done', progress.batchesDone],
        ['accumulated_batches', progress.accumulatedBatches],
        ['validation_due', progress.validationDue],
        ['training_batches', state.trainingBatches],
        ['seed', state.seed],
        ...(skipped.size > 0 ? [['skipped_steps', new Map(skipped)] as const] : []),
      ]),
    ],
  ])
  await writeTorchFile(path, contents as unknown as PythonValue)
}

/** Writes the weights of a run, and their averages if there are some, without what it needs to go on. */
export async function saveWeights(path: string, model: Model, run: RunTensors, progress: Progress): Promise<void> {
  const contents = new Map<string, PythonValue>(await weightEntries(model, run, progress))
  await writeTorchFile(path, contents as unknown as PythonValue)
}

/**
 * Weights and statistics of a run's checkpoint.
 *
 * @param averaged - Whether to take averages in place of weights that have some.
 * @throws RunCheckpointError if the file is damaged or holds no weights.
 */
export async function readWeights(path: string, averaged: boolean): Promise<ReadonlyMap<string, TensorData>> {
  const contents = await readFile(path)
  const averages = averaged && contents.has('ema_state_dict') ? dict(path, contents, 'ema_state_dict') : []
  return new Map([...dict(path, contents, 'state_dict'), ...averages]) as unknown as ReadonlyMap<string, TensorData>
}

async function weightEntries(
  model: Model,
  run: RunTensors,
  { epoch, globalStep }: Progress,
): Promise<[string, PythonValue][]> {
  return [
    ['state_dict', new OrderedDict<string, TensorData>(await model.stateDict()) as unknown as PythonValue],
    ['hyper_parameters', new Map([['cfg', toPython({ ...model.cfg, target: model.target })]])],
    ['epoch', epoch],
    ['global_step', globalStep],
    ['ema_state_dict', await tensors(run.averages())],
  ]
}

async function tensors(parameters: Iterable<readonly [string, Parameter]>): Promise<PythonValue> {
  const values = new Map<string, PythonValue>()
  for (const [name, parameter] of parameters) values.set(name, (await parameter.value()) as unknown as PythonValue)
  return values
}

/** Values as Python has them; all numbers become floats. */
function scalars(values: CallbackState): Map<string, PythonValue> {
  const python = (value: CallbackState[string]): PythonValue => {
    if (typeof value === 'number') return new PythonFloat(value)
    if (typeof value === 'object' && value !== null) return value.map((item) => new PythonFloat(item))
    return value
  }
  return new Map(Object.entries(values).map(([key, value]) => [key, python(value)]))
}

/**
 * Reads a run's checkpoint into a model and its optimiser. Nothing is changed unless all of it fits.
 *
 * @param expected.seed - Seed of the trainer, which must be the run's.
 * @throws RunCheckpointError if the file is damaged or no checkpoint of this trainer, or if it belongs to another model,
 * optimiser or seed.
 */
export async function loadRunCheckpoint(
  path: string,
  model: Model,
  run: RunTensors,
  expected: { readonly seed: number },
): Promise<RunState> {
  const contents = await readContents(path)
  const own = dict(path, contents, 'nemo_ts')
  const format = own.get('format')
  if (format !== FORMAT)
    throw new RunCheckpointError(path, `this version reads checkpoints of format ${FORMAT}, found ${String(format)}.`)
  const state: RunState = {
    progress: {
      epoch: count(path, contents, 'epoch'),
      batch: count(path, own, 'batch'),
      globalStep: count(path, contents, 'global_step'),
      batchesDone: count(path, own, 'batches_done'),
      accumulatedBatches: count(path, own, 'accumulated_batches'),
      validationDue: own.get('validation_due') === true,
    },
    trainingBatches: count(path, own, 'training_batches'),
    seed: Number(own.get('seed')),
    metrics: plain(dict(path, contents, 'metrics')) as Record<string, number>,
    callbacks: Object.fromEntries(
      [...dict(path, contents, 'callbacks').keys()].map((name) => [
        String(name),
        plain(dict(path, dict(path, contents, 'callbacks'), String(name))),
      ]),
    ),
  }
  if (state.seed !== expected.seed) {
    throw new RunCheckpointError(
      path,
      `the run had seed ${state.seed}, the trainer has ${expected.seed}. Go on with the run's seed, or start a new run.`,
    )
  }
  const states = contents.get('optimizer_states')
  const optimizerState = dict(
    path,
    new Map([['optimizer_states', Array.isArray(states) ? states[0] : states]]),
    'optimizer_states',
  )
  if (optimizerState.get('name') !== run.optimizerName) {
    throw new RunCheckpointError(
      path,
      `the run used the optimiser ${String(optimizerState.get('name'))}, the config says ${run.optimizerName}. Go on with the run's optimiser, or start a new run.`,
    )
  }
  const sums: ReadonlyMap<string, Parameter> = state.progress.accumulatedBatches > 0 ? run.gradientSums() : new Map()
  // Checkpoints of runs without averages may lack them.
  const averages = contents.has('ema_state_dict') ? dict(path, contents, 'ema_state_dict') : new Map()
  const assignments = [
    ...match(path, 'model', dict(path, contents, 'state_dict'), model.namedTensors()),
    ...match(path, 'optimiser', dict(path, optimizerState, 'state'), run.optimizerState()),
    ...match(path, 'gradient accumulation', dict(path, contents, 'gradient_sums'), sums),
    ...match(path, 'moving average of weights', averages, run.averages()),
  ]
  // Runs in float32 have no scale; where one goes on in mixed precision, it begins as at the start.
  const scaling = run.lossScaler && contents.has(SCALING) ? scalingState(path, contents) : undefined
  const skipped = own.has('skipped_steps') ? dict(path, own, 'skipped_steps') : new Map<unknown, PythonValue>()
  const skippedSteps = [...skipped.keys()].map((part) => [String(part), count(path, skipped, String(part))] as const)
  for (const [parameter, value] of assignments) parameter.set(value)
  if (scaling) run.lossScaler!.load(scaling)
  run.loadSkippedSteps(new Map(skippedSteps))
  return state
}

// As PyTorch pickles it: factors are floats, counts are not.
function scalingDict(state: LossScalerState): Map<string, PythonValue> {
  const counts = ['growth_interval', '_growth_tracker']
  return new Map(
    Object.entries(state).map(([key, value]) => [key, counts.includes(key) ? value : new PythonFloat(value)]),
  )
}

function scalingState(path: string, contents: Dict): LossScalerState {
  const found = plain(dict(path, contents, SCALING))
  const number = (key: keyof LossScalerState): number => {
    const value = found[key]
    if (typeof value === 'number' && value >= 0) return value
    throw new RunCheckpointError(
      path,
      `expected a number under ${SCALING}.${key}, found ${String(value)}. The file is damaged or foreign.`,
    )
  }
  return {
    scale: number('scale'),
    growth_factor: number('growth_factor'),
    backoff_factor: number('backoff_factor'),
    growth_interval: number('growth_interval'),
    _growth_tracker: number('_growth_tracker'),
  }
}

async function readContents(path: string): Promise<Dict> {
  const contents = await readFile(path)
  if (contents.has('nemo_ts')) return contents
  throw new RunCheckpointError(
    path,
    'this file holds no state of a run of this trainer, so training cannot go on from it. To take its weights only, load them into the model and start a new run.',
  )
}

async function readFile(path: string): Promise<Dict> {
  let contents: PythonValue
  try {
    contents = await readTorchFile(path)
  } catch (cause) {
    throw new RunCheckpointError(
      path,
      `the checkpoint cannot be read: ${(cause as Error).message} ${await alternatives(path)}`,
      { cause },
    )
  }
  return contents instanceof Map ? (contents as Dict) : new Map()
}

// What a person can do instead.
async function alternatives(path: string): Promise<string> {
  const { dirname, basename } = nodeBuiltin('node:path', 'Reading a checkpoint')
  const { readdir } = nodeBuiltin('node:fs', 'Reading a checkpoint').promises
  const names = await readdir(dirname(path)).catch(() => [])
  const others = names.filter((name) => name.endsWith('.ckpt') && name !== basename(path))
  return others.length > 0
    ? `Go on from another checkpoint of that folder (${others.slice(0, 5).join(', ')}), or start a new run.`
    : 'There is no other checkpoint in that folder; start a new run, or bring a copy of the file.'
}

function dict(path: string, from: Dict, key: string): Dict {
  const value = from.get(key)
  if (!(value instanceof Map)) {
    const found = value === undefined ? 'nothing' : typeof value
    throw new RunCheckpointError(path, `expected a dict under ${key}, found ${found}. The file is damaged or foreign.`)
  }
  return value as Dict
}

function count(path: string, from: Dict, key: string): number {
  const value = Number(from.get(key))
  if (!Number.isInteger(value) || value < 0)
    throw new RunCheckpointError(
      path,
      `expected a whole number under ${key}, found ${String(from.get(key))}. The file is damaged or foreign.`,
    )
  return value
}

function plain(values: Dict): CallbackState {
  const host = (value: PythonValue): unknown => {
    if (value instanceof PythonFloat) return value.value
    return Array.isArray(value) ? value.map(host) : value
  }
  return Object.fromEntries([...values].map(([key, value]) => [key, host(value)])) as CallbackState
}

function match(
  path: string,
  what: string,
  saved: Dict,
  targets: ReadonlyMap<string, Parameter>,
): (readonly [Parameter, TensorData])[] {
  const list = (names: readonly string[]) =>
    names.length === 0 ? 'nothing' : names.slice(0, 4).join(', ') + (names.length > 4 ? ', ...' : '')
  const missing = [...targets.keys()].filter((name) => !saved.has(name))
  const unexpected = [...saved.keys()].map(String).filter((name) => !targets.has(name))
  if (missing.length + unexpected.length > 0) {
    throw new RunCheckpointError(
      path,
      `the ${what} of the run is another one: missing ${list(missing)}, unexpected ${list(unexpected)}. Go on with the run's own settings (layers, freezing, accumulate_grad_batches, moving averages), or start a new run.`,
    )
  }
  return [...targets].map(([name, parameter]) => {
    const value = saved.get(name) as unknown as Partial<TensorData> | undefined
    const fits =
      value?.dtype === parameter.dtype &&
      value.shape?.length === parameter.rank &&
      value.shape.every((dim, i) => dim === parameter.shape[i])
    if (!fits)
      throw new RunCheckpointError(
        path,
        `${what}: ${name} is ${value?.dtype ?? typeof value}[${value?.shape?.join(', ') ?? ''}], expected ${parameter}.`,
      )
    return [parameter, value as TensorData] as const
  })
}
