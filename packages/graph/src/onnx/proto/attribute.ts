import { OnnxFormatError } from './errors.js'
import {
  type AttributeProto,
  AttributeType,
  type GraphProto,
  type SparseTensorProto,
  type TensorProto,
  type TypeProto,
} from './model.js'

/** What an attribute of each type holds; strings are text here. */
export interface AttributeValues {
  FLOAT: number
  INT: number
  STRING: string
  TENSOR: TensorProto
  GRAPH: GraphProto
  FLOATS: readonly number[]
  INTS: readonly number[]
  STRINGS: readonly string[]
  TENSORS: readonly TensorProto[]
  GRAPHS: readonly GraphProto[]
  SPARSE_TENSOR: SparseTensorProto
  SPARSE_TENSORS: readonly SparseTensorProto[]
  TYPE_PROTO: TypeProto
  TYPE_PROTOS: readonly TypeProto[]
}

/** Name of an attribute's type. */
export type AttributeKind = keyof AttributeValues

/** An attribute's value with its type: narrow it by `kind`. */
export type AttributeValue = {
  [K in AttributeKind]: { readonly kind: K; readonly value: AttributeValues[K] }
}[AttributeKind]

const fieldOf = {
  FLOAT: 'f',
  INT: 'i',
  STRING: 's',
  TENSOR: 't',
  GRAPH: 'g',
  FLOATS: 'floats',
  INTS: 'ints',
  STRINGS: 'strings',
  TENSORS: 'tensors',
  GRAPHS: 'graphs',
  SPARSE_TENSOR: 'sparseTensor',
  SPARSE_TENSORS: 'sparseTensors',
  TYPE_PROTO: 'tp',
  TYPE_PROTOS: 'typeProtos',
} as const satisfies Record<AttributeKind, keyof AttributeProto>

const kinds = Object.keys(fieldOf) as AttributeKind[]
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const encoder = new TextEncoder()

/**
 * An attribute that holds `value`; lists are copied.
 *
 * @param kind - Its ONNX type, which a JavaScript number does not tell: FLOAT and INT are both numbers.
 */
export function makeAttribute<K extends AttributeKind>(
  name: string,
  kind: K,
  value: AttributeValues[K],
): AttributeProto {
  const attribute: AttributeProto = { name, type: AttributeType[kind] }
  if (kind === 'STRING') attribute.s = encoder.encode(value as string)
  else if (kind === 'STRINGS') attribute.strings = (value as readonly string[]).map((text) => encoder.encode(text))
  else Object.assign(attribute, { [fieldOf[kind]]: Array.isArray(value) ? [...value] : value })
  return attribute
}

/**
 * The value of an attribute. A number, string or list that is absent reads as zero or empty, as some writers leave those
 * out; without a type (IR version 1) the field that is present decides.
 *
 * @throws OnnxFormatError if the attribute has no value (a reference inside a function), or a string is not UTF-8:
 * read `s` or `strings` for bytes.
 */
export function attributeValue(attribute: AttributeProto): AttributeValue {
  const path = `AttributeProto ${JSON.stringify(attribute.name)}`
  const kind = kinds.find((k) =>
    attribute.type === AttributeType.UNDEFINED
      ? attribute[fieldOf[k]] !== undefined
      : AttributeType[k] === attribute.type,
  )
  if (attribute.refAttrName !== undefined && attribute.refAttrName !== '') {
    throw new OnnxFormatError(
      `its value is the attribute ${JSON.stringify(attribute.refAttrName)} of the function's call.`,
      { path },
    )
  }
  if (kind === undefined) throw new OnnxFormatError('expected a value, found none.', { path })
  const text = (bytes: Uint8Array): string => {
    try {
      return decoder.decode(bytes)
    } catch {
      throw new OnnxFormatError(`expected UTF-8 text, found ${bytes.length} other bytes.`, { path })
    }
  }
  const value = attribute[fieldOf[kind]]
  switch (kind) {
    case 'FLOAT':
    case 'INT':
      return { kind, value: (value as number | undefined) ?? 0 }
    case 'STRING':
      return { kind, value: text(attribute.s ?? new Uint8Array(0)) }
    case 'STRINGS':
      return { kind, value: (attribute.strings ?? []).map(text) }
    case 'TENSOR':
    case 'GRAPH':
    case 'SPARSE_TENSOR':
    case 'TYPE_PROTO':
      if (value === undefined)
        throw new OnnxFormatError(`expected a ${kind} in ${fieldOf[kind]}, found none.`, { path })
      return { kind, value } as AttributeValue
    default:
      return { kind, value: value ?? [] } as AttributeValue
  }
}
