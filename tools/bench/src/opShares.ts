/** Time of all nodes of one op type. */
export interface OpShare {
  readonly op: string
  /** Milliseconds in one run. */
  readonly ms: number
  /** Part of all kernel time, 0 to 1. */
  readonly share: number
  /** Nodes executed in one run; a node inside a Scan counts once for each step. */
  readonly count: number
}

/** An event of ONNX Runtime's profile; `ts` and `dur` in microseconds. */
export interface ProfileEvent {
  readonly cat?: string
  readonly name?: string
  readonly ts?: number
  readonly dur?: number
  readonly args?: { readonly op_name?: string }
}

interface Kernel {
  readonly op: string
  readonly start: number
  readonly end: number
  self: number
}

/**
 * Time shares by op type from ONNX Runtime's profile. An op that runs others (Scan, If, Loop) counts with its own time
 * only, without theirs.
 *
 * @param events - The parsed JSON file that a session with profiling writes.
 * @param runs - Runs that the profile covers.
 * @returns op types, the most expensive first.
 */
export function opShares(events: readonly ProfileEvent[], runs: number): OpShare[] {
  const totals = new Map<string, { us: number; count: number }>()
  for (const { op, self } of withSelfTimes(kernelsOf(events))) {
    const total = totals.get(op) ?? { us: 0, count: 0 }
    totals.set(op, { us: total.us + self, count: total.count + 1 })
  }
  const all = [...totals.values()].reduce((sum, { us }) => sum + us, 0)
  return [...totals]
    .map(([op, { us, count }]) => ({ op, ms: us / runs / 1000, share: all > 0 ? us / all : 0, count: count / runs }))
    .sort((a, b) => b.ms - a.ms)
}

function kernelsOf(events: readonly ProfileEvent[]): Kernel[] {
  const kernels: Kernel[] = []
  for (const { cat, name, ts = 0, dur = 0, args } of events) {
    if (cat !== 'Node' || !name?.endsWith('_kernel_time') || args?.op_name === undefined) continue
    kernels.push({ op: args.op_name, start: ts, end: ts + dur, self: dur })
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
