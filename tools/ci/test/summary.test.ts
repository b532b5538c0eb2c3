import { expect, test } from 'vitest'
import { summarize, summaryText } from '../src/summary.mjs'

const steps = [
  { step: 'install', passed: true },
  { step: 'lint', passed: true },
  { step: 'unit tests', passed: true },
]
const file = (name: string, status: string, statuses: string[]) => ({
  name: `/repository/${name}`,
  status,
  message: '',
  assertionResults: statuses.map((each, index) => ({ fullName: `fact ${index}`, status: each })),
})
const results = { tested: true, steps, vitest: { testResults: [] }, checks: [], root: '/repository' }

test('unit tests, other steps and checks count one each', () => {
  const summary = summarize({
    ...results,
    vitest: { testResults: [file('a.test.ts', 'passed', ['passed', 'passed'])] },
    checks: [{ name: 'tarballs', passed: true }],
  })
  expect(summaryText(summary)).toBe('\n5 passed, 0 failed')
})

test('failed and skipped tests are named', () => {
  const summary = summarize({
    ...results,
    tested: false,
    vitest: { testResults: [file('a.test.ts', 'failed', ['passed', 'failed', 'pending', 'todo', 'skipped'])] },
    checks: [{ name: 'tarballs', passed: false }],
  })
  expect(summaryText(summary).split('\n')).toEqual([
    '',
    'FAILED   a.test.ts > fact 1',
    'FAILED   tarballs',
    'SKIPPED  a.test.ts > fact 2',
    'SKIPPED  a.test.ts > fact 3',
    'SKIPPED  a.test.ts > fact 4',
    '3 passed, 2 failed, 3 skipped',
  ])
})

test('a test file that could not be loaded counts as failed', () => {
  const vitest = { testResults: [file('a.test.ts', 'failed', [])] }
  expect(summarize({ ...results, tested: false, vitest })).toEqual({ passed: 2, failed: ['a.test.ts'], skipped: [] })
})

test('an error outside of any test is a failure', () => {
  const vitest = { testResults: [file('a.test.ts', 'passed', ['passed'])] }
  const checks = [{ name: 'tarballs', passed: false }]
  expect(summarize({ ...results, tested: false, vitest, checks }).failed).toEqual([
    'tarballs',
    'npm test (failed outside of any step or test)',
  ])
})

test('tests without a report are a failure', () => {
  expect(summarize({ ...results, tested: false, vitest: undefined }).failed).toEqual([
    'unit tests (vitest wrote no report)',
  ])
})

test('a step that fails before the tests is a failure', () => {
  const failing = [{ step: 'install', passed: false }]
  expect(summarize({ ...results, tested: false, steps: failing, vitest: undefined })).toEqual({
    passed: 0,
    failed: ['install'],
    skipped: [],
  })
})
