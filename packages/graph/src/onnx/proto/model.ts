/**
 * ONNX messages as plain objects. Names are those of the published `onnx.proto` in camelCase, one interface a message.
 *
 * A field that may be absent is optional here, and absent stays apart from empty. Lists that nearly every model fills
 * (a graph's nodes, a node's inputs) are always arrays; the others are absent when empty. 64-bit integers are numbers,
 * except tensor data, which is a `BigInt64Array` or `BigUint64Array`; a value outside the safe integers is refused.
 *
 * Source: ONNX IR specification, onnx/onnx.proto, IR version 14.
 */

/** Element types of tensors. Source: `TensorProto.DataType`. */
export const TensorDataType = {
  UNDEFINED: 0,
  FLOAT: 1,
  UINT8: 2,
  INT8: 3,
  UINT16: 4,
  INT16: 5,
  INT32: 6,
  INT64: 7,
  STRING: 8,
  BOOL: 9,
  FLOAT16: 10,
  DOUBLE: 11,
  UINT32: 12,
  UINT64: 13,
  COMPLEX64: 14,
  COMPLEX128: 15,
  BFLOAT16: 16,
  FLOAT8E4M3FN: 17,
  FLOAT8E4M3FNUZ: 18,
  FLOAT8E5M2: 19,
  FLOAT8E5M2FNUZ: 20,
  UINT4: 21,
  INT4: 22,
  FLOAT4E2M1: 23,
  FLOAT8E8M0: 24,
  UINT2: 25,
  INT2: 26,
  FLOAT6E2M3: 27,
  FLOAT6E3M2: 28,
} as const
/** One of the numbers in `TensorDataType`. */
export type TensorDataType = (typeof TensorDataType)[keyof typeof TensorDataType]

/** Which field of an attribute holds its value. Source: `AttributeProto.AttributeType`. */
export const AttributeType = {
  UNDEFINED: 0,
  FLOAT: 1,
  INT: 2,
  STRING: 3,
  TENSOR: 4,
  GRAPH: 5,
  FLOATS: 6,
  INTS: 7,
  STRINGS: 8,
  TENSORS: 9,
  GRAPHS: 10,
  SPARSE_TENSOR: 11,
  SPARSE_TENSORS: 12,
  TYPE_PROTO: 13,
  TYPE_PROTOS: 14,
} as const
/** One of the numbers in `AttributeType`. */
export type AttributeType = (typeof AttributeType)[keyof typeof AttributeType]

/** Where a tensor's elements are. Source: `TensorProto.DataLocation`. */
export const TensorDataLocation = { DEFAULT: 0, EXTERNAL: 1 } as const
/** One of the numbers in `TensorDataLocation`. */
export type TensorDataLocation = (typeof TensorDataLocation)[keyof typeof TensorDataLocation]

/** A key and its value, as in a model's metadata. */
export interface StringStringEntry {
  key: string
  value: string
}

/** An operator set that a model uses; no domain or `''` is the standard one, `ai.onnx`. */
export interface OperatorSetId {
  domain?: string
  version: number
}

/** A whole ONNX file. */
export interface ModelProto {
  irVersion: number
  opsetImport: OperatorSetId[]
  producerName?: string
  producerVersion?: string
  domain?: string
  modelVersion?: number
  docString?: string
  graph: GraphProto
  metadataProps?: StringStringEntry[]
  trainingInfo?: TrainingInfoProto[]
  functions?: FunctionProto[]
  configuration?: DeviceConfigurationProto[]
}

/** A graph: nodes in topological order, the values they read and give. */
export interface GraphProto {
  name?: string
  node: NodeProto[]
  initializer: TensorProto[]
  sparseInitializer?: SparseTensorProto[]
  docString?: string
  input: ValueInfoProto[]
  output: ValueInfoProto[]
  valueInfo?: ValueInfoProto[]
  quantizationAnnotation?: TensorAnnotation[]
  metadataProps?: StringStringEntry[]
}

/** One operator call; an absent optional input or output is `''`. */
export interface NodeProto {
  input: string[]
  output: string[]
  name?: string
  opType: string
  domain?: string
  overload?: string
  attribute: AttributeProto[]
  docString?: string
  metadataProps?: StringStringEntry[]
  deviceConfigurations?: NodeDeviceConfigurationProto[]
}

/**
 * An attribute of a node. `type` says which of the other fields holds the value (UNDEFINED only in files of IR version 1);
 * `refAttrName` replaces the value inside a function body. Strings are bytes, UTF-8 by convention.
 */
