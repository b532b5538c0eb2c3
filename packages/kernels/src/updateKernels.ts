import { sizeOf } from '@nemo/graph'
import { buffersOf, collapse, isDense, loadsOf, storagesOf, weightOf } from './expression.js'
import { type Dispatch, KernelBuilder, spread, THREADS } from './kernelBuilder.js'
import type { Planner } from './planner.js'
import type { Storage } from './storage.js'
import type { DenseValue, Value } from './value.js'

/** A parameter's place and what it becomes. */
export interface PlannedUpdate {
  readonly home: DenseValue
  value: Value
}

// With the table of a batch a kernel binds 8 buffers, as every device can.
const MOST_BUFFERS = 7

/**
 * Writes new values over the old ones of all parameters at once: every update sees the old values of the others. What
 * reads each other is written by one kernel; the others run in such an order that nothing is overwritten before it was
 * read.
 */
export function recordUpdates(planner: Planner, updates: readonly PlannedUpdate[]): void {
  const homes = new Map(updates.map((update) => [update.home.expression.storage, update]))
  for (const update of updates) {
    const { home } = update
    // Threads may read their own element of what they overwrite, but not another's.
    const aligned = loadsOf(update.value.expression).every(
      (load) => load.storage !== home.expression.storage || (load.offset === 0 && isDense(load, update.value.shape)),
    )
    if (!aligned) update.value = planner.materialize(update.value)
  }
  let groups = groupsOf(updates, homes)
  while (groups.length > 0) {
    // A group can go when no other one still reads what it writes.
    let at = groups.findIndex((group) => groups.every((other) => other === group || !readsHomes(other, group)))
    if (at < 0) {
      at = 0
      for (const other of groups.slice(1)) {
        if (readsHomes(other, groups[0]!)) for (const update of other) update.value = planner.materialize(update.value)
      }
    }
    const group = groups[at]!
    groups = groups.filter((other) => other !== group)
    const changed = group.filter((update) => !stays(update))
    if (changed.length > 0) planner.record(updateKernel(changed))
  }
}

const stays = ({ home, value: { expression } }: PlannedUpdate): boolean =>
  expression.kind === 'load' && expression.storage === home.expression.storage

const readsHomes = (reader: readonly PlannedUpdate[], written: readonly PlannedUpdate[]): boolean =>
  reader.some(({ value }) => {
    const read = storagesOf(value.expression)
    return written.some(({ home }) => read.has(home.expression.storage))
  })

// Updates of equal shape that read each other's old values, as few buffers as a kernel may bind.
function groupsOf(
  updates: readonly PlannedUpdate[],
  homes: ReadonlyMap<Storage, PlannedUpdate>,
): (readonly PlannedUpdate[])[] {
  const groups = new Map<PlannedUpdate, PlannedUpdate[]>(updates.map((update) => [update, [update]]))
  for (const update of updates) {
    for (const load of loadsOf(update.value.expression)) {
      const other = homes.get(load.storage)
      if (!other || other === update) continue
      const [mine, theirs] = [groups.get(update)!, groups.get(other)!]
      const aligned =
        load.offset === 0 &&
        isDense(load, update.value.shape) &&
        other.home.shape.length === update.home.shape.length &&
        other.home.shape.every((size, axis) => size === update.home.shape[axis])
      if (mine === theirs || !aligned) continue
      const together = [...mine, ...theirs]
      if (buffersOfAll(together).size > MOST_BUFFERS || !allAligned(together)) continue
      for (const member of together) groups.set(member, together)
    }
  }
  return [...new Set(groups.values())]
}

// Whether everything that a group reads of its own homes is the element it writes.
function allAligned(group: readonly PlannedUpdate[]): boolean {
  const own = new Set(group.map(({ home }) => home.expression.storage))
  return group.every(({ value }) =>
    loadsOf(value.expression).every(
      (load) => !own.has(load.storage) || (load.offset === 0 && isDense(load, value.shape)),
    ),
  )
}

const buffersOfAll = (group: readonly PlannedUpdate[]): Set<GPUBuffer> =>
  new Set(group.flatMap(({ home, value }) => [home.expression.storage.buffer, ...buffersOf(value.expression)]))

/** One thread per element computes all new values of a group before it writes any. */
function updateKernel(group: readonly PlannedUpdate[]): Dispatch {
  const kernel = new KernelBuilder('Update')
  const names = group.map(({ home }) => kernel.write(home.expression.storage, home.expression.element))
  const { shape, expressions } = collapse(
    group[0]!.value.shape,
    group.map(({ value }) => value.expression),
  )
  const count = sizeOf(group[0]!.value.shape)
  const total = kernel.integer(count)
  const { statements, names: coordinates } =
    shape.length > 1
      ? kernel.coordinates('index', kernel.sizes(shape))
      : { statements: '', names: shape.map(() => 'index') }
  const emitted = kernel.emitAll(expressions, shape, coordinates, 'index')
  return kernel.finish({
    body: `if (index >= ${total}) { return; }
${statements}${emitted.statements}${names.map((name, i) => `${name}[index] = ${emitted.values[i]};\n`).join('')}`,
    workgroups: spread(Math.ceil(count / THREADS)),
    flops: count * expressions.reduce((sum, expression) => sum + weightOf(expression), 0),
    batchable: true,
  })
}
