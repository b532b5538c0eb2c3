import type { z } from 'zod'
import {
  type CommandLine,
  type FlagDeclarations,
  type FlagValues,
  formatHelp,
  parseCommandLine,
} from './commandLine.js'
import { composeConfig } from './composeConfig.js'
import type { Config } from './config.js'
import { isConfigObject } from './configValue.js'
import { ConfigKeyError } from './errors.js'
import { nodeModule } from './nodeModule.js'
import { formatOverrideValue, type Override } from './override.js'
import { stringifyYaml } from './stringifyYaml.js'
import { enumerateSweep } from './sweep.js'
import { schemaDefaults, schemaHasKey, validateConfig } from './validateConfig.js'

/** What a recipe's function learns about its run besides the config. */
export interface HydraJob<F extends FlagDeclarations = FlagDeclarations> {
  readonly flags: FlagValues<F>
  /** The overrides of this run, as text. */
  readonly overrides: readonly string[]
  /** Counts from 0; always 0 without `--multirun`. */
  readonly number: number
  /** How many runs there are. */
  readonly count: number
  /** The composed config before the schema, for what a schema does not type. */
  readonly config: Config
}

/** Metrics that a run may return: they fill the table that closes a `--multirun`. */
export type JobMetrics = Readonly<Record<string, number>>

/** Describes a recipe for {@link hydraRunner}. */
export interface HydraRunnerOptions<C, F extends FlagDeclarations> {
  /** Folder of the configs, usually beside the recipe. */
  readonly configPath?: string
  /** The config used without `--config-name`. */
  readonly configName?: string
  /** Checks and types the config and fills in defaults. Without it the function gets a {@link Config}. */
  readonly schema?: z.ZodType<C>
  readonly flags?: F
  /** For `--help`. */
  readonly description?: string
  /** Default: the arguments of this process. */
  readonly argv?: readonly string[]
  /** Takes printed text. Default: standard output. */
  readonly print?: (text: string) => void
}

/** What a recipe does with a config. It may return metrics, for the table of `--multirun`. */
export type HydraTask<C, F extends FlagDeclarations> = (
  cfg: C,
  job: HydraJob<F>,
  // biome-ignore lint/suspicious/noConfusingVoidType: a task may return nothing at all
) => Promise<JobMetrics | void> | JobMetrics | void

/** Result of one run of {@link hydraRunner}. */
export interface JobResult {
  readonly overrides: readonly string[]
  readonly metrics: JobMetrics | undefined
}

/** The separate runs of `a=1,2 b=x,y`: every combination, the last key fastest. Without sweeps just one. */
export function expandSweeps(overrides: readonly Override[]): Override[][] {
  let runs: Override[][] = [[]]
  for (const override of overrides) {
    const { sweep } = override
    if (sweep === undefined) {
      runs = runs.map((run) => [...run, override])
      continue
    }
    const left = override.input.slice(0, override.input.indexOf('='))
    const variants = enumerateSweep(sweep).map(
      (value): Override => ({ ...override, sweep: undefined, value, input: `${left}=${formatOverrideValue(value)}` }),
    )
    runs = runs.flatMap((run) => variants.map((variant) => [...run, variant]))
  }
  return runs
}

/** Finds the folder that `--config-path` names: from here, or from beside the recipe's own configs. */
function findConfigDir(given: string | undefined, own: string | undefined): string | undefined {
  if (given === undefined) return own
  const { existsSync } = nodeModule('node:fs')
  const { dirname, isAbsolute, join, resolve } = nodeModule('node:path')
  if (isAbsolute(given) || existsSync(given) || own === undefined) return resolve(given)
  return [join(own, given), join(dirname(own), given)].find((folder) => existsSync(folder)) ?? resolve(given)
}

/**
 * Runs a recipe from the command line, as NeMo's `@hydra_runner` does: composes the config, applies overrides, checks
 * it against the schema, and calls `task`; once, or with `--multirun` for each combination of values, one after the
 * other, with a closing table. `--cfg job` and `--help` print and do not run.
 *
 * ```ts
 * await hydraRunner({ configPath: 'conf', configName: 'quartznet', schema, flags }, async (cfg, { flags }) => { ... })
 * ```
 *
 * @param task - May return metrics, for the table.
 * @returns The results in order; empty when nothing ran.
 * @throws CommandLineError, OverrideError, ConfigCompositionError, ConfigValidationError, and what the task throws. Without
 *   `argv`, errors of this toolkit are printed instead, without a stack trace, and the process ends with exit code 1;
 *   the environment variable HYDRA_FULL_ERROR=1 throws them all, as in Hydra.
 */
export async function hydraRunner<C = Config, const F extends FlagDeclarations = Record<never, never>>(
  options: HydraRunnerOptions<C, F>,
  task: HydraTask<C, F>,
): Promise<JobResult[]> {
  // Only a program's own command line: who gives `argv` handles errors too.
  const { env } = process
  if (options.argv !== undefined || env.HYDRA_FULL_ERROR === '1') return runJobs(options, task)
  try {
    return await runJobs(options, task)
  } catch (error) {
    if (!isOurs(error)) throw error
    process.stderr.write(`\n${error.name}: ${error.message}\n\nHYDRA_FULL_ERROR=1 shows where in the code.\n`)
    process.exitCode = 1
    return []
  }
}

