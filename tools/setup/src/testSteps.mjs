import { appendFileSync, existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { runStep, StepFailedError } from './step.mjs'
import { prepareWorkspace, scriptStep, turboStep } from './workspace.mjs'

/** @typedef {import('./workspace.mjs').Workspace} Workspace */

/**
 * `npm test`: everything that must hold before a change is merged, cheapest first. Stops at the first step that fails.
 *
 * @param {string} root - The repository's folder.
 * @param {string[]} args - `--clean` installs anew and uses nothing built before; `--keep-going` goes on after a
 *   failed step; `--steps-file=FILE` appends a JSON line per step; everything else goes to vitest.
 * @returns {Promise<number>} The exit code.
 * @throws {StepFailedError} for the first step that failed.
 */
export async function runTests(root, args) {
  const ours = ['--clean', '--keep-going', '--steps-file=']
  const isOurs = (/** @type {string} */ arg) =>
    ours.some((flag) => (flag.endsWith('=') ? arg.startsWith(flag) : arg === flag))
  const { values: options } = parseArgs({
    args: args.filter(isOurs),
    options: { clean: { type: 'boolean' }, 'keep-going': { type: 'boolean' }, 'steps-file': { type: 'string' } },
  })
  const vitest = [join(root, 'node_modules', 'vitest', 'vitest.mjs'), 'run', ...args.filter((arg) => !isOurs(arg))]
  const force = options.clean ? ['--force'] : []
  /** @type {[name: string, run: (workspace: Workspace) => Promise<unknown>][]} */
  const steps = [
    ['lint', (workspace) => scriptStep(workspace, 'lint')],
    ['typecheck', (workspace) => turboStep(workspace, 'typecheck', ['typecheck', ...force])],
    ['build', (workspace) => turboStep(workspace, 'build', ['build', ...force])],
    ['unit tests', ({ env }) => runStep('unit tests', process.execPath, vitest, { cwd: root, env })],
  ]

  /** @type {StepFailedError | undefined} */
  let firstFailure
  /** @template T @param {string} step @param {() => Promise<T>} run */
  const attempt = async (step, run) => {
    let passed = true
    try {
      return await run()
    } catch (error) {
      passed = false
      if (!(error instanceof StepFailedError)) throw error
      if (options['keep-going']) console.error(`\n✗ ${error.message}`)
      firstFailure ??= error
    } finally {
      if (options['steps-file']) appendFileSync(options['steps-file'], `${JSON.stringify({ step, passed })}\n`)
    }
  }

  if (options.clean) removeBuilt(root)
  const workspace = await attempt('install', () => prepareWorkspace(root, { force: options.clean ?? false }))
  if (workspace) {
    for (const [step, run] of steps) {
      if (!firstFailure || options['keep-going']) await attempt(step, () => run(workspace))
    }
  }
  if (firstFailure) throw firstFailure
  return 0
}

/** @param {string} root Removes every package's build output. */
function removeBuilt(root) {
  for (const folder of ['packages', 'apps', 'tools']) {
    if (!existsSync(join(root, folder))) continue
    for (const name of readdirSync(join(root, folder))) {
      rmSync(join(root, folder, name, 'dist'), { recursive: true, force: true })
    }
  }
}
