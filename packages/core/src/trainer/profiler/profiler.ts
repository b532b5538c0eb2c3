/** An event of the Chrome trace format; times in microseconds. */
export interface TraceEvent {
  readonly name: string
  readonly cat: string
  /** `X` for a span, `M` for metadata. */
  readonly ph: 'X' | 'M'
  readonly ts: number
  readonly dur: number
  readonly pid: number
  readonly tid: number
  readonly args?: Readonly<Record<string, unknown>>
}

// A trace of a long run would be too large to open.
const MOST_SPANS = 20_000

/**
 * Measures what a run spends its time with: waiting for batches, training steps, evaluations, callbacks, checkpoints.
 *
 * Source: Lightning v1.3 `SimpleProfiler`.
 */
export class Profiler {
  readonly #start = performance.now()
  readonly #totals = new Map<string, { calls: number; ms: number }>()
  readonly #spans: TraceEvent[] = []

  /** Milliseconds since the profiler was made. */
  get now(): number {
    return performance.now() - this.#start
  }

  /** Does some work and measures it. */
  async profile<T>(action: string, work: () => T | Promise<T>): Promise<T> {
    const started = this.now
    try {
      return await work()
    } finally {
      this.#record(action, started, this.now - started)
    }
  }

  /** Measures how long each item of a sequence is waited for. */
  async *profileIterable<T>(action: string, items: AsyncIterable<T>): AsyncGenerator<T> {
    const iterator = items[Symbol.asyncIterator]()
    try {
      for (;;) {
        const next = await this.profile(action, () => iterator.next())
        if (next.done) return
        yield next.value
      }
    } finally {
      await iterator.return?.()
    }
  }

  #record(action: string, started: number, ms: number): void {
    const total = this.#totals.get(action) ?? { calls: 0, ms: 0 }
    this.#totals.set(action, { calls: total.calls + 1, ms: total.ms + ms })
    if (this.#spans.length < MOST_SPANS)
      this.#spans.push({ name: action, cat: 'trainer', ph: 'X', ts: started * 1000, dur: ms * 1000, pid: 1, tid: 1 })
  }

  /** Seconds by action as a table, the longest first. Actions may contain others. */
  summary(): string {
    const all = this.now
    const rows = [...this.#totals]
      .sort(([, a], [, b]) => b.ms - a.ms)
      .map(([action, { calls, ms }]) => [action, seconds(ms / calls), String(calls), seconds(ms), percent(ms / all)])
    return formatTable(
      ['action', 'mean (s)', 'calls', 'total (s)', 'share'],
      [...rows, ['whole run', '', '', seconds(all), percent(1)]],
    )
  }

  /** All actions as spans of a Chrome trace. */
  spans(): readonly TraceEvent[] {
    return this.#spans
  }
}

const seconds = (ms: number): string => (ms / 1000).toFixed(4)

/** A share as text, e.g. `12.5 %`. */
export const percent = (share: number): string => `${(share * 100).toFixed(1)} %`

/** Rows under headings; the first column to the left, the others to the right. */
export function formatTable(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [columns, ...rows]
  const widths = columns.map((_, i) => Math.max(...lines.map((cells) => (cells[i] ?? '').length)))
  return lines
    .map((cells) => cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  '))
    .join('\n')
}
