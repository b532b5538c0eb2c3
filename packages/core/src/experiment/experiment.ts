import { atomicWriteFile } from '../checkpoint/atomicWriteFile.js'
import { Config } from '../config/config.js'
import type { ConfigObject, ConfigValue } from '../config/configValue.js'
import { nodeModule } from '../config/nodeModule.js'
import { stringifyYaml } from '../config/stringifyYaml.js'
import { validateConfig } from '../config/validateConfig.js'
import { type LogHub, processLog } from '../logging/logger.js'
import { ExperimentFolderError } from './errors.js'
import { readGitInfo } from './gitInfo.js'
import { type ExperimentConfig, experimentConfigSchema, type LogDir, makeLogDir } from './logDir.js'
import { readableYaml } from './readableYaml.js'
import { archivePreviousRun, findResumeCheckpoint } from './resume.js'
import { installedVersions } from './versions.js'

/** What {@link createExperiment} needs besides config keys. */
export interface ExperimentOptions {
  /** Number of this process among all (0 writes the files that exist once). Default 0. */
  readonly globalRank?: number
  /** Number of this process on this machine. Default 0. */
  readonly localRank?: number
  /** The log whose messages go to the run's log files. Default: this process's. */
  readonly log?: LogHub
  /** The command line to record. Default: this process's. */
  readonly command?: readonly string[]
  /** Time for the version's name. Default now. */
  readonly now?: Date
}

/** What a run ends with: the content of `result.json`, besides what is measured by itself. */
export interface ResultInput {
  /** Final metrics by name. NaN and infinities are written as text. */
  readonly metrics: Readonly<Record<string, number>>
  readonly seed?: number
  readonly status?: 'completed' | 'stopped' | 'failed'
  /** More versions than those found by themselves. */
  readonly versions?: Readonly<Record<string, string>>
  /** Anything else worth keeping: paths of models, numbers of parameters. */
  readonly extra?: ConfigObject
}

/** `result.json`. */
export interface ExperimentResult {
  readonly status: 'completed' | 'stopped' | 'failed'
  readonly metrics: Readonly<Record<string, number | string>>
  /** Wall-clock seconds from the experiment's creation. */
  readonly seconds: number
  /** Largest resident memory of this process so far. */
  readonly peak_memory_bytes: number
  readonly seed: number | null
  readonly started: string
  readonly finished: string
  readonly resumed_from: string | null
  readonly command: string
  readonly git_commit: string | null
  readonly versions: Readonly<Record<string, string>>
  readonly machine: {
    readonly platform: string
    readonly cpus: number
    readonly cpu: string
    readonly memory_bytes: number
  }
  readonly extra?: ConfigObject
}