export interface AttributeProto {
  name: string
  refAttrName?: string
  docString?: string
  type: AttributeType
  f?: number
  i?: number
  s?: Uint8Array
  t?: TensorProto
  g?: GraphProto
  sparseTensor?: SparseTensorProto
  tp?: TypeProto
  floats?: number[]
  ints?: number[]
  strings?: Uint8Array[]
  tensors?: TensorProto[]
  graphs?: GraphProto[]
  sparseTensors?: SparseTensorProto[]
  typeProtos?: TypeProto[]
}

/** Begin and end of a tensor stored in pieces. */
export interface TensorSegment {
  begin?: number
  end?: number
}

/**
 * A tensor. Its elements are in `rawData` (little-endian), or in the one `…Data` list of its type, or outside the file.
 * `dataType` is one of `TensorDataType`, or a later standard's number. `tensorToArray` reads all of these.
 */
export interface TensorProto {
  dims: number[]
  dataType: number
  segment?: TensorSegment
  floatData?: Float32Array
  int32Data?: Int32Array
  stringData?: Uint8Array[]
  int64Data?: BigInt64Array
  name?: string
  docString?: string
  rawData?: Uint8Array
  externalData?: StringStringEntry[]
  dataLocation?: TensorDataLocation
  doubleData?: Float64Array
  uint64Data?: BigUint64Array
  metadataProps?: StringStringEntry[]
}

/** Non-zero `values` (`[N]`) at `indices` (`[N]` linear or `[N, rank]`) of a tensor of shape `dims`. */
export interface SparseTensorProto {
  values: TensorProto
  indices: TensorProto
  dims: number[]
}

/** Name and type of a value. */
export interface ValueInfoProto {
  name: string
  type?: TypeProto
  docString?: string
  metadataProps?: StringStringEntry[]
}

/** An axis: a size, a symbol, or neither (unknown). */
export interface TensorDimension {
  dimValue?: number
  dimParam?: string
  denotation?: string
}

/** A tensor's axes. */
export interface TensorShapeProto {
  dim: TensorDimension[]
}

/** Type of a dense or sparse tensor; without a shape its rank is unknown. */
export interface TensorTypeProto {
  elemType: number
  shape?: TensorShapeProto
}

/** Type of a list of values of one type. */
export interface SequenceTypeProto {
  elemType?: TypeProto
}

/** Type of a map; `keyType` is one of `TensorDataType`. */
export interface MapTypeProto {
  keyType: number
  valueType?: TypeProto
}

/** Type of a value that may be missing. */
export interface OptionalTypeProto {
  elemType?: TypeProto
}

/** A type outside ONNX. */
export interface OpaqueTypeProto {
  domain?: string
  name?: string
}

/** A value's type: exactly one of the `…Type` fields. */
export interface TypeProto {
  tensorType?: TensorTypeProto
  sequenceType?: SequenceTypeProto
  mapType?: MapTypeProto
  optionalType?: OptionalTypeProto
  sparseTensorType?: TensorTypeProto
  opaqueType?: OpaqueTypeProto
  denotation?: string
}

/** An operator defined by a graph of others, called by nodes of its domain, name and overload. */
export interface FunctionProto {
  name: string
  input: string[]
  output: string[]
  /** Names of attributes without a default. */
  attribute: string[]
  /** Attributes with their defaults. */
  attributeProto?: AttributeProto[]
  node: NodeProto[]
  docString?: string
  opsetImport: OperatorSetId[]
  domain?: string
  overload?: string
  valueInfo?: ValueInfoProto[]
  metadataProps?: StringStringEntry[]
}

/** Initialisation and step of training, as graphs. */
export interface TrainingInfoProto {
  initialization?: GraphProto
  algorithm?: GraphProto
  initializationBinding?: StringStringEntry[]
  updateBinding?: StringStringEntry[]
}

/** Quantisation parameters of a tensor, by name. */
export interface TensorAnnotation {
  tensorName?: string
  quantParameterTensorNames?: StringStringEntry[]
}

/** A set of devices that nodes may refer to. */
export interface DeviceConfigurationProto {
  name?: string
  numDevices?: number
  device?: string[]
}

/** How one node is spread over a device configuration. */
export interface NodeDeviceConfigurationProto {
  configurationId?: string
  shardingSpec?: ShardingSpecProto[]
  pipelineStage?: number
}

/** How one tensor is split over devices. */
export interface ShardingSpecProto {
  tensorName?: string
  device?: number[]
  indexToDeviceGroupMap?: IntIntListEntryProto[]
  shardedDim?: ShardedDimProto[]
}

/** A device index and its group. */
export interface IntIntListEntryProto {
  key?: number
  value?: number[]
}

/** How one axis is split. */
export interface ShardedDimProto {
  axis?: number
  simpleSharding?: SimpleShardedDimProto[]
}

/** An axis cut into equal shards. */
export interface SimpleShardedDimProto {
  dimValue?: number
  dimParam?: string
  numShards?: number
}
