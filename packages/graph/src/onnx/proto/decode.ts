import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'
import { OnnxFormatError } from './errors.js'
import type { ModelProto, TensorProto } from './model.js'
import {
  type ArrayKind,
  type FieldKind,
  fieldsInOrder,
  type MessageName,
  maximumDepth,
  type NamedField,
} from './schema.js'

type NumericArray = Float32Array | Float64Array | Int32Array | BigInt64Array | BigUint64Array
type Fields = Record<string, unknown>

const arrayOf: Record<ArrayKind, { new (length: number): NumericArray; new (buffer: ArrayBuffer): NumericArray }> = {
  floatArray: Float32Array,
  doubleArray: Float64Array,
  int32Array: Int32Array,
  int64Array: BigInt64Array,
  uint64Array: BigUint64Array,
}

const wireTypeOf: Record<FieldKind, WireType> = {
  int32: WireType.Varint,
  int64: WireType.Varint,
  enum: WireType.Varint,
  float: WireType.Bit32,
  string: WireType.LengthDelimited,
  bytes: WireType.LengthDelimited,
  message: WireType.LengthDelimited,
  floatArray: WireType.Bit32,
  doubleArray: WireType.Bit64,
  int32Array: WireType.Varint,
  int64Array: WireType.Varint,
  uint64Array: WireType.Varint,
}

const wireTypeNames = ['a varint', '8 bytes', 'a length and bytes', 'a group', 'the end of a group', '4 bytes']

const zeroOf: Partial<Record<FieldKind, unknown>> = { int32: 0, int64: 0, enum: 0, float: 0, string: '' }

const lookups = new Map<MessageName, readonly (NamedField | undefined)[]>()

function lookup(name: MessageName): readonly (NamedField | undefined)[] {
  let byNumber = lookups.get(name)
  if (!byNumber) {
    const sparse: (NamedField | undefined)[] = []
    for (const field of fieldsInOrder(name)) sparse[field.number] = field
    byNumber = sparse
    lookups.set(name, byNumber)
  }
  return byNumber
}

const mandatory = new Map<MessageName, readonly NamedField[]>()

function mandatoryFields(name: MessageName): readonly NamedField[] {
  let fields = mandatory.get(name)
  if (!fields) {
    fields = fieldsInOrder(name).filter((field) => field.presence !== 'optional')
    mandatory.set(name, fields)
  }
  return fields
}

function isArrayKind(kind: FieldKind): kind is ArrayKind {
  return kind in arrayOf
}

// A typed array that grows: unpacked elements come one at a time, packed ones in runs of known length.
class NumericArrayBuilder {
  private values: NumericArray
  private length: number
  constructor(
    private readonly kind: ArrayKind,
    start: NumericArray | undefined,
  ) {
    // An array that `finish` returned may have room behind it, so that a message of very many parts is not copied for each.
    this.values = start ? new arrayOf[kind](start.buffer as ArrayBuffer) : new arrayOf[kind](0)
    this.length = start?.length ?? 0
  }

  /** Room for `count` more elements; returns the array and the index of the first of them. */
  extend(count: number): [NumericArray, number] {
    const from = this.length
    this.length += count
    if (this.length > this.values.length) {
      const larger = new arrayOf[this.kind](from === 0 ? count : Math.max(this.length, 2 * from))
      ;(larger as Float32Array).set(this.values.subarray(0, from) as Float32Array)
      this.values = larger
    }
    return [this.values, from]
  }

  finish(): NumericArray {
    return this.length === this.values.length ? this.values : this.values.subarray(0, this.length)
  }
}

class MessageReader {
  private readonly reader: BinaryReader
  private readonly path: (string | number)[]
  private depth = 0

  constructor(
    private readonly bytes: Uint8Array,
    private readonly root: MessageName,
  ) {
    this.reader = new BinaryReader(bytes)
    this.path = [root]
  }

  read(): unknown {
    try {
      return this.message(this.root, this.bytes.length, undefined)
    } catch (error) {
      // The wire reader throws plain errors; anything else would be a defect of ours and must not be disguised.
      const fromWire = error instanceof RangeError || (error instanceof Error && error.constructor === Error)
      if (fromWire) this.fail(`expected protobuf, found ${error.message}.${this.hint()}`)
      throw error
    }
  }

  private fail(message: string): never {
    let path = ''
    for (const part of this.path) path += typeof part === 'number' ? `[${part}]` : path === '' ? part : `.${part}`
    throw new OnnxFormatError(message, { path, offset: Math.min(this.reader.pos, this.bytes.length) })
  }

