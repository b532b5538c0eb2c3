import { type Plan, RANDOM_KEY, type Tensor, type TensorData } from '@nemo/graph'
import { batchCommands } from './batch.js'
import { Planner, type PlanResources } from './planner.js'
import type { RecordingParts } from './recording.js'
import { specialize } from './specialize.js'
import type { Storage } from './storage.js'
import { recordUpdates } from './updateKernels.js'
import { loadValue } from './value.js'

/** What runs on inputs of given shapes do. */
export type PlannedRun = Omit<RecordingParts, 'device' | 'pipelines'>

/**
 * Plans the runs of a program on inputs of these shapes.
 *
 * @param roots - Its outputs and then its updates, in the executor's words.
 */
export function planRun(
  plan: Plan,
  roots: readonly Tensor[],
  feeds: ReadonlyMap<string, TensorData>,
  resources: PlanResources,
): PlannedRun {
  const shapes = new Map(plan.inputs.map(({ name, tensor }) => [tensor, feeds.get(name)!.shape] as const))
  const specialized = specialize(roots, shapes)
  const planner = new Planner(resources)
  const written: { name: string; storage: Storage; wrap: boolean }[] = []
  const fed = planner.reach(specialized.outputs)
  for (const { name, tensor } of plan.inputs) {
    const stand = specialized.inputs.get(tensor)!
    if (!fed.has(stand)) continue
    const value = planner.feed(stand, `Input ${name}`)
    written.push({ name, storage: value.expression.storage, wrap: name === RANDOM_KEY })
  }
  const count = plan.outputs.length
  const [outputs, news] = [specialized.outputs.slice(0, count), specialized.outputs.slice(count)]
  const homes = plan.updates.map(({ parameter }) =>
    loadValue(parameter.dtype, parameter.shape, resources.parameter(parameter)),
  )
  const changing = new Set(homes.map(({ expression }) => expression.storage))
  const results = planner.run(outputs, news).map((value) =>
    // An output that is a parameter's old value is saved before the parameter changes.
    changing.has(value.expression.storage) ? planner.materialize({ ...value }) : value,
  )
  recordUpdates(
    planner,
    homes.map((home, i) => ({ home, value: planner.fit(planner.value(news[i]!)) })),
  )
  const planned: PlannedRun = {
    commands: batchCommands(planner.commands),
    feeds: written,
    outputs: plan.outputs.map(({ name, tensor }, i) => ({
      name,
      dtype: tensor.dtype,
      shape: results[i]!.shape,
      storage: results[i]!.expression.storage,
    })),
  }
  planner.finish(specialized.outputs)
  return planned
}
