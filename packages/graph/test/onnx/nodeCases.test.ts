// The published ONNX node tests of onnx 1.3 to 1.23 (opsets 7 to 28), a selection for every op:
// tools/reference/onnxNodeCases.py and packNodeCases.ts beside this file. checkNodeCases.ts runs them all.
import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, describe, expect, test } from 'vitest'
import { standardRules } from '../../src/onnx/import/importRules.js'
import { ops } from '../../src/ops/registry.js'
import { ort } from '../../src/runtime/ort/ort.js'
import { type NodeCase, runNodeCase } from './nodeCase.js'
import { knownFailure } from './nodeCaseFailures.js'
import { unsupportedOps } from './unsupportedOps.js'

const folder = new URL('../fixtures/onnx/', import.meta.url)
const runtime = ort({ threads: 1 })
afterAll(() => runtime.dispose())

const families = readdirSync(new URL('node/', folder)).map((file) => ({
  family: file.replace('.jsonl', ''),
  cases: readFileSync(new URL(`node/${file}`, folder), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as NodeCase),
}))

describe.each(families)('ONNX node cases: $family', ({ cases }) => {
  const titled = cases.map((nodeCase) => ({
    title: `${nodeCase.name} of ${nodeCase.source}, opset ${nodeCase.opset}`,
    nodeCase,
  }))

  test.each(titled.filter(({ nodeCase }) => !knownFailure(nodeCase.name)))('$title passes', async ({ nodeCase }) => {
    expect(await runNodeCase(nodeCase, runtime)).toEqual({ stage: 'passed' })
  })

  const failing = titled.flatMap(({ title, nodeCase }) => {
    const failure = knownFailure(nodeCase.name)
    return failure ? [{ title, nodeCase, reason: failure.reason, stage: failure.stage }] : []
  })
  if (failing.length > 0) {
    test.each(failing)('$title does not pass: $reason', async ({ nodeCase, stage }) => {
      expect((await runNodeCase(nodeCase, runtime)).stage).toBe(stage)
    })
  }
})

describe('ops of the ONNX standard', () => {
  const versions = JSON.parse(readFileSync(new URL('opVersions.json', folder), 'utf8')) as Record<string, number[]>

  test('each is imported, or listed with the reason why not', () => {
    for (const op of Object.keys(versions))
      expect([op, op in standardRules !== op in unsupportedOps]).toEqual([op, true])
    for (const op of Object.keys({ ...standardRules, ...unsupportedOps })) expect(versions).toHaveProperty(op)
  })

  test('each rule begins with the opset that introduced the op', () => {
    for (const [op, { since }] of Object.entries(standardRules)) {
      const first = versions[op]![0]!
      expect([op, since]).toEqual([op, first <= 7 ? since : first])
      expect(since).toBeLessThanOrEqual(Math.max(first, 7))
    }
  })

  test('each imported op has published cases', () => {
    const covered = new Set(families.flatMap(({ cases }) => cases.flatMap((nodeCase) => nodeCase.ops)))
    const without = Object.keys(standardRules).filter((op) => !covered.has(op))
    expect(without.sort()).toEqual(opsWithoutCases)
  })

  test('each of our ops that the standard has is imported', () => {
    const ours = Object.values(ops).filter((op) => op.domain === '')
    expect(ours.map((op) => op.type).filter((type) => !(type in standardRules))).toEqual([])
  })
})

// Random numbers have no expected values; Mish's only case is large; the others have none in the standard. The op's and
// the importer's own tests cover them.
const opsWithoutCases = ['GlobalLpPool', 'Mish', 'RandomNormal', 'RandomNormalLike', 'RandomUniform']
