import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

/*
 * Breaks each rule of biome.json that holds the architecture, in a small copy of the repository's layout,
 * and expects Biome to say so.
 */

const root = resolve(import.meta.dirname, '../../..')
const biome = join(root, 'node_modules/@biomejs/biome/bin/biome')

/** The arrows of DESIGN: what each package may import of ours. */
const ARROWS: Record<string, readonly string[]> = {
  graph: [],
  kernels: ['graph'],
  core: ['graph'],
  audio: ['graph'],
  tokenizers: [],
  asr: ['graph', 'core', 'audio', 'tokenizers'],
  nlp: ['graph', 'core', 'tokenizers'],
  tts: ['graph', 'core', 'audio'],
  // A collection made by `pnpm new:collection`, which biome.json does not mention.
  vision: ['graph', 'core', 'audio', 'tokenizers'],
}
const PACKAGES = Object.keys(ARROWS)

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lint-rules-'))
  cpSync(join(root, '.gitignore'), join(folder, '.gitignore'))
  const configuration = JSON.parse(readFileSync(join(root, 'biome.json'), 'utf8'))
  delete configuration.$schema
  write('biome.json', JSON.stringify(configuration))
  write('package.json', '{ "name": "root", "devDependencies": { "vitest": "4.0.0" } }')
  // Everything is declared, so that only the arrows can complain.
  const dependencies = Object.fromEntries([
    ...PACKAGES.map((name) => [`@nemo/${name}`, 'workspace:*']),
    ['@nemo-apps/asr', 'workspace:*'],
  ])
  for (const name of PACKAGES)
    write(`packages/${name}/package.json`, JSON.stringify({ name: `@nemo/${name}`, dependencies }))
  write('apps/asr/package.json', JSON.stringify({ name: '@nemo-apps/asr', dependencies }))
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

function write(file: string, text: string) {
  mkdirSync(dirname(join(folder, file)), { recursive: true })
  writeFileSync(join(folder, file), text)
}

/** Lints the folder; gives `FILE RULE` for each error, in order. */
function lint(): string[] {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [biome, 'lint', '--reporter=json', '--max-diagnostics=none', '.'],
    {
      cwd: folder,
      encoding: 'utf8',
    },
  )
  const { diagnostics } = parseReport(stdout, stderr)
  return diagnostics
    .filter(({ severity }) => severity === 'error')
    .map(({ category, location }) => `${location.path.replaceAll('\\', '/')} ${category.split('/').at(-1)}`)
    .sort()
}

function parseReport(stdout: string, stderr: string) {
  try {
    return JSON.parse(stdout) as { diagnostics: { severity: string; category: string; location: { path: string } }[] }
  } catch (error) {
    throw new Error(`Biome printed no report:\n${stdout}\n${stderr}`, { cause: error })
  }
}

test('every import between packages is allowed exactly when the architecture has its arrow', () => {
  const forbidden: string[] = []
  for (const from of PACKAGES) {
    for (const to of PACKAGES.filter((name) => name !== from)) {
      for (const [kind, statement] of Object.entries({
        import: `import '@nemo/${to}'\n`,
        importType: `import type { X } from '@nemo/${to}'\nexport type Y = X\n`,
        dynamicImport: `await import('@nemo/${to}')\n`,
        reExport: `export { x } from '@nemo/${to}'\n`,
      })) {
        const file = `packages/${from}/src/${kind}${to[0]?.toUpperCase()}${to.slice(1)}.ts`
        write(file, statement)
        if (!ARROWS[from]?.includes(to)) forbidden.push(`${file} noRestrictedImports`)
      }
    }
  }
  expect(lint()).toEqual(forbidden.sort())
})

test('tests keep to the arrows too', () => {
  write('packages/graph/test/a.test.ts', "import '@nemo/core'\n")
  write('packages/graph/src/a.test.ts', "import '@nemo/core'\n")
  expect(lint()).toEqual([
    'packages/graph/src/a.test.ts noRestrictedImports',
    'packages/graph/test/a.test.ts noRestrictedImports',
  ])
})

test('apps import every package, and nothing imports an app', () => {
  write('apps/asr/src/a.ts', PACKAGES.map((name) => `import '@nemo/${name}'\n`).join(''))
  write('packages/asr/src/a.ts', "import '@nemo-apps/asr'\n")
  write('packages/vision/src/a.ts', "import '@nemo-apps/asr'\n")
  write('tools/a/src/a.test.ts', "import '@nemo-apps/asr'\n")
  expect(lint()).toEqual([
    'packages/asr/src/a.ts noRestrictedImports',
    'packages/vision/src/a.ts noRestrictedImports',
    'tools/a/src/a.test.ts noRestrictedImports',
  ])
})

test.each([
  '@nemo/graph/dist/tensor.js',
  '@nemo/graph/src/tensor.js',
  '../../graph/src/index.js',
  '../../../packages/graph/src/index.js',
])('reaching into a package is forbidden: %s', (specifier) => {
  write('packages/core/src/a.ts', `import '${specifier}'\n`)
  write('apps/asr/src/a.ts', `import '${specifier}'\n`)
  expect(lint()).toEqual(['apps/asr/src/a.ts noRestrictedImports', 'packages/core/src/a.ts noRestrictedImports'])
})

test("a package's own files are within reach", () => {
  write('packages/core/src/modules/a.ts', "import '../b.js'\n")
  write('packages/core/src/b.ts', 'export const b = 1\n')
  write('packages/core/test/a.test.ts', "import '../src/b.js'\n")
  expect(lint()).toEqual([])
})

test('a cycle of imports is found in both of its files', () => {
  write('packages/core/src/a.ts', "import { b } from './b.js'\nexport const a = () => b\n")
  write('packages/core/src/b.ts', "import { a } from './a.js'\nexport const b = () => a\n")
  expect(lint()).toEqual(['packages/core/src/a.ts noImportCycles', 'packages/core/src/b.ts noImportCycles'])
})

test("ops alone may import each other in cycles: one's gradient is built of the others, later", () => {
  for (const folder of ['packages/graph/src/ops', 'packages/graph/src']) {
    write(`${folder}/a.ts`, "import { b } from './b.js'\nexport const a = () => b\n")
    write(`${folder}/b.ts`, "import { a } from './a.js'\nexport const b = () => a\n")
  }
  expect(lint()).toEqual(['packages/graph/src/a.ts noImportCycles', 'packages/graph/src/b.ts noImportCycles'])
})

test('sources import only what their own package.json declares; tests may use the tools of the root', () => {
  write('packages/core/src/a.ts', "import 'vitest'\nimport 'left-pad'\n")
  write('packages/core/src/a.test.ts', "import 'vitest'\n")
  write('packages/core/package.json', '{ "name": "@nemo/core", "devDependencies": { "left-pad": "1.0.0" } }')
  expect(lint()).toEqual([
    'packages/core/src/a.ts noUndeclaredDependencies',
    'packages/core/src/a.ts noUndeclaredDependencies',
  ])
})

test.each([
  ['noDefaultExport', 'export default 1\n'],
  ['noReExportAll', "export * from './b.js'\n"],
  ['noExplicitAny', 'export const a: any = 1\n'],
  ['noSkippedTests', "import { test } from 'vitest'\ntest.skip('a', () => {})\n"],
  ['noFocusedTests', "import { test } from 'vitest'\ntest.only('a', () => {})\n"],
])('%s is an error', (rule, code) => {
  write('packages/core/src/b.ts', 'export const b = 1\n')
  write('packages/core/src/a.test.ts', code)
  expect(lint()).toEqual([`packages/core/src/a.test.ts ${rule}`])
})
