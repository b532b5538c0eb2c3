import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { basename, delimiter, dirname, join } from 'node:path'
import { runStep, StepFailedError } from './step.mjs'

const STEP = 'get pnpm'

/**
 * The pnpm version that package.json pins in its `packageManager` field.
 *
 * @param {string} root - The repository's folder.
 * @returns {string} Such as `10.34.8`.
 */
export function pinnedPnpmVersion(root) {
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const match = /^pnpm@(\d+\.\d+\.\d+[^+]*)/.exec(packageManager ?? '')
  if (!match?.[1]) {
    throw new StepFailedError(
      STEP,
      1,
      `package.json has packageManager ${JSON.stringify(packageManager)}; expected "pnpm@MAJOR.MINOR.PATCH".`,
    )
  }
  return match[1]
}

/**
 * The npm that runs us, or else the one on the PATH.
 *
 * @returns {{ command: string, args: string[] }}
 */
export function npmCommand() {
  const runner = process.env.npm_execpath
  if (runner && basename(runner) === 'npm-cli.js') return { command: process.execPath, args: [runner] }
  return { command: 'npm', args: [] }
}

/** @param {string} entry @param {string} cwd @returns {string} The version that this pnpm prints, or what went wrong. */
function versionOf(entry, cwd) {
  const env = { ...process.env, npm_config_manage_package_manager_versions: 'false' }
  const { stdout, stderr, error } = spawnSync(process.execPath, [entry, '--version'], {
    cwd,
    env,
    encoding: 'utf8',
    timeout: 60_000,
  })
  return (stdout ?? '').trim() || (stderr ?? '').trim() || error?.message || 'nothing'
}

/**
 * The pinned pnpm, from `.cache/pnpm` in the repository; it is fetched with npm, hence from the registry
 * that the user's npm settings name, when it is not there yet.
 *
 * @param {string} root - The repository's folder.
 * @param {{ quiet?: boolean }} [options]
 * @returns {Promise<{ entry: string, bin: string, version: string }>} The script to run with Node, the folder to put on the PATH.
 * @throws {StepFailedError} when npm cannot fetch it, or what it fetched does not run.
 */
export async function ensurePnpm(root, { quiet = false } = {}) {
  const version = pinnedPnpmVersion(root)
  const cache = join(root, '.cache', 'pnpm')
  const home = join(cache, version)
  const entryIn = (/** @type {string} */ folder) => join(folder, 'node_modules', 'pnpm', 'bin', 'pnpm.cjs')
  const found = { entry: entryIn(home), bin: join(home, 'node_modules', '.bin'), version }
  if (existsSync(found.entry)) return found

  // Fetched aside and moved into place whole, so that an interrupted download leaves nothing that looks installed.
  mkdirSync(cache, { recursive: true })
  const aside = mkdtempSync(join(cache, '.fetch-'))
  try {
    const npm = npmCommand()
    const flags = [
      '--no-audit',
      '--no-fund',
      '--no-update-notifier',
      '--no-package-lock',
      '--ignore-scripts',
      '--loglevel=error',
    ]
    await runStep(
      `${STEP} ${version}`,
      npm.command,
      [...npm.args, 'install', '--prefix', aside, ...flags, `pnpm@${version}`],
      { cwd: aside, quiet },
    )
    const answer = versionOf(entryIn(aside), aside)
    if (answer !== version)
      throw new StepFailedError(STEP, 1, `the fetched pnpm should print its version ${version}, but printed: ${answer}`)
    rmSync(home, { recursive: true, force: true })
    renameSync(aside, home)
  } finally {
    rmSync(aside, { recursive: true, force: true })
  }
  for (const other of readdirSync(cache))
    if (other !== version && !other.startsWith('.')) rmSync(join(cache, other), { recursive: true, force: true })
  return found
}

/**
 * An environment in which `pnpm` is the given one (turbo looks it up on the PATH) and nothing phones home.
 *
 * @param {{ bin: string }} pnpm
 * @returns {NodeJS.ProcessEnv}
 */
export function workspaceEnvironment(pnpm) {
  const pathKey = Object.keys(process.env).find((key) => key.toUpperCase() === 'PATH') ?? 'PATH'
  return {
    ...process.env,
    [pathKey]: [pnpm.bin, dirname(process.execPath), process.env[pathKey]].filter(Boolean).join(delimiter),
    TURBO_TELEMETRY_DISABLED: '1',
    TURBO_NO_UPDATE_NOTIFIER: '1',
    DO_NOT_TRACK: '1',
    npm_config_update_notifier: 'false',
  }
}
