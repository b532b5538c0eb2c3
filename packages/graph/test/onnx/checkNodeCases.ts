// Runs every case of files that tools/reference/onnxNodeCases.py has written and prints how they went:
//
//   node --conditions=@nemo/source --import tsx packages/graph/test/onnx/checkNodeCases.ts [--verbose] [--only TEXT] FILE...
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { ort } from '../../src/runtime/ort/ort.js'
import { type NodeCase, type NodeCaseResult, runNodeCase } from './nodeCase.js'

const { values, positionals } = parseArgs({
  options: { verbose: { type: 'boolean', default: false }, only: { type: 'string', default: '' } },
  allowPositionals: true,
})

const runtime = ort({ threads: 1 })
for (const file of positionals) {
  const counts = new Map<string, number>()
  for await (const line of createInterface({ input: createReadStream(file) })) {
    const nodeCase = JSON.parse(line) as NodeCase
    if (!nodeCase.name.includes(values.only)) continue
    let result: NodeCaseResult | { stage: 'crashed'; code?: string; message: string }
    try {
      result = await runNodeCase(nodeCase, runtime)
    } catch (error) {
      result = { stage: 'crashed', message: (error as Error).stack ?? String(error) }
    }
    const kind = result.code === 'NEMO_ONNX_UNSUPPORTED' ? 'unsupported' : result.stage
    counts.set(kind, (counts.get(kind) ?? 0) + 1)
    if (values.verbose && kind !== 'passed')
      console.log(`${kind}\t${nodeCase.name}\t${nodeCase.ops.join(',')}\t${result.message}`)
  }
  console.log(`${file}: ${[...counts].map(([kind, count]) => `${count} ${kind}`).join(', ')}`)
}
