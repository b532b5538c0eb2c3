// Packs a selection of ONNX's node cases, a few kilobytes per op and all versions of its meaning, as test fixtures:
//
//   node --conditions=@nemo/source --import tsx packages/graph/test/onnx/packNodeCases.ts FILE.jsonl...
//
// The files are those of tools/reference/onnxNodeCases.py, oldest version of onnx first.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { ruleFamilies } from '../../src/onnx/import/importRules.js'
import type { NodeCase } from './nodeCase.js'
import { knownFailure } from './nodeCaseFailures.js'

const BYTES_PER_OP = 2800
// Ops of these families have more to get wrong.
const BYTES_PER_RICH_OP = 14_000
const RICH = new Set(['attention', 'convolution', 'controlFlow', 'pooling', 'recurrent', 'resize', 'spectral'])
const CASES_PER_OP = 12
const BYTES_OF_FUNCTIONS = 80_000

const folder = new URL('../fixtures/onnx/', import.meta.url)
const versions = JSON.parse(readFileSync(new URL('opVersions.json', folder), 'utf8')) as Record<string, number[]>
const familyOf = new Map(
  Object.entries(ruleFamilies).flatMap(([family, rules]) => Object.keys(rules).map((op) => [op, family] as const)),
)

// Version of the op's meaning that a model of an opset has.
const meaning = (op: string, opset: number): number => versions[op]?.findLast((version) => version <= opset) ?? 0

const byOp = new Map<string, { line: string; meaning: number }[]>()
const expanded: string[] = []
const seen = new Set<string>()
for (const file of process.argv.slice(2)) {
  for (const line of readFileSync(file, 'utf8').trim().split('\n')) {
    const nodeCase = JSON.parse(line) as NodeCase
    const { name, ops, opset, skip } = nodeCase
    if (skip || !ops.every((op) => familyOf.has(op)) || opset < 7) continue
    const op = ops[0]!
    // Some cases of old versions are for ops that were not part of the standard yet.
    if (ops.length === 1 && meaning(op, opset) === 0) continue
    // ONNX Runtime would write its complaint into the tests' output.
    if (knownFailure(name)?.stage === 'run') continue
    const key = `${name} ${ops.length === 1 ? meaning(op, opset) : 'expanded'}`
    if (seen.has(key)) continue
    seen.add(key)
    if (ops.length > 1 || name.endsWith('_expanded')) expanded.push(line)
    else byOp.set(op, [...(byOp.get(op) ?? []), { line, meaning: meaning(op, opset) }])
  }
}

const files = new Map<string, string[]>()
const add = (family: string, line: string) => files.set(family, [...(files.get(family) ?? []), line])
for (const [op, lines] of [...byOp].sort(([a], [b]) => (a < b ? -1 : 1))) {
  // Small cases of each version in turn, until the op has had its share.
  const queues = [...new Set(lines.map((entry) => entry.meaning))].map((version) =>
    lines.filter((entry) => entry.meaning === version).sort((a, b) => a.line.length - b.line.length),
  )
  let left = RICH.has(familyOf.get(op)!) ? BYTES_PER_RICH_OP : BYTES_PER_OP
  let count = 0
  for (let queue = queues.shift(); queue; queue = queues.shift()) {
    const next = queue.shift()
    if (!next || (next.line.length > left && count > 0) || next.line.length > 40_000 || count === CASES_PER_OP) continue
    count++
    left -= next.line.length
    add(familyOf.get(op)!, next.line)
    queues.push(queue)
  }
}
// What the standard says an op means, in other ops: evenly spread over all there are.
const short = expanded.filter((line) => line.length < 8000)
const step = Math.max(1, Math.ceil(short.reduce((sum, line) => sum + line.length, 0) / BYTES_OF_FUNCTIONS))
for (let i = 0; i < short.length; i += step) add('expanded', short[i]!)

mkdirSync(new URL('node/', folder), { recursive: true })
for (const [family, lines] of files) {
  writeFileSync(new URL(`node/${family}.jsonl`, folder), `${lines.join('\n')}\n`)
  console.log(`${family}: ${lines.length} cases, ${lines.join('\n').length} bytes`)
}
