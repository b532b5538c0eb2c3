import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { isAtLeast } from '../src/nodeVersion.cjs'

const folder = mkdtempSync(join(tmpdir(), 'node-version-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test.each([
  ['20.19.0', '>=20.19', true],
  ['20.20.2', '>=20.19', true],
  ['22.0.0', '>=20.19', true],
  ['20.18.9', '>=20.19', false],
  ['18.20.8', '>=20.19', false],
  ['21.0.0-nightly', '>=20.19', true],
  ['8.17.0', '>=20.19', false],
  ['20.19.4', '>=20.19.5', false],
])('Node %s against %s is %s', (version, range, expected) => {
  expect(isAtLeast(version, range)).toBe(expected)
})

test('a Node that is too old is told what it is, what is needed and what to do', () => {
  cpSync(resolve(import.meta.dirname, '../src'), join(folder, 'tools/setup/src'), { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "engines": { "node": ">=99.1" } }')
  const { status, stderr } = spawnSync(process.execPath, [join(folder, 'tools/setup/src/cli.cjs'), 'start'], {
    encoding: 'utf8',
  })
  expect(status).toBe(1)
  expect(stderr).toContain(`needs Node >=99.1, but is run by Node ${process.versions.node}`)
  expect(stderr).toContain('Install a newer Node')
})
