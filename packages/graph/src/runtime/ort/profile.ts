/** An event of ONNX Runtime's profile; `ts` and `dur` in microseconds. */
export interface ProfileEvent {
  readonly cat?: string
  readonly name?: string
  readonly ts?: number
  readonly dur?: number
  readonly args?: { readonly op_name?: string }
}

/** Time of all nodes of one op type, or of one scope. */
export interface TimeShare {
  /** Op type (`Conv`) or scope (`encoder/block0`; empty for nodes outside all scopes). */
  readonly name: string
  /** Milliseconds in one run. */
  readonly ms: number
  /** Part of all kernel time, 0 to 1. */
  readonly share: number
  /** Nodes executed in one run; a node inside a Scan counts once for each step. */
  readonly count: number
}

/** What `timeShares` sums over. */
export interface TimeShareOptions {
  /** Op types (default) or the scopes that nodes were built in. */
  readonly by?: 'op' | 'scope'
  /** Leading parts of a scope to keep, e.g. 1 makes `encoder` of `encoder/block0`. Default all. */
  readonly depth?: number
}

interface Kernel {
  readonly op: string
  readonly node: string
  readonly start: number
  readonly end: number
  self: number
}

const KERNEL_SUFFIX = '_kernel_time'

/**
 * Where a program spends its time, from ONNX Runtime's profile (`ort({ profilePrefix })`). An op that runs others (Scan)
 * counts with its own time only, without theirs. Profiling itself costs about a microsecond a node.
 *
 * @param events - The parsed JSON file that a session writes when its program is disposed; all its runs are averaged.
 * @returns the most expensive first.
 */
export function timeShares(events: readonly ProfileEvent[], options: TimeShareOptions = {}): TimeShare[] {
  const { by = 'op', depth = Number.POSITIVE_INFINITY } = options
  const runs = Math.max(1, events.filter(({ name }) => name === 'model_run').length)
  const totals = new Map<string, { us: number; count: number }>()
  for (const { op, node, self } of withSelfTimes(kernelsOf(events))) {
    const name = by === 'op' ? op : scopeOf(node, depth)
    const total = totals.get(name) ?? { us: 0, count: 0 }
    totals.set(name, { us: total.us + self, count: total.count + 1 })
  }
  const all = [...totals.values()].reduce((sum, { us }) => sum + us, 0)
  return [...totals]
    .map(([name, { us, count }]) => ({
      name,
      ms: us / runs / 1000,
      share: all > 0 ? us / all : 0,
      count: count / runs,
    }))
    .sort((a, b) => b.ms - a.ms)
}

// Nodes are named scope/Type_number.
const scopeOf = (node: string, depth: number): string => node.split('/').slice(0, -1).slice(0, depth).join('/')

function kernelsOf(events: readonly ProfileEvent[]): Kernel[] {
  const kernels: Kernel[] = []
  for (const { cat, name, ts = 0, dur = 0, args } of events) {
    if (cat !== 'Node' || !name?.endsWith(KERNEL_SUFFIX) || args?.op_name === undefined) continue
    const node = name.slice(0, -KERNEL_SUFFIX.length)
    kernels.push({ op: args.op_name, node, start: ts, end: ts + dur, self: dur })
  }
  return kernels
}

// Nodes run one after another, so a kernel whose time lies in another's was called by it.
function withSelfTimes(kernels: Kernel[]): Kernel[] {
  const open: Kernel[] = []
  for (const kernel of [...kernels].sort((a, b) => a.start - b.start || b.end - a.end)) {
    while (open.length > 0 && open.at(-1)!.end <= kernel.start) open.pop()
    const caller = open.at(-1)
    if (caller && kernel.end <= caller.end) caller.self -= kernel.end - kernel.start
    open.push(kernel)
  }
  return kernels
}
