import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GraphError } from '../../src/errors.js'
import { importOnnx } from '../../src/onnx/import/importOnnx.js'
import { decodeModel } from '../../src/onnx/proto/decode.js'
import { encodeModel } from '../../src/onnx/proto/encode.js'
import { arbitraryEdit } from './arbitraryEdit.js'
import type { NodeCase } from './nodeCase.js'

const RUNS = 500

const folder = new URL('../fixtures/onnx/', import.meta.url)
const torch = readdirSync(new URL('torch/', folder))
  .filter((file) => file.endsWith('.onnx'))
  .map((file) => new Uint8Array(readFileSync(new URL(`torch/${file}`, folder))))
const cases = readdirSync(new URL('node/', folder))
  .flatMap((file) =>
    readFileSync(new URL(`node/${file}`, folder), 'utf8')
      .trim()
      .split('\n'),
  )
  .map((line) => new Uint8Array(Buffer.from((JSON.parse(line) as NodeCase).model!, 'base64')))
const files = [...torch, ...cases]

// Whatever a file holds, it is imported or one of our errors says why not.
function importsOrSaysWhy(bytes: Uint8Array): void {
  try {
    importOnnx(bytes)
  } catch (error) {
    if (!(error instanceof GraphError)) throw error
    expect(error.code).toMatch(/^NEMO_ONNX_(FORMAT|IMPORT|UNSUPPORTED)$/)
    expect(error.message).not.toMatch(/undefined|\[object/)
  }
}

describe('importOnnx on damaged models', () => {
  test('imports bytes with errors in them, or says why not', () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(fc.constantFrom(...files), damage, fc.option(fc.nat(), { freq: 1 }), (file, changes, cut) => {
        const bytes = file.slice()
        for (const [at, value] of changes) bytes[at % bytes.length] = value
        importsOrSaysWhy(cut === null ? bytes : bytes.subarray(0, cut % (bytes.length + 1)))
      }),
      { seed: 20, numRuns: RUNS },
    )
  })

  test('imports models with mistakes in them, or says why not', () => {
    fc.assert(
      fc.property(fc.constantFrom(...files), fc.array(arbitraryEdit, { minLength: 1, maxLength: 4 }), (file, edits) => {
        const model = decodeModel(file)
        for (const change of edits) change(model)
        importsOrSaysWhy(encodeModel(model))
      }),
      { seed: 21, numRuns: RUNS },
    )
  })
})
