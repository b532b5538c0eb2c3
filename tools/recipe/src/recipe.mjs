import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runInForeground } from './foregroundProcess.mjs'

const KEBAB_CASE = /^[a-z0-9]+(-[a-z0-9]+)*$/

/**
 * A runnable file of an app.
 *
 * @typedef {object} Recipe
 * @property {string} name - `COLLECTION/NAME`.
 * @property {string} packageName - Of the app that holds it, such as `@nemo-apps/asr`.
 * @property {string} source - Its TypeScript file.
 * @property {string} entry - The built file that Node runs.
 */

/** @param {string} root @param {string} collection @param {string} name @returns {Recipe} */
function recipeAt(root, collection, name) {
  const app = join(root, 'apps', collection)
  const { name: packageName } = JSON.parse(readFileSync(join(app, 'package.json'), 'utf8'))
  return {
    name: `${collection}/${name}`,
    packageName,
    source: join(app, 'src', `${name}.ts`),
    entry: join(app, 'dist', `${name}.js`),
  }
}

/**
 * @param {string} root - The repository's folder.
 * @param {string} name - `COLLECTION/NAME`, such as `asr/spoken-digits`.
 * @returns {Recipe | undefined} Nothing when there is no such recipe.
 */
export function parseRecipeName(root, name) {
  const [collection = '', recipe = '', ...rest] = name.split('/')
  if (rest.length > 0 || !KEBAB_CASE.test(collection) || !KEBAB_CASE.test(recipe)) return undefined
  if (!existsSync(join(root, 'apps', collection, 'package.json'))) return undefined
  const found = recipeAt(root, collection, recipe)
  return existsSync(found.source) ? found : undefined
}

/** @param {string} source @param {string} name @returns {string | undefined} The first sentence of the comment on top, if that comment says how to run `name`. */
function descriptionOf(source, name) {
  const comment = /^(?:#!.*\n)?\s*\/\*\*?([\s\S]*?)\*\//.exec(source)?.[1]
  if (!comment?.includes(`recipe ${name}`)) return undefined
  const text = comment
    .replaceAll(/^\s*\* ?/gm, '')
    .trim()
    .replaceAll(/\s+/g, ' ')
  return /^.*?[.:](?= |$)/.exec(text)?.[0].replace(/:$/, '.') ?? text
}

/**
 * Every recipe: a kebab-case file directly in `apps/COLLECTION/src` whose opening comment names its own command,
 * `recipe COLLECTION/NAME`. (Other modules of an app do not, and stay out of the list.)
 *
 * @param {string} root - The repository's folder.
 * @returns {(Recipe & { description: string })[]} By name.
 */
export function findRecipes(root) {
  const apps = join(root, 'apps')
  if (!existsSync(apps)) return []
  return readdirSync(apps)
    .sort()
    .filter(
      (collection) => existsSync(join(apps, collection, 'package.json')) && existsSync(join(apps, collection, 'src')),
    )
    .flatMap((collection) =>
      readdirSync(join(apps, collection, 'src'))
        .filter((file) => file.endsWith('.ts') && KEBAB_CASE.test(file.slice(0, -'.ts'.length)))
        .sort()
        .flatMap((file) => {
          const recipe = recipeAt(root, collection, file.slice(0, -'.ts'.length))
          const description = descriptionOf(readFileSync(recipe.source, 'utf8'), recipe.name)
          return description === undefined ? [] : [{ ...recipe, description }]
        }),
    )
}

/** @param {string} root @returns {string} The recipes as a table for people. */
export function recipeList(root) {
  const recipes = findRecipes(root)
  if (recipes.length === 0) return 'There are no recipes in apps/.'
  const width = Math.max(...recipes.map(({ name }) => name.length))
  return ['Recipes:', ...recipes.map(({ name, description }) => `  ${name.padEnd(width)}  ${description}`)].join('\n')
}

/**
 * Runs a built recipe with this terminal as its own.
 *
 * @param {Recipe} recipe
 * @param {readonly string[]} args
 * @param {{ cwd: string, env: NodeJS.ProcessEnv }} options
 * @returns {Promise<number>} Its exit code; 128 + the signal's number when a signal ended it.
 */
export const runRecipe = (recipe, args, options) =>
  runInForeground(process.execPath, ['--enable-source-maps', recipe.entry, ...args], options)
