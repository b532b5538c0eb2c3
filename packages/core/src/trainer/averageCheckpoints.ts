import type { TensorData } from '@nemo/graph'
import { readNemo, writeNemo } from '../checkpoint/nemoArchive.js'
import { nodeBuiltin } from '../checkpoint/nodeBuiltin.js'
import { OrderedDict, type StateDict } from '../checkpoint/pythonValue.js'
import { readTorchFile } from '../checkpoint/readTorch.js'
import { asStateDict } from '../checkpoint/stateDict.js'
import { RunCheckpointError, TrainerError } from './errors.js'

/**
 * Means of the weights of several checkpoints: training checkpoints (`.ckpt`), bare state dicts (`.pt`) and `.nemo`
 * files. Sums are taken in double precision. Whole numbers, such as counters of batches, are those of the last file.
 *
 * Source: NeMo v1.2 `checkpoint_averaging.py`, which adds whole numbers up.
 *
 * @throws RunCheckpointError for a file whose tensors have other names, shapes or dtypes than the first one's.
 */
export async function averageCheckpoints(paths: readonly string[]): Promise<StateDict> {
  const [first] = paths
  if (first === undefined) throw new TrainerError('There are no checkpoints to average.')
  const sums = new Map<string, { readonly like: TensorData; readonly sum: Float64Array | undefined }>()
  let last: StateDict = new OrderedDict()
  for (const path of paths) {
    last = await weightsOf(path)
    if (path === first) for (const [name, value] of tensorsOf(last)) sums.set(name, { like: value, sum: zeros(value) })
    requireSameTensors(path, last, sums, first)
    for (const [name, value] of tensorsOf(last)) {
      const sum = sums.get(name)?.sum
      if (sum) for (let i = 0; i < sum.length; i++) sum[i]! += Number(value.data[i])
    }
  }
  const newest = new Map(tensorsOf(last))
  const means = [...sums].map(([name, { like, sum }]): [string, TensorData] => [
    name,
    sum ? mean(like, sum, paths.length) : newest.get(name)!,
  ])
  return new OrderedDict(means) as unknown as StateDict
}

/** What to average, and where to put it. */
export interface AverageNemoOptions {
  /** Checkpoints. Default: all `.ckpt` but `*-last.ckpt` in the archive's folder, or in `checkpoints` beside it. */
  readonly checkpoints?: readonly string[]
  /** The new archive. Default: `NAME-averaged.nemo` beside the old one. */
  readonly output?: string
}

/**
 * Writes a `.nemo` file with the mean weights of a run's checkpoints, config and artifacts from an archive of the run.
 *
 * @returns the new archive's path, and what was averaged.
 * @throws TrainerError if there is nothing to average, RunCheckpointError for weights that are not the archive's.
 */
export async function averageNemo(
  path: string,
  { checkpoints, output }: AverageNemoOptions = {},
): Promise<{ readonly output: string; readonly checkpoints: readonly string[] }> {
  const found = checkpoints ?? (await checkpointsBeside(path))
  const archive = await readNemo(path)
  const weights = await averageCheckpoints(found)
  const wanted = new Map(tensorsOf(archive.weights).map(([name, like]) => [name, { like }]))
  requireSameTensors(found[0]!, weights, wanted, path)
  const target = output ?? path.replace(/(\.nemo)?$/, '-averaged.nemo')
  await writeNemo(target, { ...archive, weights })
  return { output: target, checkpoints: found }
}

// In the archive's folder, or in `checkpoints` beside it, where experiments keep them.
async function checkpointsBeside(path: string): Promise<string[]> {
  const { dirname, join } = nodeBuiltin('node:path', 'Averaging checkpoints')
  const { existsSync, promises } = nodeBuiltin('node:fs', 'Averaging checkpoints')
  const beside = dirname(path)
  for (const folder of [beside, join(beside, 'checkpoints')]) {
    if (!existsSync(folder)) continue
    const names = (await promises.readdir(folder)).filter((name) => /(?<!-last)\.ckpt$/.test(name)).sort()
    if (names.length > 0) return names.map((name) => join(folder, name))
  }
  throw new TrainerError(
    `There are no checkpoints (*.ckpt, but *-last.ckpt) to average in ${beside} or its folder checkpoints. Name them.`,
  )
}

async function weightsOf(path: string): Promise<StateDict> {
  if (path.endsWith('.nemo')) return (await readNemo(path)).weights
  const contents = await readTorchFile(path)
  const inner = contents instanceof Map ? contents.get('state_dict') : undefined
  return asStateDict(inner ?? contents, path)
}

const tensorsOf = (weights: StateDict): [string, TensorData][] =>
  [...weights].map(([name, value]) => [String(name), value as unknown as TensorData])

function mean({ dtype, shape }: TensorData, sum: Float64Array, count: number): TensorData {
  const means = sum.map((value) => value / count)
  return dtype === 'float64'
    ? { dtype, shape, data: means }
    : { dtype: 'float32', shape, data: Float32Array.from(means) }
}

// Undefined for whole numbers, which are not averaged.
const zeros = ({ dtype, data }: TensorData): Float64Array | undefined =>
  dtype === 'float32' || dtype === 'float64' ? new Float64Array(data.length) : undefined

function requireSameTensors(
  path: string,
  weights: StateDict,
  wanted: ReadonlyMap<string, { readonly like: TensorData }>,
  reference: string,
): void {
  const found = new Map(tensorsOf(weights))
  const type = (value: TensorData | undefined) => (value ? `${value.dtype}[${value.shape.join(', ')}]` : 'nothing')
  for (const name of new Set([...wanted.keys(), ...found.keys()])) {
    const [is, expected] = [type(found.get(name)), type(wanted.get(name)?.like)]
    if (is !== expected)
      throw new RunCheckpointError(
        path,
        `${name} is ${is}, expected ${expected} as in ${reference}. Average checkpoints of one model only.`,
      )
  }
}