  private hint(): string {
    const kind = this.root === 'ModelProto' ? fileKind(this.bytes) : undefined
    return kind === undefined
      ? ' The file is damaged or cut short.'
      : ` This looks like ${kind}, not like an ONNX file.`
  }

  private message(name: MessageName, end: number, merged: Fields | undefined): Fields {
    if (++this.depth > maximumDepth)
      this.fail(`messages nest deeper than ${maximumDepth}, the limit of protobuf readers.`)
    const { reader } = this
    const target: Fields = merged ?? {}
    const fields = lookup(name)
    let builders: Map<NamedField, NumericArrayBuilder> | undefined
    while (reader.pos < end) {
      const [number, wireType] = reader.tag()
      const field = fields[number]
      if (!field) {
        reader.skip(wireType, number)
      } else {
        this.path.push(field.key)
        if (isArrayKind(field.kind)) {
          builders ??= new Map()
          let builder = builders.get(field)
          if (!builder) {
            builder = new NumericArrayBuilder(field.kind, target[field.key] as NumericArray | undefined)
            builders.set(field, builder)
          }
          this.arrayElements(field, field.kind, wireType, end, builder)
        } else if (field.repeated) {
          this.listElements(field, wireType, end, target)
        } else {
          this.expectWireType(field, wireType)
          if (field.oneof !== undefined) clearOthers(name, field, target)
          target[field.key] = this.value(field, end, target[field.key])
        }
        this.path.pop()
      }
      if (reader.pos > end)
        this.fail(`a field runs ${reader.pos - end} bytes past the end of its ${name}.${this.hint()}`)
    }
    if (builders) for (const [field, builder] of builders) target[field.key] = builder.finish()
    this.complete(name, target)
    this.depth--
    return target
  }

  private complete(name: MessageName, target: Fields): void {
    for (const field of mandatoryFields(name)) {
      if (target[field.key] !== undefined) continue
      if (field.presence === 'required') this.fail(`${name} has no ${field.key}, which ONNX requires.${this.hint()}`)
      target[field.key] = field.repeated ? [] : zeroOf[field.kind]
    }
  }

  private expectWireType(field: NamedField, found: WireType): void {
    const expected = wireTypeOf[field.kind]
    if (found === expected) return
    this.fail(
      `expected ${wireTypeNames[expected]} (wire type ${expected}), found ${wireTypeNames[found]} (wire type ${found}).${this.hint()}`,
    )
  }

  /** Reads a length and returns where the bytes that it announces end. */
  private delimited(end: number): number {
    const { reader } = this
    const start = reader.pos
    const length = reader.uint32()
    const size = reader.pos - start
    if (size > 5 || (size === 5 && this.bytes[reader.pos - 1]! > 0x0f)) this.fail('a length does not fit 32 bits.')
    if (length > end - reader.pos)
      this.fail(`a length of ${length} bytes is announced where ${Math.max(0, end - reader.pos)} remain.${this.hint()}`)
    return reader.pos + length
  }

  private value(field: NamedField, end: number, before: unknown): unknown {
    const { reader } = this
    switch (field.kind) {
      case 'int32':
        return reader.int32()
      case 'enum': {
        const value = reader.int32()
        if (!field.values!.has(value))
          this.fail(
            `expected one of ${[...field.values!].join(', ')}, found ${value}. The file may be newer than this reader.`,
          )
        return value
      }
      case 'int64': {
        const wide = BigInt(reader.int64())
        const value = Number(wide)
        if (!Number.isSafeInteger(value)) this.fail(`expected an integer of at most 53 bits, found ${wide}.`)
        return value
      }
      case 'float':
        return reader.float()
      case 'message': {
        const until = this.delimited(end)
        return this.message(field.message!, until, before as Fields | undefined)
      }
      default: {
        const until = this.delimited(end)
        const view = this.bytes.subarray(reader.pos, until)
        if (field.kind === 'bytes') {
          reader.pos = until
          return view
        }
        const text = utf8(view)
        if (text === undefined) this.fail('expected UTF-8 text, found other bytes.')
        reader.pos = until
        return text
      }
    }
  }

