// Imports every model of a file that tools/reference/onnxNodeCases.py has written, and every .onnx file given, and exports
// it again, for tools/reference/onnxCheckModels.py:
//
//   node --conditions=@nemo/source --import tsx packages/graph/test/onnx/writeExports.ts OUT FILE...
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { GraphError } from '../../src/errors.js'
import { exportOnnx } from '../../src/onnx/exportOnnx.js'
import { importOnnx } from '../../src/onnx/import/importOnnx.js'
import { importNodeCase, type NodeCase } from './nodeCase.js'

const [out, ...files] = process.argv.slice(2)
mkdirSync(out!, { recursive: true })
for (const file of files) {
  let [written, refused] = [0, 0]
  const models = file.endsWith('.onnx')
    ? [{ name: basename(file, '.onnx'), read: () => importOnnx(readFileSync(file)) }]
    : readFileSync(file, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as NodeCase)
        .filter((nodeCase) => !nodeCase.skip)
        .map((nodeCase) => ({ name: nodeCase.name, read: () => importNodeCase(nodeCase).model }))
  for (const { name, read } of models) {
    try {
      writeFileSync(join(out!, `${name}.onnx`), await exportOnnx(read().outputs, { valueInfo: true, graphName: name }))
      written++
    } catch (error) {
      if (!(error instanceof GraphError)) throw new Error(name, { cause: error })
      refused++
    }
  }
  console.log(`${file}: ${written} written, ${refused} refused`)
}
