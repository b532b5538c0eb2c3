import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { NewCollectionError, newCollection } from '../src/newCollection.js'

const repository = resolve(import.meta.dirname, '../../..')
let root: string

/** A folder like the repository: its settings, its packages and what is installed there by link. */
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'new-collection-'))
  for (const file of [
    'package.json',
    'tsconfig.base.json',
    'tsconfig.json',
    'vitest.config.ts',
    'biome.json',
    '.gitignore',
  ]) {
    cpSync(join(repository, file), join(root, file))
  }
  symlinkSync(join(repository, 'node_modules'), join(root, 'node_modules'), 'junction')
  mkdirSync(join(root, 'packages'))
  for (const name of readdirSync(join(repository, 'packages'))) {
    symlinkSync(join(repository, 'packages', name), join(root, 'packages', name), 'junction')
  }
})

afterAll(() => rmSync(root, { recursive: true, force: true }))

/** Runs a program of the repository in `root`; gives all it printed when it fails. */
function run(script: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(repository, 'node_modules', script), ...args], {
    cwd: root,
    encoding: 'utf8',
  })
  return status === 0 ? 'ok' : `${stdout}${stderr}`
}

test('a new collection is formatted, type-checks, and its tests pass', () => {
  const folder = newCollection(root, 'vision')
  expect(folder).toBe(join(root, 'packages', 'vision'))
  // What `pnpm install` does for its dependencies.
  const { dependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  for (const dependency of Object.keys(dependencies)) {
    const link = join(folder, 'node_modules', dependency)
    mkdirSync(resolve(link, '..'), { recursive: true })
    symlinkSync(join(repository, 'packages', dependency.replace('@nemo/', '')), link, 'junction')
  }
  expect(run('@biomejs/biome/bin/biome', 'check', '--error-on-warnings', 'packages/vision')).toBe('ok')
  expect(run('typescript/bin/tsc', '-p', 'packages/vision', '--noEmit')).toBe('ok')
  expect(run('vitest/vitest.mjs', 'run', 'packages/vision/')).toBe('ok')
})

test("name and version are the package's own everywhere", () => {
  const folder = newCollection(root, 'speaker-id')
  const { name, version, scripts } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  expect(name).toBe('@nemo/speaker-id')
  expect(version).toBe(JSON.parse(readFileSync(join(repository, 'packages/core/package.json'), 'utf8')).version)
  expect(scripts.test).toContain('packages/speaker-id')
  expect(readFileSync(join(folder, 'README.md'), 'utf8')).toContain("from '@nemo/speaker-id'")
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((each) => /\.\w+$/.test(each))) {
    expect(readFileSync(join(folder, file), 'utf8')).not.toMatch(/COLLECTION|VERSION/)
  }
})

test.each(['', 'Vision', '3d', 'a b', 'a_b', '-a', 'a-', 'a--b', '../x', 'a/b', '@nemo/x', 'ä', 'a'.repeat(41)])(
  '%j is refused as a name',
  (name) => {
    expect(() => newCollection(root, name)).toThrow(NewCollectionError)
    expect(() => newCollection(root, name)).toThrow('expected lower-case words joined by hyphens')
  },
)

test('a package that exists is refused and stays as it is', () => {
  const before = readdirSync(join(root, 'packages', 'asr'))
  expect(() => newCollection(root, 'asr')).toThrow('packages/asr exists already')
  expect(readdirSync(join(root, 'packages', 'asr'))).toEqual(before)
  expect(existsSync(join(root, 'packages', 'asr', 'src/modules/meanPoolingDecoder.ts'))).toBe(false)
})
