import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { installIfStale } from '../src/workspaceInstall.mjs'

let root: string
let pnpm: { entry: string; bin: string }

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'workspace-install-'))
  mkdirSync(join(root, 'packages', 'one'), { recursive: true })
  for (const file of ['package.json', 'pnpm-lock.yaml', 'packages/one/package.json'])
    writeFileSync(join(root, file), '{}')
  // Stands for pnpm: writes down how it was called, and fails when told to.
  pnpm = { entry: join(root, 'pnpm.cjs'), bin: root }
  writeFileSync(
    pnpm.entry,
    `const fs = require('node:fs')
    fs.appendFileSync('calls', process.argv.slice(2).join(' ') + '\\n')
    if (fs.existsSync('fail')) process.exit(3)`,
  )
})

afterEach(() => rmSync(root, { recursive: true, force: true }))

const calls = () =>
  existsSync(join(root, 'calls')) ? readFileSync(join(root, 'calls'), 'utf8').trim().split('\n') : []
const install = (options = {}) => installIfStale(root, pnpm, { quiet: true, ...options })

test('the first run installs exactly what the lockfile says', async () => {
  expect(await install()).toBe(true)
  expect(calls()).toEqual(['install --frozen-lockfile --prefer-offline --config.confirmModulesPurge=false'])
})

test('a second run does not call pnpm', async () => {
  await install()
  expect(await install()).toBe(false)
  expect(calls()).toHaveLength(1)
})

test.each([
  'pnpm-lock.yaml',
  'package.json',
  'packages/one/package.json',
  'packages/two/package.json',
  'pnpm-workspace.yaml',
])('a change of %s installs again', async (file) => {
  await install()
  mkdirSync(join(root, 'packages', 'two'), { recursive: true })
  writeFileSync(join(root, file), '{ "changed": true }')
  expect(await install()).toBe(true)
})

test('a deleted node_modules installs again', async () => {
  await install()
  rmSync(join(root, 'node_modules'), { recursive: true })
  expect(await install()).toBe(true)
})

test('force installs even when nothing has changed', async () => {
  await install()
  expect(await install({ force: true })).toBe(true)
})

test('an installation that failed is tried again next time', async () => {
  await install()
  writeFileSync(join(root, 'pnpm-lock.yaml'), '{ "changed": true }')
  writeFileSync(join(root, 'fail'), '')
  await expect(install()).rejects.toMatchObject({ step: 'install', exitCode: 3 })
  await expect(install()).rejects.toMatchObject({ step: 'install', exitCode: 3 })
  rmSync(join(root, 'fail'))
  expect(await install()).toBe(true)
  expect(await install()).toBe(false)
})
