import type { Parameter, TensorData } from '@nemo/graph'
import { OrderedDict, PythonFloat, type PythonValue } from '../checkpoint/pythonValue.js'
import { readTorchFile } from '../checkpoint/readTorch.js'
import { writeTorchFile } from '../checkpoint/writeTorch.js'
import type { Model } from '../models/model.js'
import type { Optimizer } from '../optimizers/optimizer.js'
import { TrainerError } from './errors.js'

/** Where a run stands between two batches. */
export interface Progress {
  /** Pass over the data, from 0. */
  readonly epoch: number
  /** Next batch of that pass. */
  readonly batch: number
  /** Optimiser steps done. */
  readonly globalStep: number
  /** Batches done since the start. */
  readonly batchesDone: number
}

/** State of callbacks by name. */
export type CallbackStates = Readonly<Record<string, Readonly<Record<string, number | string | boolean | null>>>>

/** Everything but tensors that a run must remember. */
export interface RunState {
  readonly progress: Progress
  readonly seed: number
  readonly callbacks: CallbackStates
}

const FORMAT = 1

/**
 * Writes a run's checkpoint: weights, running statistics, optimiser state, gradient sums and the place in the data.
 * The file is a PyTorch archive with Lightning's keys, written to a temporary file, synced and renamed.
 */
export async function saveRunCheckpoint(
  path: string,
  model: Model,
  optimizer: Optimizer,
  accumulators: readonly Parameter[],
  state: RunState,
): Promise<void> {
  const weights = new OrderedDict<string, TensorData>(await model.stateDict())
  const states = new Map<string, PythonValue>()
  for (const [name, parameter] of optimizer.state())
    states.set(name, (await parameter.value()) as unknown as PythonValue)
  const sums = new Map<string, PythonValue>()
  for (const parameter of accumulators) sums.set(parameter.name, (await parameter.value()) as unknown as PythonValue)
  const callbacks = new Map<string, PythonValue>()
  for (const [name, values] of Object.entries(state.callbacks)) {
    callbacks.set(
      name,
      new Map(
        Object.entries(values).map(([key, value]) => [key, typeof value === 'number' ? new PythonFloat(value) : value]),
      ),
    )
  }
  const { progress } = state
  const contents = new Map<string, PythonValue>([
    ['state_dict', weights as unknown as PythonValue],
    ['epoch', progress.epoch],
    ['global_step', progress.globalStep],
    [
      'optimizer_states',
      [
        new Map<string, PythonValue>([
          ['name', optimizer.name],
          ['state', states],
        ]),
      ],
    ],
    ['gradient_sums', sums],
    ['callbacks', callbacks],
    [
      'nemo_ts',
      new Map<string, PythonValue>([
        ['format', FORMAT],
        ['batch', progress.batch],
        ['batches_done', progress.batchesDone],
        ['seed', state.seed],
      ]),
    ],
  ])
  await writeTorchFile(path, contents as unknown as PythonValue)
}

/**
 * Reads a run's checkpoint into a model and its optimiser.
 *
 * @throws TrainerError if the file is no checkpoint of this trainer, or belongs to another optimiser.
 */
export async function loadRunCheckpoint(
  path: string,
  model: Model,
  optimizer: Optimizer,
  accumulators: readonly Parameter[],
): Promise<RunState> {
  const contents = asMap(await readTorchFile(path), path, 'a checkpoint')
  const own = asMap(contents.get('nemo_ts'), path, 'nemo_ts (a checkpoint of this trainer)')
  if (own.get('format') !== FORMAT)
    throw new TrainerError(`${path}: checkpoint format ${String(own.get('format'))}, expected ${FORMAT}.`)
  model.loadStateDict(contents.get('state_dict') as unknown as Map<string, TensorData>)
  const [saved] = contents.get('optimizer_states') as PythonValue[]
  const optimizerState = asMap(saved, path, 'optimizer_states')
  if (optimizerState.get('name') !== optimizer.name) {
    throw new TrainerError(
      `${path}: the run used the optimiser ${String(optimizerState.get('name'))}, the config says ${optimizer.name}.`,
    )
  }
  restore(asMap(optimizerState.get('state'), path, 'optimizer state'), optimizer.state(), path)
  restore(
    asMap(contents.get('gradient_sums'), path, 'gradient_sums'),
    new Map(accumulators.map((parameter) => [parameter.name, parameter])),
    path,
  )
  const callbacks: Record<string, Record<string, number | string | boolean | null>> = {}
  for (const [name, values] of asMap(contents.get('callbacks'), path, 'callbacks')) {
    callbacks[String(name)] = Object.fromEntries(
      [...asMap(values, path, String(name))].map(([key, value]) => [
        key,
        value instanceof PythonFloat ? value.value : value,
      ]),
    ) as never
  }
  const number = (map: Map<unknown, PythonValue>, key: string) => Number(map.get(key))
  return {
    progress: {
      epoch: number(contents, 'epoch'),
      batch: number(own, 'batch'),
      globalStep: number(contents, 'global_step'),
      batchesDone: number(own, 'batches_done'),
    },
    seed: number(own, 'seed'),
    callbacks,
  }
}

function asMap(value: PythonValue | undefined, path: string, what: string): Map<unknown, PythonValue> {
  if (!(value instanceof Map))
    throw new TrainerError(
      `${path}: expected ${what} as a dict, found ${value === undefined ? 'nothing' : typeof value}.`,
    )
  return value as Map<unknown, PythonValue>
}

function restore(
  saved: ReadonlyMap<unknown, PythonValue>,
  targets: ReadonlyMap<string, Parameter>,
  path: string,
): void {
  const missing = [...targets.keys()].filter((name) => !saved.has(name))
  const unexpected = [...saved.keys()].filter((name) => !targets.has(String(name)))
  if (missing.length + unexpected.length > 0) {
    throw new TrainerError(
      `${path}: the optimiser state does not fit the model: missing ${missing.slice(0, 4).join(', ') || 'nothing'}, unexpected ${unexpected.slice(0, 4).join(', ') || 'nothing'}. Was the model or its freezing changed?`,
    )
  }
  for (const [name, parameter] of targets) parameter.set(saved.get(name) as unknown as TensorData)
}
