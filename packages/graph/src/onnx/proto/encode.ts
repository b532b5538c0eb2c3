import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { OnnxFormatError } from './errors.js'
import type { ModelProto, TensorProto } from './model.js'
import { type FieldKind, fieldsInOrder, type MessageName, maximumDepth, type NamedField } from './schema.js'

type Fields = Readonly<Record<string, unknown>>

// Longer byte fields are joined once at the end instead of being copied into each enclosing message.
const inlineBytes = 4096

// Protobuf sizes are 31-bit numbers.
const maximumBytes = 2 ** 31 - 1

// Bytes in order, not yet joined: what the wire writer holds, and large views between.
class ChunkWriter {
  private writer = new BinaryWriter()
  private readonly chunks: Uint8Array[] = []
  private chunkBytes = 0

  get wire(): BinaryWriter {
    return this.writer
  }

  append(bytes: Uint8Array): void {
    if (bytes.length <= inlineBytes) {
      this.writer.raw(bytes)
      return
    }
    this.flush()
    this.push(bytes)
  }

  appendAll(chunks: readonly Uint8Array[]): void {
    for (const chunk of chunks) this.append(chunk)
  }

  finish(): { chunks: readonly Uint8Array[]; length: number } {
    this.flush()
    return { chunks: this.chunks, length: this.chunkBytes }
  }

  private flush(): void {
    const written = this.writer.finish()
    if (written.length > 0) this.push(written)
  }

  private push(bytes: Uint8Array): void {
    this.chunks.push(bytes)
    this.chunkBytes += bytes.length
  }
}

class MessageWriter {
  private readonly path: (string | number)[]

  constructor(private readonly root: MessageName) {
    this.path = [root]
  }

  write(value: object): Uint8Array<ArrayBuffer> {
    const { chunks, length } = this.message(this.root, value as Fields, 1)
    this.checkLength(length)
    const joined = new Uint8Array(length)
    let at = 0
    for (const chunk of chunks) {
      joined.set(chunk, at)
      at += chunk.length
    }
    return joined
  }

  private fail(message: string): never {
    let path = ''
    for (const part of this.path) path += typeof part === 'number' ? `[${part}]` : path === '' ? part : `.${part}`
    throw new OnnxFormatError(message, { path })
  }

  private checkLength(length: number): void {
    if (length <= maximumBytes) return
    this.fail(
      `${length} bytes do not fit a protobuf message (2 GiB). Store large tensors outside the file (externalData).`,
    )
  }

  private message(name: MessageName, value: Fields, depth: number): { chunks: readonly Uint8Array[]; length: number } {
    if (depth > maximumDepth)
      this.fail(`messages nest deeper than ${maximumDepth}; readers would refuse the file. Is a graph inside itself?`)
    if (typeof value !== 'object' || value === null) this.fail(`expected a ${name}, found ${describe(value)}.`)
    const out = new ChunkWriter()
    const oneofs = new Map<string, string>()
    for (const field of fieldsInOrder(name)) {
      const content = value[field.key]
      if (content === undefined) {
        if (field.presence !== 'optional') this.fail(`${name} needs ${field.key}.`)
        continue
      }
      this.path.push(field.key)
      if (field.oneof !== undefined) {
        const other = oneofs.get(field.oneof)
        if (other !== undefined) this.fail(`only one of ${other} and ${field.key} may be set.`)
        oneofs.set(field.oneof, field.key)
      }
      if (field.repeated) {
        if (!Array.isArray(content)) this.fail(`expected an array, found ${describe(content)}.`)
        this.path.push(0)
        for (let i = 0; i < content.length; i++) {
          this.path[this.path.length - 1] = i
          this.field(field, content[i], out, depth)
        }
        this.path.pop()
      } else {
        this.field(field, content, out, depth)
      }
      this.path.pop()
    }
    return out.finish()
  }

