import { processTerminal, type Terminal } from './terminal.js'

/** Options of {@link ProgressBar}. */
export interface ProgressBarOptions {
  /** How many units there are; leave out if nobody knows. */
  readonly total?: number | undefined
  /** What is going on: `Epoch 3/10`. */
  readonly label: string
  /** What is counted, for the rate: `step`, `file`. Default `it`. */
  readonly unit?: string
  /** Units done before this process, after a resume; they do not count for the rate. Default 0. */
  readonly initial?: number
  /** Without a terminal: seconds between plain lines. Default 10. */
  readonly intervalSeconds?: number
  readonly terminal?: Terminal
  /** Takes plain lines when there is no terminal. Default: printed to the terminal. */
  readonly print?: (line: string) => void
  /** Milliseconds that only grow. Default `performance.now`. */
  readonly now?: () => number
}

/** Numbers shown beside the bar, in order: `{ loss: 0.41, val_wer: 0.13 }`. */
export type ProgressMetrics = Readonly<Record<string, number | string | undefined>>

const REDRAW_MS = 100
const BAR_MIN = 10
const BAR_MAX = 40
// The rate follows changes of speed within about this many seconds.
const MEMORY_SECONDS = 30

/** `1:02:03`, `02:03`; days as `2d 01:02:03`; `--:--` if unknown. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return '--:--'
  const whole = Math.round(seconds)
  const pad = (value: number): string => String(value).padStart(2, '0')
  const days = Math.floor(whole / 86_400)
  const hours = Math.floor(whole / 3600) % 24
  const clock = `${pad(Math.floor(whole / 60) % 60)}:${pad(whole % 60)}`
  if (days > 0) return `${days}d ${pad(hours)}:${clock}`
  return hours > 0 ? `${hours}:${clock}` : clock
}

/** Four significant digits, no exponent where none is needed: `0.4123`, `12.35`, `1.2e-5`. */
export function formatMetric(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf'
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return String(value)
  const size = Math.abs(value)
  if (size >= 1e6 || size < 1e-3) return value.toExponential(3).replace(/\.?0+e/, 'e')
  return String(Number(value.toPrecision(4)))
}

function formatRate(rate: number, unit: string): string {
  if (!(rate > 0) || !Number.isFinite(rate)) return `- ${unit}/s`
  return rate >= 1 || rate === 0
    ? `${formatMetric(Number(rate.toPrecision(3)))} ${unit}/s`
    : `${formatMetric(Number((1 / rate).toPrecision(3)))} s/${unit}`
}

/**
 * Shows how far a long job is: on a terminal a bar with rate, time left and metrics that is redrawn in place, otherwise
 * a plain line every few seconds and at the end.
 *
 * ```ts
 * const bar = new ProgressBar({ label: 'Epoch 1/5', total: 270, unit: 'step' })
 * bar.update(12, { loss: 0.41 })
 * bar.finish()
 * ```
 */
export class ProgressBar {
  private readonly terminal: Terminal
  private readonly now: () => number
  private readonly options: ProgressBarOptions
  private readonly initial: number
  private readonly started: number
  private completed: number
  private metrics: ProgressMetrics = {}
  private lastShown = Number.NEGATIVE_INFINITY
  private rateTime: number
  private rateCount: number
  private rate = 0
  private finished = false

  constructor(options: ProgressBarOptions) {
    this.options = options
    this.terminal = options.terminal ?? processTerminal()
    this.now = options.now ?? (() => performance.now())
    this.initial = options.initial ?? 0
    this.completed = this.initial
    this.started = this.now()
    this.rateTime = this.started
    this.rateCount = this.initial
    if (this.terminal.isInteractive) this.show()
    // A plain line only after the first interval, unless the job ends before.
    else this.lastShown = this.started
  }

  /**
   * Tells how many units are done in total.
   *
   * @param metrics - Replace those of the same name; others stay.
   */
  update(completed: number, metrics: ProgressMetrics = {}): void {
    this.completed = completed
    this.metrics = { ...this.metrics, ...metrics }
    const time = this.now()
    const seconds = (time - this.rateTime) / 1000
    if (seconds > 0 && completed > this.rateCount) {
      const measured = (completed - this.rateCount) / seconds
      const elapsed = (time - this.started) / 1000
      // A plain mean at first, then one that forgets.
      const weight = Math.max(1 - Math.exp(-seconds / MEMORY_SECONDS), Math.min(1, seconds / elapsed))
      this.rate += weight * (measured - this.rate)
      this.rateTime = time
      this.rateCount = completed
    }
    const interval = this.terminal.isInteractive ? REDRAW_MS : (this.options.intervalSeconds ?? 10) * 1000
    if (time - this.lastShown >= interval) this.show()
  }

