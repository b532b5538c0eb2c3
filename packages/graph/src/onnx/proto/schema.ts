import {
  type AttributeProto,
  AttributeType,
  type DeviceConfigurationProto,
  type FunctionProto,
  type GraphProto,
  type IntIntListEntryProto,
  type MapTypeProto,
  type ModelProto,
  type NodeDeviceConfigurationProto,
  type NodeProto,
  type OpaqueTypeProto,
  type OperatorSetId,
  type OptionalTypeProto,
  type SequenceTypeProto,
  type ShardedDimProto,
  type ShardingSpecProto,
  type SimpleShardedDimProto,
  type SparseTensorProto,
  type StringStringEntry,
  type TensorAnnotation,
  TensorDataLocation,
  type TensorDimension,
  type TensorProto,
  type TensorSegment,
  type TensorShapeProto,
  type TensorTypeProto,
  type TrainingInfoProto,
  type TypeProto,
  type ValueInfoProto,
} from './model.js'

/** Every message by its name. */
export interface Messages {
  ModelProto: ModelProto
  GraphProto: GraphProto
  NodeProto: NodeProto
  AttributeProto: AttributeProto
  TensorProto: TensorProto
  TensorSegment: TensorSegment
  SparseTensorProto: SparseTensorProto
  ValueInfoProto: ValueInfoProto
  TypeProto: TypeProto
  TensorTypeProto: TensorTypeProto
  SequenceTypeProto: SequenceTypeProto
  MapTypeProto: MapTypeProto
  OptionalTypeProto: OptionalTypeProto
  OpaqueTypeProto: OpaqueTypeProto
  TensorShapeProto: TensorShapeProto
  TensorDimension: TensorDimension
  OperatorSetId: OperatorSetId
  FunctionProto: FunctionProto
  TrainingInfoProto: TrainingInfoProto
  TensorAnnotation: TensorAnnotation
  StringStringEntry: StringStringEntry
  DeviceConfigurationProto: DeviceConfigurationProto
  NodeDeviceConfigurationProto: NodeDeviceConfigurationProto
  ShardingSpecProto: ShardingSpecProto
  IntIntListEntryProto: IntIntListEntryProto
  ShardedDimProto: ShardedDimProto
  SimpleShardedDimProto: SimpleShardedDimProto
}

/** Name of a message. */
export type MessageName = keyof Messages

/** Numeric fields that are one typed array, packed on the wire. */
export type ArrayKind = 'floatArray' | 'doubleArray' | 'int32Array' | 'int64Array' | 'uint64Array'

/** How a field's value is laid out on the wire. */
export type FieldKind = 'int32' | 'int64' | 'enum' | 'float' | 'string' | 'bytes' | 'message' | ArrayKind

/** `optional` may be absent; `filled` reads as the zero value of its kind; `required` must be in the file. */
export type Presence = 'optional' | 'filled' | 'required'

declare const valueType: unique symbol

/** Description of one field; `T` is its value's TypeScript type. */
export interface Field<T = unknown, P extends Presence = Presence> {
  readonly number: number
  readonly kind: FieldKind
  readonly presence: P
  readonly repeated: boolean
  /** Message name, for kind `message`. */
  readonly message?: MessageName
  /** Allowed numbers, for kind `enum`. */
  readonly values?: ReadonlySet<number>
  /** Group of fields of which at most one is set. */
  readonly oneof?: string
  readonly [valueType]?: T
}

// The compiler holds each table against its interface: every key, its type, and whether it may be absent.
type FieldTable<M> = {
  readonly [K in keyof M]-?: Field<
    Exclude<M[K], undefined>,
    Partial<Record<K, M[K]>> extends Pick<M, K> ? 'optional' : 'filled' | 'required'
  >
}

function field<T>(number: number, kind: FieldKind, more: Partial<Field> = {}): Field<T, 'optional'> {
  return { number, kind, repeated: false, ...more, presence: 'optional' } as Field<T, 'optional'>
}

const int32 = (number: number) => field<number>(number, 'int32')
const int64 = (number: number) => field<number>(number, 'int64')
const float = (number: number) => field<number>(number, 'float')
const string = (number: number) => field<string>(number, 'string')
const bytes = (number: number) => field<Uint8Array>(number, 'bytes')
const message = <N extends MessageName>(number: number, name: N) =>
  field<Messages[N]>(number, 'message', { message: name })
