import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GraphError } from '../../src/errors.js'
import { importOnnx } from '../../src/onnx/import/importOnnx.js'
import { standardRules } from '../../src/onnx/import/importRules.js'
import { decodeModel } from '../../src/onnx/proto/decode.js'
import { encodeModel } from '../../src/onnx/proto/encode.js'
import type { AttributeProto, ModelProto, NodeProto } from '../../src/onnx/proto/model.js'
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
    expect(error.message).not.toMatch(/undefined|NaN|\[object/)
  }
}

const edge = fc.constantFrom(-(2 ** 53) + 1, -(2 ** 31), -3, -2, -1, 0, 1, 2, 3, 7, 64, 2 ** 31, 2 ** 40, 2 ** 53 - 1)
const opTypes = Object.keys(standardRules)

type Edit = (model: ModelProto) => void
const pick = <T>(list: readonly T[], at: number): T | undefined => list[at % list.length]
const everyNode = (model: ModelProto): readonly NodeProto[] => {
  const inside = (nodes: readonly NodeProto[]): NodeProto[] =>
    nodes.flatMap((node) => [node, ...node.attribute.flatMap((a) => (a.g ? inside(a.g.node) : []))])
  return inside(model.graph.node)
}
const everyAttribute = (model: ModelProto): readonly AttributeProto[] =>
  everyNode(model).flatMap((node) => node.attribute)

// One mistake that a writer of models could make.
const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.tuple(fc.nat(), fc.constantFrom(...opTypes, 'Nothing')).map(
    ([at, type]): Edit =>
      (model) => {
        const node = pick(everyNode(model), at)
        if (node) node.opType = type
      },
  ),
  fc.tuple(fc.nat(), fc.nat(), fc.nat()).map(
    ([at, from, to]): Edit =>
      (model) => {
        const names = everyNode(model).flatMap((node) => [...node.input, ...node.output])
        const node = pick(everyNode(model), at)
        if (node && node.input.length > 0) node.input[from % node.input.length] = pick(names, to) ?? ''
      },
  ),
  fc.tuple(fc.nat(), fc.nat()).map(
    ([at, which]): Edit =>
      (model) => {
        pick(everyNode(model), at)?.input.splice(which % 4, 1)
      },
  ),
  fc.nat().map(
    (at): Edit =>
      (model) => {
        const node = pick(everyNode(model), at)
        node?.input.push(...node.input)
      },
  ),
  fc.tuple(fc.nat(), fc.nat()).map(
    ([at, which]): Edit =>
      (model) => {
        pick(everyNode(model), at)?.output.splice(which % 3, 1)
      },
  ),
  fc.tuple(fc.nat(), edge).map(
    ([at, value]): Edit =>
      (model) => {
        const attribute = pick(everyAttribute(model), at)
        if (attribute?.i !== undefined) attribute.i = value
        if (attribute?.ints) attribute.ints = attribute.ints.map((old, i) => (i % 2 === 0 ? value : old))
      },
  ),
  fc.tuple(fc.nat(), fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -1, 0, 1e38)).map(
    ([at, value]): Edit =>
      (model) => {
        const attribute = pick(everyAttribute(model), at)
        if (attribute?.f !== undefined) attribute.f = value
        if (attribute?.floats) attribute.floats = attribute.floats.map(() => value)
      },
  ),
  fc.tuple(fc.nat(), fc.array(edge, { maxLength: 5 })).map(
    ([at, ints]): Edit =>
      (model) => {
        const attribute = pick(everyAttribute(model), at)
        if (attribute?.ints) attribute.ints = ints
      },
  ),
  fc.nat().map(
    (at): Edit =>
      (model) => {
        pick(everyNode(model), at)?.attribute.splice(0, 1)
      },
  ),
  fc.tuple(fc.nat(), fc.nat(), fc.oneof(edge, fc.constantFrom('B', 'T', '2*T', ''))).map(
    ([at, axis, size]): Edit =>
      (model) => {
        const dims = pick(model.graph.input, at)?.type?.tensorType?.shape?.dim
        if (dims) dims[axis % (dims.length + 1)] = typeof size === 'number' ? { dimValue: size } : { dimParam: size }
      },
  ),
  fc.tuple(fc.nat(), fc.nat({ max: 24 })).map(
    ([at, elemType]): Edit =>
      (model) => {
        const type = pick(model.graph.input, at)?.type?.tensorType
        if (type) type.elemType = elemType
      },
  ),
  fc.tuple(fc.nat(), fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n })).map(
    ([at, value]): Edit =>
      (model) => {
        const constants = [...model.graph.initializer, ...everyAttribute(model).flatMap((a) => (a.t ? [a.t] : []))]
        const tensor = pick(
          constants.filter(({ dataType }) => dataType === 7),
          at,
        )
        if (tensor?.rawData && tensor.rawData.length >= 8) {
          const copy = tensor.rawData.slice()
          new DataView(copy.buffer).setBigInt64(0, value, true)
          tensor.rawData = copy
        } else if (tensor?.int64Data?.length) tensor.int64Data = tensor.int64Data.map(() => value)
      },
  ),
  fc.integer({ min: 1, max: 30 }).map(
    (version): Edit =>
      (model) => {
        for (const opset of model.opsetImport) opset.version = version
      },
  ),
)

describe('importOnnx on damaged models', () => {
  test('imports bytes with errors in them, or says why not', () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(fc.constantFrom(...files), damage, fc.option(fc.nat()), (file, changes, cut) => {
        const bytes = file.slice()
        for (const [at, value] of changes) bytes[at % bytes.length] = value
        importsOrSaysWhy(cut === null ? bytes : bytes.subarray(0, cut % (bytes.length + 1)))
      }),
      { seed: 20, numRuns: RUNS },
    )
  })

  test('imports models with mistakes in them, or says why not', () => {
    fc.assert(
      fc.property(fc.constantFrom(...files), fc.array(edit, { minLength: 1, maxLength: 4 }), (file, edits) => {
        const model = decodeModel(file)
        for (const change of edits) change(model)
        importsOrSaysWhy(encodeModel(model))
      }),
      { seed: 21, numRuns: RUNS },
    )
  })
})
