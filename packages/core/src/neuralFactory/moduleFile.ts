import type { TensorData } from '@nemo/graph'
import { nodeBuiltin } from '../checkpoint/nodeBuiltin.js'
import { OrderedDict, type PythonValue } from '../checkpoint/pythonValue.js'
import { readTorchFile } from '../checkpoint/readTorch.js'
import { asStateDict } from '../checkpoint/stateDict.js'
import { writeTorchFile } from '../checkpoint/writeTorch.js'
import type { Module } from '../modules/module.js'
import { NeuralFactoryError } from './errors.js'

/** Writes a module's state dict as PyTorch does, atomically. NeMo 0.x's `save_to`; NeMo and PyTorch load the file. */
export async function saveModuleTo(module: Module, path: string): Promise<void> {
  await writeTorchFile(path, new OrderedDict<string, TensorData>(await module.stateDict()) as unknown as PythonValue)
}

/**
 * Takes a module's weights from a state dict in a file of PyTorch, of NeMo 0.x or of `saveModuleTo`. NeMo 0.x's
 * `restore_from`.
 *
 * @throws StateDictError if the names or shapes are others; CheckpointError if the file cannot be read.
 */
export async function restoreModuleFrom(module: Module, path: string): Promise<void> {
  const state = asStateDict(await readTorchFile(path), path) as unknown as ReadonlyMap<string, TensorData>
  module.loadStateDict(state)
}

/**
 * The newest file of each name in a checkpoint folder: of `NAME-STEP-N.pt` and `NAME-EPOCH-N.pt`, the one with the largest N.
 *
 * @param pattern - Text that the rest of the file's name contains. Default: any.
 * @throws NeuralFactoryError if there is no such folder, or a name has no file.
 *
 * Source: NeMo v0.9.0 `get_checkpoint_from_dir`. Difference: a name is the whole part before the first dash.
 */
export async function getCheckpointFromDir(names: readonly string[], folder: string, pattern = ''): Promise<string[]> {
  const { readdir } = nodeBuiltin('node:fs', 'Looking for checkpoints').promises
  const { join } = nodeBuiltin('node:path', 'Looking for checkpoints')
  const files = await readdir(folder).catch((cause: Error) => {
    throw new NeuralFactoryError(`Cannot look for checkpoints in ${folder}: ${cause.message}`, { cause })
  })
  return names.map((name) => {
    const found = files.flatMap((file) => {
      const [, rest = '', number] = file.startsWith(`${name}-`)
        ? (/^((?:STEP|EPOCH)-(\d+)\.pt)$/.exec(file.slice(name.length + 1)) ?? [])
        : []
      return number !== undefined && rest.includes(pattern) ? [{ file, number: Number(number) }] : []
    })
    const newest = found.reduce<(typeof found)[number] | undefined>(
      (best, each) => (best && best.number >= each.number ? best : each),
      undefined,
    )
    if (!newest)
      throw new NeuralFactoryError(
        `No checkpoint of ${name}${pattern && ` that matches ${JSON.stringify(pattern)}`} in ${folder}; expected files such as ${name}-STEP-100.pt.`,
      )
    return join(folder, newest.file)
  })
}
