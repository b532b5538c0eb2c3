import fc from 'fast-check'
import { standardRules } from '../../src/onnx/import/importRules.js'
import type { AttributeProto, ModelProto, NodeProto } from '../../src/onnx/proto/model.js'

const edge = fc.constantFrom(-(2 ** 53) + 1, -(2 ** 31), -3, -2, -1, 0, 1, 2, 3, 7, 64, 2 ** 31, 2 ** 40, 2 ** 53 - 1)
const opTypes = Object.keys(standardRules)

/** Changes a model in place. */
export type Edit = (model: ModelProto) => void
const pick = <T>(list: readonly T[], at: number): T | undefined => list[at % list.length]
const everyNode = (model: ModelProto): readonly NodeProto[] => {
  const inside = (nodes: readonly NodeProto[]): NodeProto[] =>
    nodes.flatMap((node) => [node, ...node.attribute.flatMap((a) => (a.g ? inside(a.g.node) : []))])
  return inside(model.graph.node)
}
const everyAttribute = (model: ModelProto): readonly AttributeProto[] =>
  everyNode(model).flatMap((node) => node.attribute)

/** One mistake that a writer of models could make. */
export const arbitraryEdit: fc.Arbitrary<Edit> = fc.oneof(
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
