import { type Plan, RANDOM_KEY, sizeOf, type Tensor, type TensorData } from '@nemo/graph'
import { ELEMENT_BYTES } from './elementType.js'
import { Planner, type PlanResources } from './planner.js'
import type { RecordingParts } from './recording.js'
import { specialize } from './specialize.js'
import type { Storage } from './storage.js'

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
  const results = planner.run(specialized.outputs)
  const homes = plan.updates.map(({ parameter }) => resources.parameter(parameter))
  const updated = new Set(homes)
  const count = plan.outputs.length
  // An update that is another parameter's old value must be saved before that parameter changes.
  const news = results.slice(count).map((value, i) => {
    const { storage } = value.expression
    return !updated.has(storage) || storage === homes[i] ? value : planner.duplicate(value)
  })
  const planned: PlannedRun = {
    commands: planner.commands,
    feeds: written,
    outputs: plan.outputs.map(({ name, tensor }, i) => ({
      name,
      dtype: tensor.dtype,
      shape: results[i]!.shape,
      storage: results[i]!.expression.storage,
    })),
    updates: plan.updates.flatMap(({ parameter }, i) => {
      const [from, to] = [news[i]!.expression.storage, homes[i]!]
      return from === to ? [] : [{ from, to, bytes: sizeOf(parameter.shape) * ELEMENT_BYTES }]
    }),
  }
  planner.finish(specialized.outputs)
  return planned
}