/** Joins arguments so that a POSIX shell reads them back. */
export function quoteCommand(args: readonly string[]): string {
  return args.map((arg) => (/^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", "'\\''")}'`)).join(' ')
}

/**
 * A run's folder in NeMo's layout. Made by {@link createExperiment}.
 *
 * ```
 * exp_dir/name/version/
 *   checkpoints/          config.yaml   result.json   report.html
 *   cmd-args.log          git-info.log
 *   nemo_log_globalrank-0_localrank-0.txt             nemo_error_log.txt
 * ```
 */
export class Experiment implements LogDir {
  readonly dir: string
  readonly expDir: string
  readonly name: string
  readonly version: string | undefined
  /** Folder of the checkpoints. */
  readonly checkpointDir: string
  /** The checkpoint to continue from; `undefined` to start from scratch. */
  readonly resumeFrom: string | undefined
  /** Where the files of the run before a resume went, if there were any. */
  readonly previousRunDir: string | undefined
  /** When the experiment was created. */
  readonly started: Date
  private readonly startTick = performance.now()
  private readonly command: string
  private readonly gitCommit: string | undefined
  private readonly closers: (() => void)[]

  /** @internal Use {@link createExperiment}. */
  constructor(
    place: LogDir,
    parts: {
      checkpointDir: string
      resumeFrom: string | undefined
      previousRunDir: string | undefined
      command: string
      gitCommit: string | undefined
      started: Date
      closers: (() => void)[]
    },
  ) {
    this.dir = place.dir
    this.expDir = place.expDir
    this.name = place.name
    this.version = place.version
    this.checkpointDir = parts.checkpointDir
    this.resumeFrom = parts.resumeFrom
    this.previousRunDir = parts.previousRunDir
    this.command = parts.command
    this.gitCommit = parts.gitCommit
    this.started = parts.started
    this.closers = parts.closers
  }

  /** Path of a file in the run's folder. @throws ExperimentFolderError if it would be outside. */
  path(...parts: readonly string[]): string {
    const { join, relative, isAbsolute } = nodeModule('node:path')
    const path = join(this.dir, ...parts)
    const inside = relative(this.dir, path)
    if (inside === '..' || /^\.\.[/\\]/.test(inside) || isAbsolute(inside)) {
      throw new ExperimentFolderError(`${parts.join('/')} would lie outside the experiment folder ${this.dir}`)
    }
    return path
  }

  /** Seconds since the experiment was created. */
  get seconds(): number {
    return (performance.now() - this.startTick) / 1000
  }

  /** Writes `config.yaml`, interpolations resolved (all kept as written if one of them cannot be). */
  async writeConfig(config: Config | ConfigObject): Promise<void> {
    const text = config instanceof Config ? readableYaml(config) : stringifyYaml(config)
    await atomicWriteFile(this.path('config.yaml'), text)
  }

  /** Writes `result.json`: final metrics, seconds, peak memory, seed, versions. May be called again; the last wins. */
  async writeResult({ metrics, seed, status = 'completed', versions, extra }: ResultInput): Promise<ExperimentResult> {
    const os = nodeModule('node:os')
    const cpus = os.cpus()
    const result: ExperimentResult = {
      status,
      metrics: Object.fromEntries(
        Object.entries(metrics).map(([name, value]) => [name, Number.isFinite(value) ? value : String(value)]),
      ),
      seconds: Number(this.seconds.toFixed(3)),
      peak_memory_bytes: process.resourceUsage().maxRSS * 1024,
      seed: seed ?? null,
      started: this.started.toISOString(),
      finished: new Date().toISOString(),
      resumed_from: this.resumeFrom ?? null,
      command: this.command,
      git_commit: this.gitCommit ?? null,
      versions: { ...installedVersions(), ...versions },
      machine: {
        platform: `${process.platform} ${process.arch}`,
        cpus: cpus.length,
        cpu: cpus[0]?.model.trim() ?? 'unknown',
        memory_bytes: os.totalmem(),
      },
      ...(extra === undefined ? {} : { extra }),
    }
    await atomicWriteFile(this.path('result.json'), `${JSON.stringify(result, null, 2)}\n`)
    return result
  }

  /** Closes the run's log files. Messages no longer go there. */
  close(): void {
    for (const close of this.closers.splice(0)) close()
  }
}

/**
 * Makes a run's folder in NeMo's layout and starts its log files: the part of NeMo's `exp_manager` that needs no
 * trainer. With `resume_if_exists` it finds the checkpoint to continue from and moves the earlier run's files aside.
 *
 * ```ts
 * const experiment = await createExperiment({ exp_dir: 'runs', name: 'digits' })
 * await experiment.writeConfig(cfg)
 * ```
 *
 * @throws ConfigValidationError for a wrong option, ExperimentFolderError, ExperimentResumeError
 */
export async function createExperiment(
  config: ExperimentConfig = {},
  { globalRank = 0, localRank = 0, log = processLog(), command, now = new Date() }: ExperimentOptions = {},
): Promise<Experiment> {
  const fs = nodeModule('node:fs')
  const { basename, join } = nodeModule('node:path')
  const settings = validateConfig(experimentConfigSchema, config as ConfigValue, { source: 'exp_manager' })
  const logger = log.logger('exp_manager')
  if (settings.explicit_log_dir && (settings.exp_dir || settings.version)) {
    logger.warning(`explicit_log_dir is ${settings.explicit_log_dir}, so exp_dir and version are ignored`)
  }
  const place = makeLogDir(settings, now)
  const checkpointDir = join(place.dir, 'checkpoints')
  let resumeFrom: string | undefined
  let previousRunDir: string | undefined
  if (settings.resume_if_exists) {
    resumeFrom = findResumeCheckpoint(checkpointDir, settings)
    if (resumeFrom === undefined) logger.warning(`there is no checkpoint in ${checkpointDir}: training from scratch`)
    else if (globalRank === 0) previousRunDir = archivePreviousRun(place.dir)
  }
  fs.mkdirSync(checkpointDir, { recursive: true })

  const commandText = quoteCommand(command ?? process.argv)
  const git = globalRank === 0 ? readGitInfo() : undefined
  const closers = [log.addFile(join(place.dir, `nemo_log_globalrank-${globalRank}_localrank-${localRank}.txt`))]
  if (globalRank === 0) {
    closers.push(log.addFile(join(place.dir, 'nemo_error_log.txt'), 'warning'))
    await atomicWriteFile(join(place.dir, 'cmd-args.log'), `${commandText}\n`)
    if (git !== undefined) {
      const text = `commit hash: ${git.commit}\nbranch: ${git.branch}\n${git.diff}`
      await atomicWriteFile(join(place.dir, 'git-info.log'), text)
    }
    for (const file of settings.files_to_copy ?? []) {
      try {
        fs.copyFileSync(file, join(place.dir, basename(file)))
      } catch (error) {
        throw new ExperimentFolderError(`files_to_copy: cannot copy ${file}: ${(error as Error).message}`, {
          cause: error,
        })
      }
    }
  }
  log.forgetKept()
  logger.info(`experiment folder: ${place.dir}`)
  if (resumeFrom !== undefined) logger.info(`resuming from ${resumeFrom}`)
  return new Experiment(place, {
    checkpointDir,
    resumeFrom,
    previousRunDir,
    command: commandText,
    gitCommit: git?.commit,
    started: now,
    closers,
  })
}