const enumeration = <E extends number>(number: number, values: Record<string, E>) =>
  field<E>(number, 'enum', { values: new Set<number>(Object.values(values)) })

const list = <T>(of: Field<T, 'optional'>): Field<T[], 'optional'> =>
  ({ ...of, repeated: true }) as Field<T[], 'optional'>
const filled = <T>(of: Field<T, 'optional'>): Field<T, 'filled'> =>
  ({ ...of, presence: 'filled' }) as Field<T, 'filled'>
const required = <T>(of: Field<T, 'optional'>): Field<T, 'required'> =>
  ({ ...of, presence: 'required' }) as Field<T, 'required'>
const oneof = <T>(group: string, of: Field<T, 'optional'>): Field<T, 'optional'> => ({ ...of, oneof: group })

/** The fields of every message. Source: onnx/onnx.proto, IR version 14. */
export const schema: { readonly [N in MessageName]: FieldTable<Messages[N]> } = {
  ModelProto: {
    irVersion: required(int64(1)),
    producerName: string(2),
    producerVersion: string(3),
    domain: string(4),
    modelVersion: int64(5),
    docString: string(6),
    graph: required(message(7, 'GraphProto')),
    opsetImport: filled(list(message(8, 'OperatorSetId'))),
    metadataProps: list(message(14, 'StringStringEntry')),
    trainingInfo: list(message(20, 'TrainingInfoProto')),
    functions: list(message(25, 'FunctionProto')),
    configuration: list(message(26, 'DeviceConfigurationProto')),
  },
  GraphProto: {
    node: filled(list(message(1, 'NodeProto'))),
    name: string(2),
    initializer: filled(list(message(5, 'TensorProto'))),
    docString: string(10),
    input: filled(list(message(11, 'ValueInfoProto'))),
    output: filled(list(message(12, 'ValueInfoProto'))),
    valueInfo: list(message(13, 'ValueInfoProto')),
    quantizationAnnotation: list(message(14, 'TensorAnnotation')),
    sparseInitializer: list(message(15, 'SparseTensorProto')),
    metadataProps: list(message(16, 'StringStringEntry')),
  },
  NodeProto: {
    input: filled(list(string(1))),
    output: filled(list(string(2))),
    name: string(3),
    opType: required(string(4)),
    attribute: filled(list(message(5, 'AttributeProto'))),
    docString: string(6),
    domain: string(7),
    overload: string(8),
    metadataProps: list(message(9, 'StringStringEntry')),
    deviceConfigurations: list(message(10, 'NodeDeviceConfigurationProto')),
  },
  AttributeProto: {
    name: required(string(1)),
    f: float(2),
    i: int64(3),
    s: bytes(4),
    t: message(5, 'TensorProto'),
    g: message(6, 'GraphProto'),
    floats: list(float(7)),
    ints: list(int64(8)),
    strings: list(bytes(9)),
    tensors: list(message(10, 'TensorProto')),
    graphs: list(message(11, 'GraphProto')),
    docString: string(13),
    tp: message(14, 'TypeProto'),
    typeProtos: list(message(15, 'TypeProto')),
    type: filled(enumeration(20, AttributeType)),
    refAttrName: string(21),
    sparseTensor: message(22, 'SparseTensorProto'),
    sparseTensors: list(message(23, 'SparseTensorProto')),
  },
  TensorProto: {
    dims: filled(list(int64(1))),
    dataType: required(int32(2)),
    segment: message(3, 'TensorSegment'),
    floatData: field<Float32Array>(4, 'floatArray'),
    int32Data: field<Int32Array>(5, 'int32Array'),
    stringData: list(bytes(6)),
    int64Data: field<BigInt64Array>(7, 'int64Array'),
    name: string(8),
    rawData: bytes(9),
    doubleData: field<Float64Array>(10, 'doubleArray'),
    uint64Data: field<BigUint64Array>(11, 'uint64Array'),
    docString: string(12),
    externalData: list(message(13, 'StringStringEntry')),
    dataLocation: enumeration(14, TensorDataLocation),
    metadataProps: list(message(16, 'StringStringEntry')),
  },
  TensorSegment: { begin: int64(1), end: int64(2) },
  SparseTensorProto: {
    values: required(message(1, 'TensorProto')),
    indices: required(message(2, 'TensorProto')),
    dims: filled(list(int64(3))),
  },
  ValueInfoProto: {
    name: filled(string(1)),
    type: message(2, 'TypeProto'),
    docString: string(3),
    metadataProps: list(message(4, 'StringStringEntry')),
  },
  TypeProto: {
    tensorType: oneof('value', message(1, 'TensorTypeProto')),
    sequenceType: oneof('value', message(4, 'SequenceTypeProto')),
    mapType: oneof('value', message(5, 'MapTypeProto')),
    denotation: string(6),
    opaqueType: oneof('value', message(7, 'OpaqueTypeProto')),
    sparseTensorType: oneof('value', message(8, 'TensorTypeProto')),
    optionalType: oneof('value', message(9, 'OptionalTypeProto')),
  },
  TensorTypeProto: { elemType: filled(int32(1)), shape: message(2, 'TensorShapeProto') },
  SequenceTypeProto: { elemType: message(1, 'TypeProto') },
  MapTypeProto: { keyType: filled(int32(1)), valueType: message(2, 'TypeProto') },
  OptionalTypeProto: { elemType: message(1, 'TypeProto') },
  OpaqueTypeProto: { domain: string(1), name: string(2) },
  TensorShapeProto: { dim: filled(list(message(1, 'TensorDimension'))) },
  TensorDimension: { dimValue: oneof('value', int64(1)), dimParam: oneof('value', string(2)), denotation: string(3) },
  OperatorSetId: { domain: string(1), version: required(int64(2)) },
  FunctionProto: {
    name: required(string(1)),
    input: filled(list(string(4))),
    output: filled(list(string(5))),
    attribute: filled(list(string(6))),
    node: filled(list(message(7, 'NodeProto'))),
    docString: string(8),
    opsetImport: filled(list(message(9, 'OperatorSetId'))),
    domain: string(10),
    attributeProto: list(message(11, 'AttributeProto')),
    valueInfo: list(message(12, 'ValueInfoProto')),
    overload: string(13),
    metadataProps: list(message(14, 'StringStringEntry')),
  },
  TrainingInfoProto: {
    initialization: message(1, 'GraphProto'),
    algorithm: message(2, 'GraphProto'),
    initializationBinding: list(message(3, 'StringStringEntry')),
    updateBinding: list(message(4, 'StringStringEntry')),
  },
  TensorAnnotation: { tensorName: string(1), quantParameterTensorNames: list(message(2, 'StringStringEntry')) },
  StringStringEntry: { key: filled(string(1)), value: filled(string(2)) },
  DeviceConfigurationProto: { name: string(1), numDevices: int32(2), device: list(string(3)) },
  NodeDeviceConfigurationProto: {
    configurationId: string(1),
    shardingSpec: list(message(2, 'ShardingSpecProto')),
    pipelineStage: int32(3),
  },
  ShardingSpecProto: {
    tensorName: string(1),
    device: list(int64(2)),
    indexToDeviceGroupMap: list(message(3, 'IntIntListEntryProto')),
    shardedDim: list(message(4, 'ShardedDimProto')),
  },
  IntIntListEntryProto: { key: int64(1), value: list(int64(2)) },
  ShardedDimProto: { axis: int64(1), simpleSharding: list(message(2, 'SimpleShardedDimProto')) },
  SimpleShardedDimProto: {
    dimValue: oneof('dim', int64(1)),
    dimParam: oneof('dim', string(2)),
    numShards: int64(3),
  },
}

/** A field and its key, as the reader and writer walk them. */
export interface NamedField extends Field {
  readonly key: string
}

const orders = new Map<MessageName, readonly NamedField[]>()

/** Fields of a message by ascending number, the order in which protobuf writes them. */
export function fieldsInOrder(name: MessageName): readonly NamedField[] {
  let fields = orders.get(name)
  if (!fields) {
    fields = Object.entries(schema[name] as Record<string, Field>)
      .map(([key, of]) => ({ ...of, key }))
      .sort((a, b) => a.number - b.number)
    orders.set(name, fields)
  }
  return fields
}

/**
 * Messages deeper than this are refused in both directions: protobuf's own limit, so that what we write others can
 * read. One level of subgraphs takes three.
 */
export const maximumDepth = 100
