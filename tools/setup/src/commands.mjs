import { appendFileSync, existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseRecipeName, recipeList, runRecipe } from '../../recipe/src/recipe.mjs'
import { ensurePnpm, workspaceEnvironment } from './localPnpm.mjs'
import { runStep, StepFailedError } from './step.mjs'
import { installIfStale } from './workspaceInstall.mjs'

/** The recipe that `npm start` runs. */
const START_RECIPE = 'asr/spoken-digits'

/** @typedef {{ root: string, pnpm: { entry: string, bin: string }, env: NodeJS.ProcessEnv }} Workspace */

/**
 * Makes the clone ready: pnpm and all dependencies.
 *
 * @param {string} root
 * @param {{ quiet?: boolean, force?: boolean }} [options]
 * @returns {Promise<Workspace>}
 */
async function prepare(root, options = {}) {
  const pnpm = await ensurePnpm(root, options)
  await installIfStale(root, pnpm, options)
  return { root, pnpm, env: workspaceEnvironment(pnpm) }
}

/**
 * @param {Workspace} workspace
 * @param {string} step
 * @param {string[]} args - Of `turbo run`.
 * @param {{ quiet?: boolean }} [options]
 */
const turboStep = ({ root, env }, step, args, options = {}) =>
  runStep(
    step,
    process.execPath,
    [join(root, 'node_modules', 'turbo', 'bin', 'turbo'), 'run', ...args, '--output-logs=errors-only'],
    { cwd: root, env, ...options },
  )

/**
 * @param {Workspace} workspace
 * @param {string} step - A script of the root package.json.
 * @param {string[]} args
 */
const scriptStep = ({ root, pnpm, env }, step, args = []) =>
  runStep(step, process.execPath, [pnpm.entry, '--silent', 'run', step, ...args], { cwd: root, env })

/**
 * Fetches what is missing, builds, and hands over to a recipe.
 *
 * @param {string} root
 * @param {string} name - Such as `asr/spoken-digits`.
 * @param {string[]} args - The recipe's own.
 * @param {{ quiet?: boolean }} options
 * @returns {Promise<number>} The recipe's exit code.
 */
async function recipe(root, name, args, options) {
  const parsed = parseRecipeName(root, name)
  if (!parsed) {
    console.error(
      `${name ? `There is no recipe "${name}".` : 'Which recipe?'} Usage: pnpm recipe COLLECTION/NAME [arguments]\n\n${recipeList(root)}`,
    )
    return name ? 1 : 0
  }
  const workspace = await prepare(root, options)
  await turboStep(workspace, 'build', ['build', `--filter=${parsed.packageName}...`], options)
  return runRecipe(parsed, args, { cwd: root, env: process.env })
}

/**
 * `npm test`: everything that must hold before a change is merged, cheapest first.
 *
 * @param {string} root
 * @param {string[]} args - `--clean` starts from nothing; `--steps-file=FILE` appends one JSON line per step; the rest goes to vitest.
 * @returns {Promise<number>}
 */
async function test(root, args) {
  const clean = args.includes('--clean')
  const stepsFile = args.find((arg) => arg.startsWith('--steps-file='))?.slice('--steps-file='.length)
  const vitestArgs = args.filter((arg) => arg !== '--clean' && !arg.startsWith('--steps-file='))
  if (clean) removeBuilt(root)
  /** @type {Workspace | undefined} */
  let workspace
  /** @type {[name: string, run: (workspace: Workspace) => Promise<unknown>][]} */
  const steps = [
    ['install', async () => undefined],
    ['lint', (ready) => scriptStep(ready, 'lint')],
    ['typecheck', (ready) => turboStep(ready, 'typecheck', ['typecheck', ...(clean ? ['--force'] : [])])],
    ['build', (ready) => turboStep(ready, 'build', ['build', ...(clean ? ['--force'] : [])])],
    [
      'unit tests',
      (ready) =>
        runStep(
          'unit tests',
          process.execPath,
          [join(root, 'node_modules', 'vitest', 'vitest.mjs'), 'run', ...vitestArgs],
          { cwd: root, env: ready.env },
        ),
    ],
  ]
  for (const [step, run] of steps) {
    const record = (/** @type {boolean} */ passed) =>
      stepsFile && appendFileSync(stepsFile, `${JSON.stringify({ step, passed })}\n`)
    try {
      workspace ??= await prepare(root, { force: clean })
      await run(workspace)
      record(true)
    } catch (error) {
      record(false)
      throw error
    }
  }
  return 0
}

/** @param {string} root Removes every package's build output. */
function removeBuilt(root) {
  for (const folder of ['packages', 'apps', 'tools']) {
    if (!existsSync(join(root, folder))) continue
    for (const name of readdirSync(join(root, folder)))
      rmSync(join(root, folder, name, 'dist'), { recursive: true, force: true })
  }
}

/**
 * @param {string} root - The repository's folder.
 * @param {string[]} argv - A command (`setup`, `start`, `test`, `recipe`) and its arguments.
 * @returns {Promise<number>} The exit code.
 */
export async function main(root, argv) {
  const [command, ...rest] = argv
  // pnpm hands a separating `--` on to the script; npm does not.
  const args = rest[0] === '--' ? rest.slice(1) : rest
  try {
    switch (command) {
      case 'setup':
        await prepare(root)
        return 0
      case 'start':
        return await recipe(root, START_RECIPE, args, {})
      case 'recipe':
        return await recipe(root, args[0] ?? '', args.slice(1), { quiet: true })
      case 'test':
        return await test(root, args)
      default:
        console.error(`Unknown command ${JSON.stringify(command)}; expected setup, start, test or recipe.`)
        return 1
    }
  } catch (error) {
    if (!(error instanceof StepFailedError)) throw error
    console.error(`\n✗ ${error.message}`)
    return error.exitCode
  }
}
