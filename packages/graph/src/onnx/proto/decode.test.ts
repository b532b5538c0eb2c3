import { readFileSync } from 'node:fs'
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { arbitraryMessage } from '../../../test/onnx/arbitraryMessage.js'
import { decodeModel, decodeTensor } from './decode.js'
import { encodeModel } from './encode.js'
import { OnnxFormatError } from './errors.js'
import type { GraphProto, ModelProto } from './model.js'

const fixture = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../../../test/fixtures/onnx/${name}.onnx`, import.meta.url)))
const names = ['attributes', 'subgraphs', 'dtypes', 'functions', 'external'] as const

const emptyGraph: GraphProto = { node: [], initializer: [], input: [], output: [] }
const smallModel: ModelProto = { irVersion: 10, opsetImport: [{ version: 21 }], graph: emptyGraph }

function errorOf(read: () => unknown): OnnxFormatError {
  try {
    read()
  } catch (error) {
    expect(error).toBeInstanceOf(OnnxFormatError)
    return error as OnnxFormatError
  }
  throw new Error('expected an OnnxFormatError, found none')
}

// What damaged bytes may do: read as some model, or say where they stop making sense.
function readsOrFails(bytes: Uint8Array): void {
  try {
    decodeModel(bytes)
  } catch (error) {
    if (!(error instanceof OnnxFormatError)) throw error
    expect(error.code).toBe('NEMO_ONNX_FORMAT')
    expect(error.path).toMatch(/^ModelProto/)
    expect(error.offset).toBeGreaterThanOrEqual(0)
    expect(error.offset).toBeLessThanOrEqual(bytes.length)
  }
}

/** A message written by hand. */
const wire = (write: (writer: BinaryWriter) => void): Uint8Array => {
  const writer = new BinaryWriter()
  write(writer)
  return writer.finish()
}
const delimited = (number: number, content: Uint8Array) => (writer: BinaryWriter) =>
  writer.tag(number, WireType.LengthDelimited).bytes(content)

describe('damaged bytes', () => {
  test.each(names)('every truncation of %s.onnx reads as a model or fails with place', (name) => {
    const bytes = fixture(name)
    for (let length = 0; length < bytes.length; length++) readsOrFails(bytes.subarray(0, length))
  })

  test('flipped bits read as a model or fail with place', () => {
    const files = names.map(fixture)
    fc.assert(
      fc.property(
        fc.constantFrom(...files),
        fc.array(fc.tuple(fc.nat(), fc.nat(7)), { minLength: 1, maxLength: 8 }),
        (file, flips) => {
          const bytes = file.slice()
          for (const [at, bit] of flips) bytes[at % bytes.length]! ^= 1 << bit
          readsOrFails(bytes)
        },
      ),
      { seed: 1, numRuns: 4000 },
    )
  })

  test('random bytes read as a model or fail with place', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), readsOrFails), { seed: 2, numRuns: 2000 })
  })

  test('pieces cut out and pasted elsewhere read as a model or fail with place', () => {
    const files = names.map(fixture)
    const cut = fc.tuple(fc.constantFrom(...files), fc.nat(), fc.nat(60))
    fc.assert(
      fc.property(fc.constantFrom(...files), fc.nat(), cut, (file, at, [other, from, length]) => {
        const position = at % file.length
        const start = from % other.length
        readsOrFails(
          Uint8Array.from([
            ...file.subarray(0, position),
            ...other.subarray(start, start + length),
            ...file.subarray(position),
          ]),
        )
      }),
      { seed: 3, numRuns: 2000 },
    )
  })
})

describe('errors', () => {
  test('name the path of the message and the byte', () => {
    const model: ModelProto = {
      ...smallModel,
      graph: { ...emptyGraph, node: [{ opType: 'A', input: [], output: [], attribute: [] }] },
    }
    const bytes = encodeModel({
      ...model,
      graph: { ...model.graph, node: [model.graph.node[0]!, model.graph.node[0]!] },
    })
    // The second node's op type becomes an invalid UTF-8 byte.
    const at = bytes.lastIndexOf('A'.charCodeAt(0))
    bytes[at] = 0xff
    const error = errorOf(() => decodeModel(bytes))
    expect(error.path).toBe('ModelProto.graph.node[1].opType')
    expect(error.offset).toBe(at)
    expect(error.message).toBe(
      `ModelProto.graph.node[1].opType at byte ${at}: expected UTF-8 text, found other bytes. [NEMO_ONNX_FORMAT]`,
    )
  })

  test.each([
    ['an empty file', '', /empty file/],
    ['a web page', '<!DOCTYPE html><title>404</title>', /web page/],
    ['a zip archive', 'PK\x03\x04\x14\x00', /zip archive/],
    ['a Git LFS pointer', 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n', /git lfs pull/],
    ['an ORT-format model', '\x18\x00\x00\x00ORTM\x00\x00', /ONNX Runtime's own format/],
    ['a gzip file', '\x1f\x8b\x08\x00', /gzip/],
  ])('recognise %s', (_, text, message) => {
    expect(errorOf(() => decodeModel(Uint8Array.from(text, (c) => c.charCodeAt(0)))).message).toMatch(message)
  })

  test('a model without a graph is refused', () => {
    const bytes = wire((w) => w.tag(1, WireType.Varint).int64(10))
    expect(errorOf(() => decodeModel(bytes)).message).toMatch(/ModelProto has no graph/)
  })

  test('a length beyond the end of its message is refused before anything is read', () => {
    const node = wire((w) => w.tag(4, WireType.LengthDelimited).uint32(4_000_000_000))
    const bytes = wire((w) => delimited(7, wire(delimited(1, node)))(w))
    const error = errorOf(() => decodeModel(bytes))
    expect(error.path).toBe('ModelProto.graph.node[0].opType')
    expect(error.message).toMatch(/length of 4000000000 bytes is announced where 0 remain/)
  })

  test('a length of more than 32 bits is refused', () => {
    const bytes = Uint8Array.from([0x3a, 0x85, 0x80, 0x80, 0x80, 0x10, 0, 0, 0, 0, 0])
    expect(errorOf(() => decodeModel(bytes)).message).toMatch(/does not fit 32 bits/)
  })

  test('a field that runs from its message into the next one is refused', () => {
    // A node of one byte whose only field is a varint that continues outside it.
    const graph = Uint8Array.from([0x0a, 0x02, 0x58, 0x80, 0x01, 0x01])
    expect(errorOf(() => decodeModel(wire((w) => delimited(7, graph)(w)))).message).toMatch(
      /past the end of its NodeProto/,
    )
  })

  test('a known field of the wrong wire type is refused', () => {
    const bytes = wire((w) => w.tag(7, WireType.Varint).uint32(1))
    expect(errorOf(() => decodeModel(bytes)).message).toMatch(
      /expected a length and bytes \(wire type 2\), found a varint/,
    )
  })

  test('an integer that a number cannot hold is refused', () => {
    const bytes = wire((w) => w.tag(1, WireType.Varint).int64(2n ** 63n - 1n))
    expect(errorOf(() => decodeModel(bytes)).message).toMatch(/53 bits, found 9223372036854775807/)
  })

  test('an attribute type that is not in the standard is refused', () => {
    const attribute = wire((w) => w.tag(1, WireType.LengthDelimited).string('a').tag(20, WireType.Varint).int32(99))
    const node = wire((w) => delimited(5, attribute)(w.tag(4, WireType.LengthDelimited).string('Op')))
    const bytes = wire(delimited(7, wire(delimited(1, node))))
    const error = errorOf(() => decodeModel(bytes))
    expect(error.path).toBe('ModelProto.graph.node[0].attribute[0].type')
    expect(error.message).toMatch(/found 99/)
  })

  test('messages nested deeper than 100 are refused, however deep', () => {
    // Sequence types inside sequence types; each adds two messages.
    let type: Uint8Array = new Uint8Array(0)
    for (let i = 0; i < 2000; i++) type = wire(delimited(4, wire(delimited(1, type))))
    const info = wire(delimited(2, type))
    const bytes = wire(delimited(7, wire(delimited(11, info))))
    expect(errorOf(() => decodeModel(bytes)).message).toMatch(/deeper than 100/)
  })

  test('groups nested without end are refused', () => {
    const bytes = new Uint8Array(100_000).fill((50 << 3) | WireType.StartGroup)
    errorOf(() => decodeModel(bytes))
  })
})

describe('wire forms', () => {
  test('unknown fields of every wire type are skipped', () => {
    const unknown = wire((w) => {
      w.tag(100, WireType.Varint).int64(-1)
      w.tag(101, WireType.Bit64).double(1)
      w.tag(102, WireType.LengthDelimited).string('later')
      w.tag(103, WireType.StartGroup).tag(1, WireType.Varint).uint32(1).tag(103, WireType.EndGroup)
      w.tag(104, WireType.Bit32).float(1)
    })
    const bytes = Uint8Array.from([...unknown, ...encodeModel(smallModel), ...unknown])
    expect(decodeModel(bytes)).toEqual(smallModel)
  })

  test('packed and unpacked numbers read alike, also mixed', () => {
    const dims = [3, 1, 2 ** 40]
    const ints = [1n, -1n, 2n ** 62n]
    const floats = [1, -2.5, 3]
    const packed = wire((w) => {
      w.tag(1, WireType.LengthDelimited).fork()
      for (const d of dims) w.int64(d)
      w.join().tag(2, WireType.Varint).int32(1).tag(7, WireType.LengthDelimited).fork()
      for (const v of ints) w.int64(v)
      w.join().tag(4, WireType.LengthDelimited).fork()
      for (const v of floats) w.float(v)
      w.join()
    })
    const unpacked = wire((w) => {
      for (const d of dims) w.tag(1, WireType.Varint).int64(d)
      w.tag(2, WireType.Varint).int32(1)
      for (const v of ints) w.tag(7, WireType.Varint).int64(v)
      for (const v of floats) w.tag(4, WireType.Bit32).float(v)
    })
    const expected = { dims, dataType: 1, int64Data: BigInt64Array.from(ints), floatData: Float32Array.from(floats) }
    expect(decodeTensor(packed)).toEqual(expected)
    expect(decodeTensor(unpacked)).toEqual(expected)
    expect(decodeTensor(Uint8Array.from([...packed, ...unpacked]))).toEqual({
      dims: [...dims, ...dims],
      dataType: 1,
      int64Data: BigInt64Array.from([...ints, ...ints]),
      floatData: Float32Array.from([...floats, ...floats]),
    })
  })

  test('a message that comes in two parts is merged', () => {
    const first = encodeModel({ ...smallModel, graph: { ...emptyGraph, name: 'one', docString: 'text' } })
    const second = encodeModel({
      ...smallModel,
      graph: { ...emptyGraph, name: 'two', metadataProps: [{ key: 'k', value: 'v' }] },
    })
    const { graph, opsetImport } = decodeModel(Uint8Array.from([...first, ...second]))
    expect(graph).toEqual({ ...emptyGraph, name: 'two', docString: 'text', metadataProps: [{ key: 'k', value: 'v' }] })
    expect(opsetImport).toHaveLength(2)
  })

  test('a tensor that comes in very many parts is merged without copying it for each', () => {
    const start = wire((w) => w.tag(2, WireType.Varint).int32(1))
    const part = wire((w) => w.tag(4, WireType.LengthDelimited).bytes(Uint8Array.of(0, 0, 0x80, 0x3f)))
    const parts = 50_000
    const values = new Uint8Array(parts * (part.length + 2))
    for (let i = 0; i < parts; i++) values.set([0x0a, part.length, ...part], i * (part.length + 2))
    const indices = wire(delimited(2, start))
    const sparse = Uint8Array.from([...wire(delimited(1, start)), ...indices, ...values])
    const bytes = Uint8Array.from([...encodeModel(smallModel), ...wire(delimited(7, wire(delimited(15, sparse))))])
    const { floatData } = decodeModel(bytes).graph.sparseInitializer![0]!.values
    expect(floatData).toHaveLength(parts)
    expect(floatData!.every((value) => value === 1)).toBe(true)
  })

  test('the last field of a oneof counts', () => {
    const dim = wire((w) => w.tag(1, WireType.Varint).int64(3).tag(2, WireType.LengthDelimited).string('T'))
    const type = wire(delimited(1, wire(delimited(2, wire(delimited(1, dim))))))
    const graph = wire(delimited(11, wire(delimited(2, type))))
    const bytes = Uint8Array.from([...encodeModel(smallModel), ...wire(delimited(7, graph))])
    expect(decodeModel(bytes).graph.input[0]!.type!.tensorType!.shape!.dim).toEqual([{ dimParam: 'T' }])
  })

  test('fields that proto3 writers leave out at zero read as zero', () => {
    const info = new Uint8Array(0)
    const bytes = Uint8Array.from([...encodeModel(smallModel), ...wire(delimited(7, wire(delimited(11, info))))])
    expect(decodeModel(bytes).graph.input).toEqual([{ name: '' }])
  })

  test('a byte-order mark in a name is kept', () => {
    const model = { ...smallModel, graph: { ...emptyGraph, name: '\ufeffname' } }
    expect(decodeModel(encodeModel(model)).graph.name).toBe('\ufeffname')
  })

  test('a model may start anywhere in its buffer', () => {
    fc.assert(
      fc.property(arbitraryMessage('ModelProto', 3), fc.nat(9), (model, offset) => {
        const bytes = encodeModel(model)
        const inside = new Uint8Array(bytes.length + 20).fill(0xff)
        inside.set(bytes, offset)
        expect(decodeModel(inside.subarray(offset, offset + bytes.length))).toEqual(model)
      }),
      { seed: 4, numRuns: 50 },
    )
  })
})
