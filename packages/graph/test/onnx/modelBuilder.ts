import { type DType, type NestedArray, tensorData } from '../../src/dtype.js'
import { type AttributeKind, type AttributeValues, makeAttribute } from '../../src/onnx/proto/attribute.js'
import { encodeModel } from '../../src/onnx/proto/encode.js'
import type {
  AttributeProto,
  FunctionProto,
  GraphProto,
  ModelProto,
  NodeProto,
  TensorProto,
  ValueInfoProto,
} from '../../src/onnx/proto/model.js'
import { arrayToTensor, dataTypeOf, type TensorArray } from '../../src/onnx/proto/tensor.js'

/** An attribute by its ONNX type. */
export const attribute = <K extends AttributeKind>(name: string, kind: K, value: AttributeValues[K]): AttributeProto =>
  makeAttribute(name, kind, value)

/** A node; names of inputs and outputs are separated by blanks, `-` stands for one that is left out. */
export function node(
  opType: string,
  inputs: string,
  outputs: string,
  attributes: readonly AttributeProto[] = [],
  more: Partial<NodeProto> = {},
): NodeProto {
  const names = (text: string) =>
    text
      .split(' ')
      .filter(Boolean)
      .map((name) => (name === '-' ? '' : name))
  return { opType, input: names(inputs), output: names(outputs), attribute: [...attributes], ...more }
}

/** A declared value: `value('x', ['B', 3])`. An empty name for an axis leaves it open. */
export function value(name: string, dims?: readonly (number | string)[], dtype: DType = 'float32'): ValueInfoProto {
  const dim = dims?.map((size) =>
    typeof size === 'number' ? { dimValue: size } : size === '' ? {} : { dimParam: size },
  )
  return { name, type: { tensorType: { elemType: dataTypeOf(dtype), ...(dim && { shape: { dim } }) } } }
}

/** An initializer or attribute value. */
export const tensor = (array: NestedArray, name?: string, dtype: DType = 'float32'): TensorProto =>
  arrayToTensor(tensorData(array, dtype) as TensorArray, name)

/** A graph of nodes over declared values. */
export const graph = (
  nodes: readonly NodeProto[],
  input: readonly ValueInfoProto[],
  output: readonly ValueInfoProto[],
  initializer: readonly TensorProto[] = [],
  more: Partial<GraphProto> = {},
): GraphProto => ({
  name: 'g',
  node: [...nodes],
  input: [...input],
  output: [...output],
  initializer: [...initializer],
  ...more,
})

/** A model file of one opset. */
export function modelBytes(
  content: GraphProto,
  opset = 20,
  more: Partial<ModelProto> & { readonly functions?: FunctionProto[] } = {},
): Uint8Array {
  return encodeModel({ irVersion: 8, opsetImport: [{ domain: '', version: opset }], graph: content, ...more })
}
