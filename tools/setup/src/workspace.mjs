import { join } from 'node:path'
import { ensurePnpm, workspaceEnvironment } from './localPnpm.mjs'
import { runStep } from './step.mjs'
import { installIfStale } from './workspaceInstall.mjs'

/**
 * A clone whose dependencies are installed.
 *
 * @typedef {object} Workspace
 * @property {string} root - The repository's folder.
 * @property {{ entry: string, bin: string }} pnpm
 * @property {NodeJS.ProcessEnv} env - For the steps: the pinned pnpm is first on the PATH, telemetry is off.
 */

/**
 * Makes the clone ready: pnpm and all dependencies, as far as they are not there.
 *
 * @param {string} root - The repository's folder.
 * @param {{ quiet?: boolean, force?: boolean }} [options]
 * @returns {Promise<Workspace>}
 * @throws {import('./step.mjs').StepFailedError}
 */
export async function prepareWorkspace(root, options = {}) {
  const pnpm = await ensurePnpm(root, options)
  await installIfStale(root, pnpm, options)
  return { root, pnpm, env: workspaceEnvironment(pnpm) }
}

/**
 * Runs a turbo task; what has not changed since it last succeeded comes from turbo's cache.
 *
 * @param {Workspace} workspace
 * @param {string} step - The name to show.
 * @param {string[]} args - Of `turbo run`.
 * @param {{ quiet?: boolean }} [options]
 */
export const turboStep = ({ root, env }, step, args, options = {}) =>
  runStep(
    step,
    process.execPath,
    [join(root, 'node_modules', 'turbo', 'bin', 'turbo'), 'run', ...args, '--output-logs=errors-only'],
    { cwd: root, env, ...options },
  )

/**
 * Runs a script of the root package.json.
 *
 * @param {Workspace} workspace
 * @param {string} script - Also the name to show.
 */
export const scriptStep = ({ root, pnpm, env }, script) =>
  runStep(script, process.execPath, [pnpm.entry, '--silent', 'run', script], { cwd: root, env })