// Errors of this toolkit say by themselves what is wrong; a stack trace of its insides would only bury that.
const isOurs = (error: unknown): error is Error =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('NEMO_')

async function runJobs<C, const F extends FlagDeclarations>(
  options: HydraRunnerOptions<C, F>,
  task: HydraTask<C, F>,
): Promise<JobResult[]> {
  const { schema, print = (text) => void process.stdout.write(text) } = options
  const flags = options.flags ?? ({} as F)
  const line = parseCommandLine(options.argv ?? process.argv.slice(2), flags)
  if (line.help) {
    print(formatHelp(nodeModule('node:path').basename(process.argv[1] ?? 'recipe'), options.description ?? '', flags))
    return []
  }
  const compose = (overrides: readonly Override[]): Config => composeFor(options, line, overrides)
  const runs = line.multirun ? expandSweeps(line.overrides) : [[...line.overrides]]
  if (line.cfg !== undefined) {
    print(printedConfig(compose(runs[0]!), line))
    return []
  }
  // All configs first: a typo in the last one must not show after hours.
  const jobs = runs.map((overrides) => {
    const config = compose(overrides)
    const cfg = (schema === undefined ? config : validateConfig(schema, config)) as C
    return { overrides: overrides.map(({ input }) => input), config, cfg }
  })
  const results: JobResult[] = []
  const interruption = line.multirun ? watchInterruption() : undefined
  try {
    for (const [number, { overrides, config, cfg }] of jobs.entries()) {
      if (interruption?.signal !== undefined) {
        print(`stopped by ${interruption.signal}: ${jobs.length - number} of ${jobs.length} runs were not started\n`)
        break
      }
      if (line.multirun) print(`run ${number + 1}/${jobs.length}: ${overrides.join(' ') || '(no overrides)'}\n`)
      const metrics = await task(cfg, {
        flags: line.flags as FlagValues<F>,
        overrides,
        number,
        count: jobs.length,
        config,
      })
      results.push({ overrides, metrics: metrics ?? undefined })
    }
  } finally {
    interruption?.dispose()
  }
  if (line.multirun) print(formatSweepTable(results))
  return results
}

/**
 * Remembers SIGINT and SIGTERM, so that a sweep whose run was interrupted, and has saved itself, does not go on with the
 * next. Where nobody else listens, the signal ends the process as ever.
 */
function watchInterruption(): { readonly signal: NodeJS.Signals | undefined; dispose(): void } {
  let received: NodeJS.Signals | undefined
  const signals = ['SIGINT', 'SIGTERM'] as const
  const dispose = () => {
    for (const signal of signals) process.off(signal, listener)
  }
  const listener = (signal: NodeJS.Signals) => {
    received = signal
    if (process.listenerCount(signal) > 1) return
    dispose()
    process.kill(process.pid, signal)
  }
  for (const signal of signals) process.on(signal, listener)
  return {
    get signal() {
      return received
    },
    dispose,
  }
}

function composeFor<C, F extends FlagDeclarations>(
  { schema, configPath, configName }: HydraRunnerOptions<C, F>,
  line: CommandLine<F>,
  overrides: readonly Override[],
): Config {
  return composeConfig({
    configDir: findConfigDir(line.configPath, configPath),
    searchPath: line.configDirs,
    configName: line.configName ?? configName,
    overrides,
    ...(schema === undefined
      ? {}
      : { base: schemaDefaults(schema), isKnown: (keyPath: string) => schemaHasKey(schema, keyPath) }),
  })
}

function printedConfig(
  config: Config,
  { package: keyPath, resolve: resolved }: Pick<CommandLine, 'package' | 'resolve'>,
): string {
  if (keyPath === undefined) return config.toYaml({ resolve: resolved })
  const value = resolved ? config.valueAt(keyPath) : config.rawAt(keyPath)
  if (value === undefined) throw new ConfigKeyError(keyPath, `--package ${keyPath}: the config has no such key`)
  return stringifyYaml(isConfigObject(value) || Array.isArray(value) ? value : { [keyPath]: value })
}

/** The table that closes a `--multirun`: one line for each run, with the values that differ and its metrics. */
export function formatSweepTable(results: readonly JobResult[]): string {
  const varying = (index: number): boolean =>
    new Set(results.map(({ overrides }) => overrides[index])).size > 1 || results.length === 1
  const swept = results[0]?.overrides.map((_, index) => index).filter(varying) ?? []
  const names = [...new Set(results.flatMap(({ metrics }) => Object.keys(metrics ?? {})))]
  const rows = [
    ['run', 'overrides', ...names],
    ...results.map(({ overrides, metrics }, index) => [
      String(index + 1),
      swept.map((at) => overrides[at]).join(' '),
      ...names.map((name) => (metrics?.[name] === undefined ? '-' : String(Number(metrics[name].toPrecision(6))))),
    ]),
  ]
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  const format = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column < 2 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  ')
      .trimEnd()
  const [head, ...body] = rows.map(format)
  return `${head}\n${widths.map((width) => '-'.repeat(width)).join('  ')}\n${body.join('\n')}\n`
}
