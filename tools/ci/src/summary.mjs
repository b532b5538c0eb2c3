import { existsSync, readFileSync } from 'node:fs'
import { relative } from 'node:path'

/** The step of `npm test` that runs vitest; its tests are counted one by one, from vitest's report. */
const UNIT_TESTS = 'unit tests'

/**
 * What `npm test --steps-file` writes.
 *
 * @typedef {{ step: string, passed: boolean }} Step
 */

/**
 * What of vitest's JSON report is needed here.
 *
 * @typedef {object} VitestReport
 * @property {{ name: string, status: string, message: string, assertionResults: { fullName: string, status: string }[] }[]} testResults
 */

/** @typedef {{ passed: number, failed: string[], skipped: string[] }} Summary */

/** @param {string} file @returns {Step[]} The steps that were reached. */
export const readSteps = (file) =>
  existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line))
    : []

/** @param {string} file @returns {VitestReport | undefined} Nothing when vitest did not get to writing it. */
export const readVitestReport = (file) => (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined)

/**
 * Counts each unit test, each other step of `npm test` and each check as one.
 *
 * @param {object} results
 * @param {boolean} results.tested - Whether `npm test` succeeded as a whole.
 * @param {Step[]} results.steps
 * @param {VitestReport | undefined} results.vitest
 * @param {{ name: string, passed: boolean }[]} results.checks
 * @param {string} results.root - The repository's folder; files are named from there.
 * @returns {Summary}
 */
export function summarize({ tested, steps, vitest, checks, root }) {
  /** @type {Summary} */
  const summary = { passed: 0, failed: [], skipped: [] }
  const count = (/** @type {string} */ name, /** @type {boolean} */ passed) => {
    if (passed) summary.passed++
    else summary.failed.push(name)
  }
  for (const { step, passed } of steps) if (step !== UNIT_TESTS) count(step, passed)
  for (const { name, status, assertionResults } of vitest?.testResults ?? []) {
    const file = relative(root, name).replaceAll('\\', '/')
    for (const test of assertionResults) {
      const title = `${file} > ${test.fullName}`
      if (test.status === 'passed' || test.status === 'failed') count(title, test.status === 'passed')
      else summary.skipped.push(title)
    }
    // A file that could not be loaded fails without a failing test.
    if (status === 'failed' && !assertionResults.some((test) => test.status === 'failed')) count(file, false)
  }
  for (const { name, passed } of checks) count(name, passed)
  const testsRan = steps.some(({ step }) => step === UNIT_TESTS)
  if (testsRan && !vitest) count(`${UNIT_TESTS} (vitest wrote no report)`, false)
  // For example an error outside of any test, or a step that never started.
  const checksFailed = checks.filter(({ passed }) => !passed).length
  if (!tested && summary.failed.length === checksFailed) count('npm test (failed outside of any step or test)', false)
  return summary
}

/** @param {Summary} summary @returns {string} What failed and what was skipped, by name; the last line has the counts. */
export function summaryText({ passed, failed, skipped }) {
  const lines = ['']
  for (const name of failed) lines.push(`FAILED   ${name}`)
  for (const name of skipped) lines.push(`SKIPPED  ${name}`)
  lines.push(`${passed} passed, ${failed.length} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`)
  return lines.join('\n')
}
