import { parseRecipeName, recipeList, runRecipe } from '../../recipe/src/recipe.mjs'
import { StepFailedError } from './step.mjs'
import { runTests } from './testSteps.mjs'
import { prepareWorkspace, turboStep } from './workspace.mjs'

/** The recipe that `npm start` runs. */
const START_RECIPE = 'asr/spoken-digits'

/**
 * Fetches what is missing, builds, and hands over to a recipe.
 *
 * @param {string} root - The repository's folder.
 * @param {string} name - Such as `asr/spoken-digits`.
 * @param {string[]} args - The recipe's own.
 * @param {{ quiet?: boolean }} options
 * @returns {Promise<number>} The recipe's exit code.
 */
async function recipe(root, name, args, options) {
  const parsed = parseRecipeName(root, name)
  if (!parsed) {
    const problem = name ? `There is no recipe "${name}".` : 'Which recipe?'
    console.error(`${problem} Usage: pnpm recipe COLLECTION/NAME [arguments]\n\n${recipeList(root)}`)
    return name ? 1 : 0
  }
  const workspace = await prepareWorkspace(root, options)
  await turboStep(workspace, 'build', ['build', `--filter=${parsed.packageName}...`], options)
  return runRecipe(parsed, args, { cwd: root, env: process.env })
}

/**
 * @param {string} root - The repository's folder.
 * @param {string[]} argv - A command (`setup`, `turbo`, `start`, `test`, `recipe`) and its arguments.
 * @returns {Promise<number>} The exit code.
 */
export async function main(root, argv) {
  const [command, ...rest] = argv
  // pnpm hands a separating `--` on to the script; npm does not.
  const args = rest[0] === '--' ? rest.slice(1) : rest
  try {
    switch (command) {
      case 'setup':
        await prepareWorkspace(root)
        return 0
      case 'turbo': {
        const workspace = await prepareWorkspace(root)
        await turboStep(workspace, args[0] ?? '', args)
        return 0
      }
      case 'start':
        return await recipe(root, START_RECIPE, args, {})
      case 'recipe':
        return await recipe(root, args[0] ?? '', args.slice(1), { quiet: true })
      case 'test':
        return await runTests(root, args)
      default:
        console.error(`Unknown command ${JSON.stringify(command)}; expected setup, turbo, start, test or recipe.`)
        return 1
    }
  } catch (error) {
    if (!(error instanceof StepFailedError)) throw error
    console.error(`\n✗ ${error.message}`)
    return error.exitCode
  }
}
