import { nodeModule } from '../config/nodeModule.js'
import { quoteCommand } from '../experiment/experiment.js'
import { readGitInfo } from '../experiment/gitInfo.js'
import { formatVersionTime } from '../experiment/logDir.js'
import { processLog } from '../logging/logger.js'
import { TensorBoardLogger } from '../logging/tensorBoardLogger.js'
import { NeuralFactoryError } from './errors.js'

/** Where a factory keeps what it writes. */
export interface FactoryFolderOptions {
  /** Folder of logs and events. Default: nothing is written but to the console. */
  readonly logDir?: string | undefined
  /** Default `checkpoints` in `logDir`. */
  readonly checkpointDir?: string | undefined
  /** Default `tensorboard` in `logDir`. */
  readonly tensorboardDir?: string | undefined
  readonly createTbWriter?: boolean | undefined
  /** Files to keep a copy of in `logDir`, such as configs. */
  readonly filesToCopy?: readonly string[] | undefined
  /** Put everything into a folder of `logDir` that is named after the time. Default false. */
  readonly addTimeToLogDir?: boolean | undefined
}

/** What was made. */
export interface FactoryFolder {
  readonly workDir: string | undefined
  readonly checkpointDir: string | undefined
  readonly tbWriter: TensorBoardLogger | undefined
  /** Closes the log file and the event file. */
  close(): void
}

/**
 * Makes a factory's folders and begins its log: `log_globalrank-0_localrank-0.txt`, `cmd-args_TIME.log`, `git-info_TIME.log`,
 * copies of files, `checkpoints/`, `tensorboard/`.
 *
 * @throws NeuralFactoryError for a TensorBoard writer without a folder.
 *
 * Source: NeMo v0.9.0 `ExpManager`.
 */
export function makeFactoryFolder(options: FactoryFolderOptions): FactoryFolder {
  const { logDir, createTbWriter = false } = options
  if (logDir === undefined) {
    if (createTbWriter) throw new NeuralFactoryError('createTbWriter: give a logDir for the event files.')
    const checkpointDir = options.checkpointDir
    if (checkpointDir !== undefined) nodeModule('node:fs').mkdirSync(checkpointDir, { recursive: true })
    return { workDir: undefined, checkpointDir, tbWriter: undefined, close: () => {} }
  }
  const fs = nodeModule('node:fs')
  const { join, parse } = nodeModule('node:path')
  const time = formatVersionTime(new Date())
  const workDir = options.addTimeToLogDir ? join(logDir, time) : logDir
  const checkpointDir = options.checkpointDir ?? join(workDir, 'checkpoints')
  for (const folder of [workDir, checkpointDir]) fs.mkdirSync(folder, { recursive: true })
  for (const file of options.filesToCopy ?? []) {
    const { name, ext } = parse(file)
    fs.copyFileSync(file, join(workDir, `${name}_${time}${ext}`))
  }
  fs.writeFileSync(join(workDir, `cmd-args_${time}.log`), quoteCommand(process.argv))
  const git = readGitInfo()
  if (git) fs.writeFileSync(join(workDir, `git-info_${time}.log`), `commit hash: ${git.commit}\n${git.diff}`)
  const closeLog = processLog().addFile(join(workDir, 'log_globalrank-0_localrank-0.txt'))
  const tbWriter = createTbWriter
    ? new TensorBoardLogger({ dir: options.tensorboardDir ?? join(workDir, 'tensorboard') })
    : undefined
  const close = () => {
    tbWriter?.close()
    closeLog()
  }
  return { workDir, checkpointDir, tbWriter, close }
}
