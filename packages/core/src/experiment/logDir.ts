import { z } from 'zod'
import { nodeModule } from '../config/nodeModule.js'
import { ExperimentFolderError } from './errors.js'

/** NeMo's `exp_manager` options that decide on the experiment's folder and on resuming. Names and defaults are NeMo's. */
export const experimentConfigSchema = z.object({
  /** The folder itself; overrides `exp_dir`, `name` and `version`. */
  explicit_log_dir: z.string().nullable().default(null),
  /** Folder of all experiments. `null`: `nemo_experiments` in the working folder. */
  exp_dir: z.string().nullable().default(null),
  /** Name of the experiment. `null`: `default`. */
  name: z.string().nullable().default(null),
  /** Name of this run. `null`: a time, or `version_N`; none with `resume_if_exists`. */
  version: z.string().nullable().default(null),
  /** Use the time for the run's name; otherwise `version_N`. */
  use_datetime_version: z.boolean().default(true),
  /** Continue from the folder's last checkpoint. No version folder is made, so that the next run finds it. */
  resume_if_exists: z.boolean().default(false),
  /** With `resume_if_exists`: continue from a checkpoint that says training has ended. */
  resume_past_end: z.boolean().default(false),
  /** With `resume_if_exists`: start from scratch if there is no checkpoint. */
  resume_ignore_no_checkpoint: z.boolean().default(false),
  /** Files to copy into the folder. */
  files_to_copy: z.array(z.string()).nullable().default(null),
})

/** Options of an experiment as config keys. */
export type ExperimentConfig = z.input<typeof experimentConfigSchema>

/** Where an experiment is kept. */
export interface LogDir {
  /** The run's folder: `exp_dir/name/version`. */
  readonly dir: string
  readonly expDir: string
  /** Empty for an explicit folder, as in NeMo. */
  readonly name: string
  /** `undefined` where there is no version folder. */
  readonly version: string | undefined
}

/** `2021-06-30_23-59-01` in local time. */
export function formatVersionTime(time: Date): string {
  const pad = (value: number): string => String(value).padStart(2, '0')
  const date = [time.getFullYear(), pad(time.getMonth() + 1), pad(time.getDate())].join('-')
  return `${date}_${[time.getHours(), time.getMinutes(), time.getSeconds()].map(pad).join('-')}`
}

/** A name from a config must stay a folder below the one it is put in. */
function checkPart(key: string, part: string): string {
  const { normalize, isAbsolute } = nodeModule('node:path')
  const normal = normalize(part)
  if (part.trim() === '' || isAbsolute(part) || normal === '..' || /^\.\.[/\\]/.test(normal) || part.includes('\0')) {
    throw new ExperimentFolderError(
      `${key}: expected the name of a folder below the one before it, found ${JSON.stringify(part)}`,
    )
  }
  return normal
}

/**
 * Decides on an experiment's folder by NeMo's rules and makes it. Two runs that start in the same second get different
 * folders: the later one's version ends in `_1`, `_2`, ...
 *
 * @param now - The time for the version's name.
 * @throws ExperimentFolderError
 */
export function makeLogDir(config: ExperimentConfig, now: Date = new Date()): LogDir {
  const fs = nodeModule('node:fs')
  const { resolve, join } = nodeModule('node:path')
  const make = (folder: string): void => {
    try {
      fs.mkdirSync(folder, { recursive: true })
    } catch (error) {
      throw new ExperimentFolderError(`cannot make the experiment folder ${folder}: ${(error as Error).message}`, {
        cause: error,
      })
    }
  }
  if (config.explicit_log_dir) {
    const dir = resolve(config.explicit_log_dir)
    make(dir)
    return { dir, expDir: dir, name: '', version: undefined }
  }
  const expDir = resolve(config.exp_dir ?? 'nemo_experiments')
  const name = checkPart('name', config.name || 'default')
  const parent = join(expDir, name)
  // An empty variable is what NeMo leaves behind when there is no version.
  const given = config.version || process.env.NEMO_EXPM_VERSION || undefined
  if (given !== undefined) {
    const version = checkPart('version', given)
    make(join(parent, version))
    return { dir: join(parent, version), expDir, name, version }
  }
  if (config.resume_if_exists) {
    make(parent)
    return { dir: parent, expDir, name, version: undefined }
  }
  make(parent)
  const taken = fs.readdirSync(parent)
  const numbers = taken.flatMap((entry) => /^version_(\d+)$/.exec(entry)?.[1] ?? []).map(Number)
  const first = Math.max(-1, ...numbers) + 1
  const time = formatVersionTime(now)
  for (let attempt = 0; ; attempt += 1) {
    const datetime = attempt === 0 ? time : `${time}_${attempt}`
    const version = config.use_datetime_version === false ? `version_${first + attempt}` : datetime
    const dir = join(parent, version)
    try {
      // Fails if it exists: another process may be making the same one right now.
      fs.mkdirSync(dir)
      return { dir, expDir, name, version }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue
      throw new ExperimentFolderError(`cannot make the experiment folder ${dir}: ${(error as Error).message}`, {
        cause: error,
      })
    }
  }
}
