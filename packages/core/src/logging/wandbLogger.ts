import type { ConfigValue } from '../config/configValue.js'
import { MetricsLoggerError } from './errors.js'
import { flattenHyperparams, type MetricsLogger } from './metricsLogger.js'

/** What is used of a run of W&B's library. */
export interface WandbRun {
  log(data: Record<string, unknown>, step?: number): void
  finish(exitCode?: number): Promise<unknown>
}

/** What is used of W&B's library for JavaScript, `@wandb/sdk`. */
export interface WandbLibrary {
  init(options: Record<string, unknown>): Promise<WandbRun>
}

/** Options of {@link WandbLogger.open}. */
export interface WandbLoggerOptions {
  /** The run's settings. W&B's library takes them only when a run starts. */
  readonly config?: Readonly<Record<string, ConfigValue>>
  /** Arguments of its `init`: `project`, `name`, `entity`, `id`, `tags`, `notes`, `resume`, ... */
  readonly init?: Readonly<Record<string, ConfigValue>>
  /** The library. Default: the installed `@wandb/sdk`. */
  readonly library?: WandbLibrary
  /** Longest wait for the service, in seconds. Default 60. */
  readonly timeoutSeconds?: number
}

/**
 * Sends metrics and text to Weights & Biases through its own library, which the user installs (`npm i @wandb/sdk graphql`)
 * and signs in to (WANDB_API_KEY). It cannot hold images, sounds and histograms; those are left out.
 *
 * Tested with the library itself against a local server of its protocol, not against the service.
 */
export class WandbLogger implements MetricsLogger {
  readonly name = 'wandb'
  #run: WandbRun | undefined

  private constructor(run: WandbRun) {
    this.#run = run
  }

  /** Starts a run. @throws MetricsLoggerError if the library is not installed, or the service does not answer or refuses. */
  static async open({
    config = {},
    init = {},
    library,
    timeoutSeconds = 60,
  }: WandbLoggerOptions = {}): Promise<WandbLogger> {
    const wandb = library ?? (await importLibrary())
    const settings = flattenHyperparams(config)
    const run = await withoutSignalHandlers(() => within(timeoutSeconds, wandb.init({ ...init, config: settings })))
    return new WandbLogger(run)
  }

  logMetrics(metrics: Readonly<Record<string, number>>, step: number): void {
    // JSON knows no NaN and infinities; W&B knows them as text.
    const values = Object.entries(metrics).map(([tag, value]) => [tag, Number.isFinite(value) ? value : String(value)])
    this.#run?.log(Object.fromEntries(values), step)
  }

  /** Does nothing: settings are given when the run is started. */
  logHyperparams(): void {}

  logText(tag: string, text: string, step: number): void {
    this.#run?.log({ [tag]: text }, step)
  }

  /** Does nothing: the library sends by itself. */
  flush(): void {}

  async close(status: 'success' | 'failed' = 'success'): Promise<void> {
    const run = this.#run
    this.#run = undefined
    await run?.finish(status === 'success' ? 0 : 1)
  }
}

async function importLibrary(): Promise<WandbLibrary> {
  // Not a literal: the library is optional, and bundlers must not look for it.
  const name = '@wandb/sdk'
  try {
    const module = (await import(name)) as { readonly default: WandbLibrary }
    return module.default
  } catch (cause) {
    throw new MetricsLoggerError(
      `Logging to W&B needs its library, which cannot be loaded: ${(cause as Error).message}. Install it beside your program (npm i @wandb/sdk graphql), or set create_wandb_logger=false.`,
      { cause },
    )
  }
}

async function within<T>(seconds: number, work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer for ${seconds} s`)), seconds * 1000)
  })
  try {
    return await Promise.race([work, late])
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new MetricsLoggerError(
      `W&B did not start a run: ${reason}. Is WANDB_API_KEY set and the service reachable? Without it, set create_wandb_logger=false.`,
      { cause },
    )
  } finally {
    clearTimeout(timer)
  }
}

/** The library ends the process at a signal; a trainer finishes its step and saves first, so these handlers go. */
async function withoutSignalHandlers<T>(work: () => Promise<T>): Promise<T> {
  const signals = ['SIGINT', 'SIGTERM'] as const
  const process = globalThis.process as NodeJS.Process | undefined
  const before = signals.map((signal) => new Set(process?.listeners?.(signal)))
  try {
    return await work()
  } finally {
    for (const [i, signal] of signals.entries())
      for (const listener of process?.listeners?.(signal) ?? [])
        if (!before[i]!.has(listener)) process!.off(signal, listener)
  }
}