  private field(field: NamedField, value: unknown, out: ChunkWriter, depth: number): void {
    switch (field.kind) {
      case 'int32':
      case 'enum': {
        if (typeof value !== 'number' || (value | 0) !== value)
          this.fail(`expected a 32-bit integer, found ${describe(value)}.`)
        if (field.values && !field.values.has(value))
          this.fail(`expected one of ${[...field.values].join(', ')}, found ${value}.`)
        out.wire.tag(field.number, WireType.Varint).int32(value)
        return
      }
      case 'int64': {
        if (!Number.isSafeInteger(value)) this.fail(`expected an integer of at most 53 bits, found ${describe(value)}.`)
        const number = value as number
        const wire = out.wire.tag(field.number, WireType.Varint)
        // Small numbers are the rule, and their 32-bit form is the same bytes.
        if ((number | 0) === number) wire.int32(number)
        else wire.int64(number)
        return
      }
      case 'float': {
        if (typeof value !== 'number') this.fail(`expected a number, found ${describe(value)}.`)
        if (Number.isFinite(value) && !Number.isFinite(Math.fround(value)))
          this.fail(`${value} does not fit a 32-bit float.`)
        out.wire.tag(field.number, WireType.Bit32).float(value)
        return
      }
      case 'string': {
        if (typeof value !== 'string') this.fail(`expected a string, found ${describe(value)}.`)
        if (/\p{Surrogate}/u.test(value))
          this.fail(`${JSON.stringify(value)} has half a surrogate pair, which UTF-8 cannot say.`)
        out.wire.tag(field.number, WireType.LengthDelimited).string(value)
        return
      }
      case 'message': {
        const { chunks, length } = this.message(field.message!, value as Fields, depth + 1)
        this.checkLength(length)
        out.wire.tag(field.number, WireType.LengthDelimited).uint32(length)
        out.appendAll(chunks)
        return
      }
      case 'bytes': {
        if (!(value instanceof Uint8Array)) this.fail(`expected a Uint8Array, found ${describe(value)}.`)
        this.bytes(field, value, out)
        return
      }
      case 'floatArray':
      case 'doubleArray': {
        const expected = field.kind === 'floatArray' ? Float32Array : Float64Array
        if (!(value instanceof expected)) this.fail(`expected a ${expected.name}, found ${describe(value)}.`)
        // An empty list is an absent one.
        if (value.length > 0) this.bytes(field, new Uint8Array(value.buffer, value.byteOffset, value.byteLength), out)
        return
      }
      default:
        this.varints(field, field.kind, value, out)
    }
  }

  private bytes(field: NamedField, value: Uint8Array, out: ChunkWriter): void {
    this.checkLength(value.length)
    out.wire.tag(field.number, WireType.LengthDelimited).uint32(value.length)
    out.append(value)
  }

  private varints(field: NamedField, kind: FieldKind, value: unknown, out: ChunkWriter): void {
    const packed = new BinaryWriter()
    if (kind === 'int32Array') {
      if (!(value instanceof Int32Array)) this.fail(`expected an Int32Array, found ${describe(value)}.`)
      for (const element of value) packed.int32(element)
    } else if (kind === 'int64Array') {
      if (!(value instanceof BigInt64Array)) this.fail(`expected a BigInt64Array, found ${describe(value)}.`)
      for (const element of value) packed.int64(element)
    } else {
      if (!(value instanceof BigUint64Array)) this.fail(`expected a BigUint64Array, found ${describe(value)}.`)
      for (const element of value) packed.uint64(element)
    }
    if (value.length > 0) this.bytes(field, packed.finish(), out)
  }
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value === 'object') return `a ${value.constructor?.name ?? 'plain object'}`
  return `${typeof value} ${String(value)}`
}

/**
 * Writes a `.onnx` file: canonical protobuf (ascending field numbers), the same bytes for equal models.
 *
 * Tensor bytes are copied once, into the result.
 *
 * @throws OnnxFormatError for a model that ONNX cannot hold: a missing required field, an unsafe integer, two fields of a
 * oneof, messages nested deeper than 100, more than 2 GiB.
 */
export function encodeModel(model: ModelProto): Uint8Array<ArrayBuffer> {
  return new MessageWriter('ModelProto').write(model)
}

/**
 * Writes a tensor alone, as in the `.pb` files of ONNX's node tests.
 *
 * @throws OnnxFormatError as `encodeModel` does.
 */
export function encodeTensor(tensor: TensorProto): Uint8Array<ArrayBuffer> {
  return new MessageWriter('TensorProto').write(tensor)
}
