import { compile, type Runtime } from '@nemo/graph'
import type { DataLoader } from '../data/dataLoader.js'
import { BatchNorm1d } from '../layers/batchNorm1d.js'
import { defaultRuntime } from '../modules/neuralModule.js'
import { symbolicInputs } from '../modules/symbolicInputs.js'
import { collectUpdates } from '../modules/updates.js'
import { batchFeeds } from '../trainer/batchFeeds.js'
import { ModelError } from './errors.js'
import type { Model } from './model.js'

/** Options of {@link updateBatchNorm}. */
export interface UpdateBatchNormOptions {
  /** Where to compute. Default: ONNX Runtime on CPU in this thread. */
  readonly runtime?: Runtime
}

/**
 * Replaces the running statistics of all batch normalisations by those of some data, which needs no labels: the mean over its batches, every
 * sample counting once. Weights stay as they are, and nothing is dropped out or augmented.
 *
 * Averaged weights need it, since no batch ever saw them. It also adapts a recogniser to a new voice or microphone whose recordings are
 * at hand (AdaBN, Li et al. 2016). Batches should be as large as in training: statistics of few frames are noisy.
 *
 * Source: PyTorch `torch.optim.swa_utils.update_bn`.
 *
 * @param loader - Batches that the model's validation step takes.
 * @returns how many batches were used.
 * @throws ModelError if the model has no batch normalisation, or the loader gave nothing.
 */
export async function updateBatchNorm(
  model: Model,
  loader: DataLoader,
  { runtime = defaultRuntime() }: UpdateBatchNormOptions = {},
): Promise<number> {
  const norms = model.modules().filter((module) => module instanceof BatchNorm1d)
  if (norms.length === 0) throw new ModelError(`${model.constructor.name} has no batch normalisation to update.`)
  model.nameParameters()
  const inputs = symbolicInputs(loader.outputTypes, Object.keys(loader.outputTypes))
  const { updates } = model.withMode(false, () => {
    for (const norm of norms) norm.train()
    return collectUpdates(() => model.validationStep(inputs))
  })
  const statistics = await Promise.all(
    norms.flatMap(({ momentum, runningMean, runningVar }) =>
      [runningMean, runningVar].map(async (buffer) => {
        const { data, ...layout } = await buffer.value()
        const before = Float32Array.from(data as Float32Array)
        return { buffer, layout, momentum, before, sum: new Float64Array(before.length) }
      }),
    ),
  )
  const outputs = Object.fromEntries(statistics.map(({ buffer }, i) => [`statistic_${i}`, updates.get(buffer)!]))
  const program = await compile(outputs, { runtime })
  try {
    let [batches, samples] = [0, 0]
    for await (const { batch } of loader.epoch(0)) {
      if (!batch) continue
      const values = await program.run(batchFeeds(batch, loader.outputTypes, program))
      for (const [i, { momentum, before, sum }] of statistics.entries()) {
        const after = values[`statistic_${i}`]!.data as Float32Array
        // What the batch added to the running value, less what is left of that.
        for (const [k, value] of after.entries())
          sum[k]! += ((value - (1 - momentum) * before[k]!) / momentum) * batch.samples.length
      }
      batches++
      samples += batch.samples.length
    }
    if (samples === 0) throw new ModelError('updateBatchNorm: the data gave no batch.')
    for (const { buffer, layout, sum } of statistics)
      buffer.set({ ...layout, data: Float32Array.from(sum, (total) => total / samples) })
    return batches
  } finally {
    await program.dispose()
  }
}
