import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findRecipes, parseRecipeName, recipeList, runRecipe } from '../src/recipe.mjs'

const root = mkdtempSync(join(tmpdir(), 'recipe-'))

beforeAll(() => {
  const files = {
    'apps/asr/package.json': '{ "name": "@nemo-apps/asr" }',
    'apps/asr/src/spoken-digits.ts':
      '/**\n * Trains on\n * spoken digits. Then more.\n *\n *     pnpm recipe asr/spoken-digits\n */\n',
    'apps/asr/src/plot.ts': '/** Draws pictures. */\n',
    'apps/asr/src/spoken-digits.test.ts': '/** pnpm recipe asr/spoken-digits.test */\n',
    'apps/asr/src/SpokenDigits.ts': '/** pnpm recipe asr/SpokenDigits */\n',
    'apps/asr/dist/spoken-digits.js': 'process.exitCode = process.argv.length',
    'apps/tts/package.json': '{ "name": "@nemo-apps/tts" }',
    'apps/tts/src/read-aloud.ts': '#!/usr/bin/env node\n/** Reads aloud: pnpm recipe tts/read-aloud */\n',
    'apps/README.md': '',
    'secret/src/x.ts': '',
    'secret/package.json': '{ "name": "secret" }',
  }
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    writeFileSync(join(root, file), text)
  }
})

afterAll(() => rmSync(root, { recursive: true, force: true }))

test('recipes are the kebab-case files whose opening comment says how to run them', () => {
  expect(findRecipes(root).map(({ name, packageName, description }) => [name, packageName, description])).toEqual([
    ['asr/spoken-digits', '@nemo-apps/asr', 'Trains on spoken digits.'],
    ['tts/read-aloud', '@nemo-apps/tts', 'Reads aloud.'],
  ])
})

test('the list lines up names and descriptions', () => {
  expect(recipeList(root)).toBe(
    ['Recipes:', '  asr/spoken-digits  Trains on spoken digits.', '  tts/read-aloud     Reads aloud.'].join('\n'),
  )
  expect(recipeList(join(root, 'secret'))).toBe('There are no recipes in apps/.')
})

test('a name gives the built file of its app', () => {
  expect(parseRecipeName(root, 'asr/spoken-digits')).toEqual({
    name: 'asr/spoken-digits',
    packageName: '@nemo-apps/asr',
    source: join(root, 'apps/asr/src/spoken-digits.ts'),
    entry: join(root, 'apps/asr/dist/spoken-digits.js'),
  })
})

test.each([
  '',
  'asr',
  'asr/',
  'asr/none',
  'nlp/spoken-digits',
  'asr/spoken-digits/x',
  '../secret/x',
  'asr/../../secret/src/x',
  'asr/SpokenDigits',
])('%j is not a recipe', (name) => {
  expect(parseRecipeName(root, name)).toBeUndefined()
})

test('running a recipe gives its exit code', async () => {
  const recipe = parseRecipeName(root, 'asr/spoken-digits')!
  expect(await runRecipe(recipe, ['a', 'b'], { cwd: root, env: process.env })).toBe(4)
})
