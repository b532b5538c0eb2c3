/**
 * Runs everything and counts, for `.ci/run`.
 *
 * Adding a slow check: a line in `CHECKS`, with a script of the root package.json.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { npmCommand } from '../../setup/src/localPnpm.mjs'
import { readSteps, readVitestReport, summarize, summaryText } from './summary.mjs'

/** The checks that are too slow for `npm test`: their name, and the script of the root package.json. */
const CHECKS = [['tarballs', 'pack-check']]

const root = resolve(import.meta.dirname, '../../..')
// The reference data lies beside the repository where it is at hand; unit tests have their own small copies.
if (existsSync(resolve(root, '../shared/goldens'))) CHECKS.push(['goldens', 'goldens'])
else console.log('No reference data at ../shared/goldens: its whole cases are not run.')

const reports = mkdtempSync(join(tmpdir(), 'ci-'))
const stepsFile = join(reports, 'steps.jsonl')
const vitestFile = join(reports, 'vitest.json')

/** @param {string} name @param {string[]} args @returns {boolean} Whether it succeeded. */
function npm(name, args) {
  console.log(`\n▶ ${name}`)
  const { command, args: first } = npmCommand()
  const env = { ...process.env, CI: 'true', NO_COLOR: '1' }
  const shell = process.platform === 'win32' && command !== process.execPath
  const { status } = spawnSync(command, [...first, ...args], {
    cwd: root,
    env,
    shell,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  return status === 0
}

const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${vitestFile}`]
const tested = npm('npm test', ['test', '--', '--clean', '--keep-going', `--steps-file=${stepsFile}`, ...reporters])
const checks = CHECKS.map(([name, script]) => ({ name: name ?? '', passed: npm(name ?? '', ['run', script ?? '']) }))

const summary = summarize({ tested, steps: readSteps(stepsFile), vitest: readVitestReport(vitestFile), checks, root })
rmSync(reports, { recursive: true, force: true })
console.log(summaryText(summary))
process.exitCode = summary.failed.length > 0 ? 1 : 0