  /** Counts units done since the last call. */
  advance(count = 1, metrics: ProgressMetrics = {}): void {
    this.update(this.completed + count, metrics)
  }

  /** Shows the final state on a line of its own. Further calls do nothing. */
  finish(metrics: ProgressMetrics = {}): void {
    if (this.finished) return
    this.finished = true
    this.metrics = { ...this.metrics, ...metrics }
    this.terminal.setStatus(undefined)
    const seconds = (this.now() - this.started) / 1000
    const count = this.completed - this.initial
    const { label, total } = this.options
    const of = total === undefined ? `${this.completed}` : `${this.completed}/${total}`
    const rate = formatRate(seconds > 0 ? count / seconds : 0, this.unit)
    const parts = [`${of} in ${formatDuration(seconds)}`, rate, ...this.metricTexts()]
    this.print(`${label}: ${parts.join(', ')}`)
  }

  /** Removes the bar without a closing line, for a job that failed. */
  stop(): void {
    this.finished = true
    this.terminal.setStatus(undefined)
  }

  private get unit(): string {
    return this.options.unit ?? 'it'
  }

  private get secondsLeft(): number {
    const { total } = this.options
    if (total === undefined) return Number.NaN
    // Time goes on between updates, so the estimate counts down.
    const since = (this.now() - this.rateTime) / 1000
    return this.rate > 0 ? Math.max(0, (total - this.rateCount) / this.rate - since) : Number.NaN
  }

  private metricTexts(): string[] {
    return Object.entries(this.metrics).flatMap(([name, value]) =>
      value === undefined ? [] : [`${name} ${typeof value === 'number' ? formatMetric(value) : value}`],
    )
  }

  private print(line: string): void {
    if (this.options.print !== undefined) this.options.print(line)
    else this.terminal.writeLine(line)
  }

  private show(): void {
    if (this.finished) return
    this.lastShown = this.now()
    if (this.terminal.isInteractive) this.terminal.setStatus(this.draw(this.terminal.columns))
    else this.print(this.plainLine())
  }

  private plainLine(): string {
    const { label, total } = this.options
    const rate = formatRate(this.rate, this.unit)
    if (total === undefined)
      return `${label}: ${[`${this.completed} ${this.unit}`, rate, ...this.metricTexts()].join(', ')}`
    const percent = `${Math.floor((100 * this.completed) / Math.max(1, total))}%`
    const left = `${formatDuration(this.secondsLeft)} left`
    return `${label}: ${[`${percent} (${this.completed}/${total})`, rate, left, ...this.metricTexts()].join(', ')}`
  }

  private draw(columns: number): string {
    const { label, total } = this.options
    const metrics = this.metricTexts().join('  ')
    const rate = formatRate(this.rate, this.unit)
    if (total === undefined) return cutToWidth([label, `${this.completed} ${this.unit}`, rate, metrics], columns)
    const share = Math.min(1, Math.max(0, this.completed / Math.max(1, total)))
    const percent = `${Math.floor(100 * share)}%`.padStart(4)
    const counts = `${String(this.completed).padStart(String(total).length)}/${total}`
    const rest = [percent, counts, `${formatDuration(this.secondsLeft)} left`, rate, metrics]
    const used = [label, ...rest].filter((text) => text !== '').join('  ').length
    const width = Math.min(BAR_MAX, columns - 1 - used - 2)
    const bar = width >= BAR_MIN ? drawBar(share, width) : ''
    return cutToWidth([label, bar, ...rest], columns)
  }
}

/** Eighths of a block make the bar move smoothly. */
function drawBar(share: number, width: number): string {
  const eighths = Math.floor(share * width * 8)
  const full = Math.floor(eighths / 8)
  const part = eighths % 8
  const partial = part === 0 ? '' : ' ▏▎▍▌▋▊▉'[part]!
  return `${'█'.repeat(full)}${partial}`.padEnd(width, '░')
}

/** Joins the parts and cuts them to the terminal's width: a wrapped status line cannot be redrawn. */
function cutToWidth(parts: readonly string[], columns: number): string {
  const text = parts.filter((part) => part !== '').join('  ')
  return text.length < columns ? text : `${text.slice(0, Math.max(0, columns - 2))}…`
}