  private listElements(field: NamedField, wireType: WireType, end: number, target: Fields): void {
    const { reader } = this
    let list = target[field.key] as unknown[] | undefined
    if (!list) {
      list = []
      target[field.key] = list
    }
    this.path.push(list.length)
    const packable = wireTypeOf[field.kind] !== WireType.LengthDelimited
    if (packable && wireType === WireType.LengthDelimited) {
      const until = this.delimited(end)
      while (reader.pos < until) list.push(this.value(field, until, undefined))
      if (reader.pos > until) this.fail(`the last element runs past the end of its packed list.${this.hint()}`)
    } else {
      this.expectWireType(field, wireType)
      list.push(this.value(field, end, undefined))
    }
    this.path.pop()
  }

  private arrayElements(
    field: NamedField,
    kind: ArrayKind,
    wireType: WireType,
    end: number,
    builder: NumericArrayBuilder,
  ): void {
    if (wireType !== WireType.LengthDelimited) {
      this.expectWireType(field, wireType)
      const [values, at] = builder.extend(1)
      this.arrayElement(kind, values, at)
      return
    }
    const { reader } = this
    const until = this.delimited(end)
    if (kind === 'floatArray' || kind === 'doubleArray') {
      const size = arrayOf[kind] === Float32Array ? 4 : 8
      const length = until - reader.pos
      if (length % size !== 0) this.fail(`expected a multiple of ${size} bytes, found ${length}.`)
      const [values, from] = builder.extend(length / size)
      const raw = new Uint8Array(values.buffer, values.byteOffset + from * size, length)
      raw.set(this.bytes.subarray(reader.pos, until))
      reader.pos = until
      return
    }
    // A varint ends at its first byte below 0x80, so counting those gives the number of elements.
    let count = 0
    for (let at = reader.pos; at < until; at++) if (this.bytes[at]! < 0x80) count++
    const [values, from] = builder.extend(count)
    for (let i = from; i < from + count; i++) this.arrayElement(kind, values, i)
    if (reader.pos !== until) this.fail(`the last element runs past the end of its packed list.${this.hint()}`)
  }

  private arrayElement(kind: ArrayKind, values: NumericArray, at: number): void {
    const { reader } = this
    switch (kind) {
      case 'floatArray':
        values[at] = reader.float()
        break
      case 'doubleArray':
        values[at] = reader.double()
        break
      case 'int32Array':
        values[at] = reader.int32()
        break
      case 'int64Array':
        values[at] = BigInt(reader.int64())
        break
      case 'uint64Array':
        values[at] = BigInt(reader.uint64())
        break
    }
  }
}

// Of a oneof's fields the last in the file counts.
function clearOthers(name: MessageName, set: NamedField, target: Fields): void {
  for (const field of fieldsInOrder(name))
    if (field.oneof === set.oneof && field.key !== set.key) delete target[field.key]
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function utf8(bytes: Uint8Array): string | undefined {
  // Most names are short ASCII, for which a call to the decoder costs more than the text.
  if (bytes.length <= 32) {
    let text = ''
    for (const byte of bytes) {
      if (byte > 0x7f) break
      text += String.fromCharCode(byte)
    }
    if (text.length === bytes.length) return text
  }
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}

// What people most often pass instead of an ONNX file.
function fileKind(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0) return 'an empty file'
  const head = String.fromCharCode(...bytes.subarray(0, 64))
  if (head.startsWith('PK\x03\x04')) return 'a zip archive (a PyTorch checkpoint, perhaps)'
  if (head.startsWith('\x1f\x8b')) return 'a gzip file'
  if (head.startsWith('version https://git-lfs')) return 'a Git LFS pointer (fetch the real file with git lfs pull)'
  if (head.slice(4, 8) === 'ORTM') return "a model in ONNX Runtime's own format"
  if (/^\s*<(!doctype|html|\?xml)/i.test(head)) return 'a web page'
  return undefined
}

/**
 * Reads a `.onnx` file.
 *
 * Nothing is copied that need not be: `rawData` and other byte fields are views of `bytes`, which must therefore stay
 * unchanged while the model is in use. Unknown fields are skipped; repeated numbers are read packed or one by one.
 *
 * @throws OnnxFormatError for anything but a well-formed model: cut or damaged bytes, a missing required field, text that
 * is not UTF-8, an integer outside a number's safe range, messages nested deeper than 100.
 */
export function decodeModel(bytes: Uint8Array): ModelProto {
  return new MessageReader(bytes, 'ModelProto').read() as ModelProto
}

/**
 * Reads a tensor stored alone, as in the `.pb` files of ONNX's node tests. Byte fields are views of `bytes`.
 *
 * @throws OnnxFormatError as `decodeModel` does.
 */
export function decodeTensor(bytes: Uint8Array): TensorProto {
  return new MessageReader(bytes, 'TensorProto').read() as TensorProto
}
