import { type Dispatch, kernelCode, spread } from './kernelBuilder.js'
import type { Command } from './planner.js'
import { placeOf } from './storage.js'

/**
 * Runs equal kernels on different tensors as one, where nothing between them needs their results: the updates of all
 * parameters, the norms of all gradients.
 *
 * Their numbers become rows of a table; a workgroup finds its row by bisection. Only kernels that reach their tensors
 * through the same buffers can meet, so tensors that belong together lie in an arena.
 */
export function batchCommands(commands: readonly Command[]): Command[] {
  const planned: Command[] = []
  // Batches that wait for more members, in the order of their first.
  const waiting = new Set<Batch>()
  const open = new Map<string, Batch>()
  const bufferNumbers = new Map<object, number>()
  const numberOf = (buffer: object) => {
    if (!bufferNumbers.has(buffer)) bufferNumbers.set(buffer, bufferNumbers.size)
    return bufferNumbers.get(buffer)!
  }
  const flush = (batch: Batch) => {
    if (!waiting.delete(batch)) return
    for (const before of batch.after) flush(before)
    if (open.get(batch.key) === batch) open.delete(batch.key)
    planned.push({ dispatch: together(batch.members) })
  }
  for (const command of commands) {
    const touched = touchedBy(command)
    const conflicts = () => [...waiting].filter((batch) => conflict(batch, touched))
    const dispatch = 'dispatch' in command ? command.dispatch : undefined
    if (!dispatch?.batch) {
      for (const batch of conflicts()) flush(batch)
      planned.push(command)
      continue
    }
    const key = `${dispatch.buffers.map(numberOf).join(',')}\n${dispatch.code}`
    let batch = open.get(key)
    const before = conflicts()
    if (batch && before.some((other) => reaches(other, batch!))) {
      flush(batch)
      batch = undefined
    }
    if (!batch) {
      batch = { key, members: [], reads: new Set(), writes: new Set(), after: new Set() }
      open.set(key, batch)
      waiting.add(batch)
    }
    for (const other of before) if (waiting.has(other)) batch.after.add(other)
    batch.members.push(dispatch)
    for (const place of touched.reads) batch.reads.add(place)
    for (const place of touched.writes) batch.writes.add(place)
  }
  for (const batch of waiting) flush(batch)
  return planned
}

interface Touched {
  readonly reads: Set<object>
  readonly writes: Set<object>
}

interface Batch extends Touched {
  readonly key: string
  readonly members: Dispatch[]
  /** Batches that must run before this one. */
  readonly after: Set<Batch>
}

function touchedBy(command: Command): Touched {
  if ('copy' in command) {
    return { reads: new Set([placeOf(command.copy.from)]), writes: new Set([placeOf(command.copy.to)]) }
  }
  const { reads, writes } = command.dispatch
  return { reads: new Set(reads.map(placeOf)), writes: new Set(writes.map(placeOf)) }
}

function conflict(batch: Touched, { reads, writes }: Touched): boolean {
  for (const place of reads) if (batch.writes.has(place)) return true
  for (const place of writes) if (batch.writes.has(place) || batch.reads.has(place)) return true
  return false
}

// Whether `batch` is `target` or must run after it.
function reaches(batch: Batch, target: Batch): boolean {
  return batch === target || [...batch.after].some((before) => reaches(before, target))
}

function together(members: readonly Dispatch[]): Dispatch {
  const [first] = members
  if (members.length === 1) return first!
  const parts = first!.batch!
  const fields = ['first: i32', ...parts.fields]
  // One row more tells where the last one ends.
  const table = new Uint32Array((members.length + 1) * fields.length)
  let groups = 0
  members.forEach(({ uniforms, workgroups: [x, y, z] }, row) => {
    table[row * fields.length] = groups
    table.set(uniforms, row * fields.length + 1)
    groups += x * y * z
  })
  table[members.length * fields.length] = groups
  const code = kernelCode(
    parts,
    `struct Segment { ${fields.join(', ')} }\n@group(0) @binding(0) var<storage, read> table: array<Segment>;\n`,
    `let all = i32(group3.y * groups3.x + group3.x);
var low = 0;
var high = i32(arrayLength(&table)) - 1;
if (all >= table[high].first) { return; }
while (high - low > 1) {
  let middle = (low + high) / 2;
  if (table[middle].first <= all) { low = middle; } else { high = middle; }
}
let p = table[low];
let group = all - p.first;
let index = group * THREADS + local;
`,
  )
  const total = (key: 'bytesRead' | 'bytesWritten' | 'flops') => members.reduce((sum, { cost }) => sum + cost[key], 0)
  return {
    label: first!.label,
    code,
    uniforms: table,
    numbers: 'table',
    buffers: first!.buffers,
    access: first!.access,
    reads: members.flatMap(({ reads }) => reads),
    writes: members.flatMap(({ writes }) => writes),
    workgroups: spread(groups),
    cost: { bytesRead: total('bytesRead'), bytesWritten: total('bytesWritten'), flops: total('flops') },
  }
}
