import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ensurePnpm, pinnedPnpmVersion, workspaceEnvironment } from '../src/localPnpm.mjs'
import { type PackageRegistry, startPackageRegistry } from './packageRegistry.js'

let folder: string
let root: string
let registry: PackageRegistry | undefined

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'local-pnpm-'))
  root = join(folder, 'repository with a space')
  mkdirSync(root)
  pin('10.0.1')
  // A user's npm settings: a file of theirs that names a mirror, and an empty cache.
  vi.stubEnv('npm_config_userconfig', join(folder, 'npmrc'))
  vi.stubEnv('npm_config_cache', join(folder, 'npm-cache'))
  vi.stubEnv('npm_config_registry', undefined)
  vi.stubEnv('npm_config_fetch_retries', '0')
})

afterEach(async () => {
  vi.unstubAllEnvs()
  await registry?.close()
  registry = undefined
  rmSync(folder, { recursive: true, force: true })
})

const pin = (version: string) =>
  writeFileSync(join(root, 'package.json'), JSON.stringify({ packageManager: `pnpm@${version}` }))

/** A registry with a program named pnpm that prints `printed` as its version. */
const serve = async (version: string, printed = version) => {
  registry = await startPackageRegistry(folder, {
    name: 'pnpm',
    version,
    script: 'bin/pnpm.cjs',
    code: `#!/usr/bin/env node\nconsole.log(${JSON.stringify(printed)})\n`,
  })
  writeFileSync(join(folder, 'npmrc'), `registry=${registry.url}/\n`)
  return registry
}

test('the pinned pnpm comes from the registry that the user set for npm, once', async () => {
  const { requests } = await serve('10.0.1')
  const pnpm = await ensurePnpm(root, { quiet: true })
  expect(requests).toEqual(['/pnpm', '/pnpm.tgz'])
  expect(pnpm.version).toBe('10.0.1')
  expect(existsSync(pnpm.entry)).toBe(true)
  expect(readdirSync(pnpm.bin)).toContain('pnpm')

  await registry?.close()
  expect(await ensurePnpm(root, { quiet: true })).toEqual(pnpm)
  expect(requests).toHaveLength(2)
})

test('another pinned version replaces the one that is there', async () => {
  await serve('10.0.1')
  await ensurePnpm(root, { quiet: true })
  await registry?.close()
  await serve('10.0.2')
  pin('10.0.2')
  await ensurePnpm(root, { quiet: true })
  expect(readdirSync(join(root, '.cache/pnpm'))).toEqual(['10.0.2'])
})

test('a pnpm that does not run as the pinned version is refused and not kept', async () => {
  await serve('10.0.1', 'no such thing')
  await expect(ensurePnpm(root, { quiet: true })).rejects.toThrow(
    'Step "get pnpm" failed: the fetched pnpm should print its version 10.0.1, but printed: no such thing',
  )
  expect(readdirSync(join(root, '.cache/pnpm'))).toEqual([])
})

test('a registry that cannot be reached fails the step by name and leaves nothing behind', async () => {
  await serve('10.0.1')
  await registry?.close()
  const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  await expect(ensurePnpm(root, { quiet: true })).rejects.toMatchObject({
    code: 'NEMO_STEP_FAILED',
    step: 'get pnpm 10.0.1',
    exitCode: 1,
  })
  expect(stderr.mock.calls.join('')).toContain('ECONNREFUSED')
  stderr.mockRestore()
  expect(readdirSync(join(root, '.cache/pnpm'))).toEqual([])
})

test('a hash after the pinned version is allowed, any other package manager is not', () => {
  writeFileSync(join(root, 'package.json'), '{ "packageManager": "pnpm@10.34.8+sha512.abc" }')
  expect(pinnedPnpmVersion(root)).toBe('10.34.8')
  writeFileSync(join(root, 'package.json'), '{ "packageManager": "yarn@4.0.0" }')
  expect(() => pinnedPnpmVersion(root)).toThrow(
    'package.json has packageManager "yarn@4.0.0"; expected "pnpm@MAJOR.MINOR.PATCH".',
  )
})

test('the pinned pnpm is first on the PATH of the steps, and telemetry is off', () => {
  const { PATH, TURBO_TELEMETRY_DISABLED } = workspaceEnvironment({ bin: 'pinned' })
  expect(PATH?.split(delimiter)[0]).toBe('pinned')
  expect(TURBO_TELEMETRY_DISABLED).toBe('1')
})
