import { type ProfileEvent, type Runtime, timeShares } from '@nemo/graph'
import { nodeBuiltin } from '../../checkpoint/nodeBuiltin.js'
import { nodeModule } from '../../config/nodeModule.js'
import { TrainerError } from '../errors.js'
import { formatTable, percent, type TraceEvent } from './profiler.js'

/** Where a profile of programs is written. */
export interface ProfileFiles {
  /** Folder of the runtime's own files. */
  readonly folder: string
  /** Start of their names. */
  readonly prefix: string
}

/** A place for the runtime's files that nobody else writes to. @throws TrainerError if the runtime cannot profile. */
export async function temporaryProfile(runtime: Runtime): Promise<ProfileFiles> {
  if (runtime.name !== 'ort')
    throw new TrainerError(
      `profiler: advanced needs the ort runtime, found ${runtime.name}. Take profiler: simple, or leave the runtime out.`,
    )
  const { mkdtemp } = nodeBuiltin('node:fs', 'Profiling').promises
  const { join } = nodeBuiltin('node:path', 'Profiling')
  const folder = await mkdtemp(join(nodeModule('node:os').tmpdir(), 'nemo-profile-'))
  return { folder, prefix: 'step' }
}

/** What the runtime gets told. */
export function opPrefix({ folder, prefix }: ProfileFiles): string {
  return nodeBuiltin('node:path', 'Profiling').join(folder, prefix)
}

interface TimedEvent extends ProfileEvent {
  readonly ph?: string
  readonly tid?: number
}

const MOST_ROWS = 20
const SESSION = 'model_run'

/** What the ops of a training step cost, from the profiles that the runtime wrote. */
export class OpProfile {
  readonly #sessions: readonly (readonly TimedEvent[])[]

  private constructor(sessions: readonly (readonly TimedEvent[])[]) {
    this.#sessions = sessions
  }

  /** Reads the runtime's files and removes their folder. The first run of each program warms up and is left out. */
  static async read({ folder, prefix }: ProfileFiles): Promise<OpProfile> {
    const { readdir, readFile, rm } = nodeBuiltin('node:fs', 'Profiling').promises
    const { join } = nodeBuiltin('node:path', 'Profiling')
    const names = (await readdir(folder)).filter((name) => name.startsWith(prefix) && name.endsWith('.json')).sort()
    const sessions: (readonly TimedEvent[])[] = []
    for (const name of names) {
      const path = join(folder, name)
      sessions.push(withoutFirstRun(JSON.parse(await readFile(path, 'utf8')) as TimedEvent[]))
    }
    await rm(folder, { recursive: true })
    return new OpProfile(sessions.filter((events) => events.length > 0))
  }

  /** Milliseconds per run by op and by scope, the longest first, as tables. */
  summary(): string {
    const several = this.#sessions.length > 1
    return this.#sessions
      .flatMap((events, i) => [...(several ? [`program ${i + 1}`] : []), table(events, 'op'), table(events, 'scope')])
      .join('\n\n')
  }

  /**
   * The ops as spans of a Chrome trace, each program in a process of its own.
   *
   * @param starts - When the first kept run of each program began, in microseconds of the trace.
   */
  spans(starts: number): readonly TraceEvent[] {
    return this.#sessions.flatMap((events, i) => {
      const pid = i + 2
      const origin = Math.min(...events.map(({ ts = 0 }) => ts))
      const named: TraceEvent = {
        ...{ name: 'process_name', cat: 'ops', ph: 'M', ts: 0, dur: 0, pid, tid: 1 },
        args: { name: `program ${i + 1}` },
      }
      const spans = events
        .filter(({ dur, name }) => dur !== undefined && name !== undefined)
        .map(({ name, cat = '', ts = 0, dur = 0, tid = 1, args }): TraceEvent => {
          const label = args?.op_name === undefined ? name! : `${args.op_name} ${name!.replace(/_kernel_time$/, '')}`
          return { name: label, cat, ph: 'X', ts: ts - origin + starts, dur, pid, tid }
        })
      return [named, ...spans]
    })
  }
}

function withoutFirstRun(events: readonly TimedEvent[]): readonly TimedEvent[] {
  const runs = events.filter(({ name }) => name === SESSION).sort((a, b) => (a.ts ?? 0) - (b.ts ?? 0))
  const [first, second] = runs
  if (!first || !second) return events.filter(({ name, cat }) => name === SESSION || cat === 'Node')
  const end = (first.ts ?? 0) + (first.dur ?? 0)
  return events.filter(({ name, cat, ts = 0 }) => ts >= end && (name === SESSION || cat === 'Node'))
}

function table(events: readonly TimedEvent[], by: 'op' | 'scope'): string {
  const shares = timeShares(events, { by })
  const shown = shares.slice(0, MOST_ROWS)
  const rows = shown.map(({ name, ms, share, count }) => [
    name === '' ? '(no scope)' : name,
    ms.toFixed(3),
    percent(share),
    String(Math.round(count)),
  ])
  const rest = shares.slice(MOST_ROWS)
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
  if (rest.length > 0)
    rows.push([
      `${rest.length} more`,
      sum(rest.map(({ ms }) => ms)).toFixed(3),
      percent(sum(rest.map(({ share }) => share))),
      String(Math.round(sum(rest.map(({ count }) => count)))),
    ])
  return formatTable([by, 'ms per run', 'share', 'nodes'], rows)
}
