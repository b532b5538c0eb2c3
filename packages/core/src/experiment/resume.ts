import { nodeModule } from '../config/nodeModule.js'
import { ExperimentResumeError } from './errors.js'
import type { ExperimentConfig } from './logDir.js'

/** Files whose name ends so, in the folder or below it, sorted. */
function filesEndingWith(folder: string, ending: string): string[] {
  const { readdirSync } = nodeModule('node:fs')
  const { join } = nodeModule('node:path')
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort()
}

/**
 * The checkpoint to continue from, by NeMo's rules: `*end.ckpt` means that training is complete, else `*last.ckpt`
 * is taken.
 *
 * Differs from NeMo 1.0 where that has a bug: with `resume_past_end` the `*end.ckpt` really is loaded.
 *
 * @param checkpointDir - The run's `checkpoints` folder; need not exist.
 * @param config - `resume_past_end`, `resume_ignore_no_checkpoint`.
 * @returns `undefined` to start from scratch.
 * @throws ExperimentResumeError
 */
export function findResumeCheckpoint(
  checkpointDir: string,
  config: Pick<ExperimentConfig, 'resume_past_end' | 'resume_ignore_no_checkpoint'>,
): string | undefined {
  const fromScratch = (what: string): undefined => {
    if (config.resume_ignore_no_checkpoint) return undefined
    throw new ExperimentResumeError(
      `${what}, so there is nothing to resume; start without resume_if_exists, or set resume_ignore_no_checkpoint=true to begin from scratch in that case`,
    )
  }
  const only = (files: readonly string[], ending: string): string => {
    if (files.length > 1) {
      throw new ExperimentResumeError(
        `${checkpointDir} has ${files.length} checkpoints that end in ${ending}: ${files.join(', ')}; leave only the one to resume from`,
      )
    }
    return files[0]!
  }
  if (!nodeModule('node:fs').existsSync(checkpointDir)) return fromScratch(`there is no folder ${checkpointDir}`)
  const ends = filesEndingWith(checkpointDir, 'end.ckpt')
  if (ends.length > 0) {
    if (config.resume_past_end) return only(ends, 'end.ckpt')
    throw new ExperimentResumeError(
      `${ends[0]} says that the last run was completed; set resume_past_end=true to train on from it, or choose another name`,
    )
  }
  const lasts = filesEndingWith(checkpointDir, 'last.ckpt')
  if (lasts.length === 0) return fromScratch(`${checkpointDir} has no checkpoint that ends in last.ckpt`)
  return only(lasts, 'last.ckpt')
}

/** Curves go on in one piece when a run is resumed. */
const KEPT = /^(?:metrics\.csv|hparams\.yaml|events\.out\.tfevents\..*)$/

/**
 * Moves the files (not the folders) of a run that is about to be resumed to `run_0`, `run_1`, ... inside its folder.
 *
 * Differs from NeMo 1.0: `metrics.csv`, `hparams.yaml` and TensorBoard's files stay, so that curves are whole.
 *
 * @returns The new folder, or `undefined` if there was nothing to move.
 */
export function archivePreviousRun(dir: string): string | undefined {
  const fs = nodeModule('node:fs')
  const { join } = nodeModule('node:path')
  const entries = fs.readdirSync(dir, { withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile() && !KEPT.test(entry.name))
  if (files.length === 0) return undefined
  const runs = entries.flatMap((entry) => (entry.isDirectory() ? (/^run_(\d+)$/.exec(entry.name)?.[1] ?? []) : []))
  const target = join(dir, `run_${Math.max(-1, ...runs.map(Number)) + 1}`)
  fs.mkdirSync(target)
  for (const { name } of files) fs.renameSync(join(dir, name), join(target, name))
  return target
}
