import { describe, expect, test } from 'vitest'
import { describeValue, fixture, fixtureJson, fixturePath } from '../../test/checkpoint/describeValue.js'
import {
  ArchiveMissingError,
  CheckpointFormatError,
  CheckpointLimitError,
  PickleError,
  PickleRefusedError,
  TensorDataError,
} from './errors.js'
import { Pickler } from './pickler.js'
import { OpaqueGlobal, type OpaqueObject, type OrderedDict, type PythonValue } from './pythonValue.js'
import { readTorch, readTorchFile } from './readTorch.js'
import type { TensorData } from './tensorData.js'
import { lightningModules } from './torchGlobals.js'
import { concat, zipChunks } from './zipWriter.js'

const text = (contents: string) => new TextEncoder().encode(contents)

/** A checkpoint in the ZIP layout with the given pickle and members. */
function zipLayout(pickle: Uint8Array, members: Record<string, Uint8Array> = {}): Uint8Array {
  const all = { 'data.pkl': pickle, version: text('3\n'), ...members }
  return concat(
    zipChunks(
      Object.entries(all).map(([name, contents]) => ({ name: `archive/${name}`, contents })),
      { alignment: 64 },
    ),
  )
}

interface TensorSpec {
  readonly type?: string
  readonly key?: string
  readonly length?: number
  readonly offset?: number
  readonly shape?: readonly number[]
  readonly strides?: readonly number[]
  readonly function?: string
  /** Sixth field of the persistent id, of torch < 0.4: key, offset and length of the view. */
  readonly view?: readonly [string, number, number]
  /** Arguments after the strides. */
  readonly rest?: (p: Pickler) => void
}

function pickleTensor(spec: TensorSpec): Uint8Array {
  const p = new Pickler()
  const tuple = (values: readonly number[]) =>
    p.tuple(() => {
      for (const value of values) p.int(value)
    })
  p.global('torch._utils', spec.function ?? '_rebuild_tensor')
  p.tuple(() => {
    p.tuple(() => {
      p.string('storage')
      p.global('torch', spec.type ?? 'FloatStorage')
      p.string(spec.key ?? '0')
      p.string('cuda:0')
      p.int(spec.length ?? 4)
      const { view } = spec
      if (view) {
        p.tuple(() => {
          p.string(view[0])
          p.int(view[1])
          p.int(view[2])
        })
      }
    })
    p.persistentId()
    p.int(spec.offset ?? 0)
    tuple(spec.shape ?? [4])
    tuple(spec.strides ?? [1])
    spec.rest?.(p)
  })
  p.reduce()
  return p.finish()
}

const floats = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer)

function readTensor(spec: TensorSpec, members: Record<string, Uint8Array> = { 'data/0': floats }): TensorData {
  return readTorch(zipLayout(pickleTensor(spec), members)) as TensorData
}

describe.each(['torch1.5', 'torch1.13', 'torch2.15'])('files of %s', (version) => {
  test.each(['tensors', 'training'])('%s are read from both layouts, bit for bit', (content) => {
    const expected = fixtureJson(`${version}-${content}.json`)
    for (const layout of ['zip', 'legacy']) {
      expect(describeValue(readTorch(fixture(`${version}-${layout}-${content}.pt`)))).toEqual(expected)
    }
  })

  test('tied weights share their elements, and other views do not', () => {
    for (const layout of ['zip', 'legacy']) {
      const state = readTorch(fixture(`${version}-${layout}-tensors.pt`)) as Map<string, TensorData>
      expect(state.get('tied.a')!.data).toBe(state.get('tied.b')!.data)
      const buffers = new Set([...state.values()].map((tensor) => tensor.data.buffer))
      expect(buffers.size).toBe(state.size - 1)
    }
  })
})

test('a file is read by its path as from its bytes', async () => {
  const name = 'torch2.15-zip-training.pt'
  const fromFile = await readTorchFile(fixturePath(name))
  expect(describeValue(fromFile)).toEqual(describeValue(readTorch(fixture(name))))
  await expect(readTorchFile(fixturePath('missing.pt'))).rejects.toThrow('missing.pt')
  await expect(readTorchFile(fixturePath('.'))).rejects.toThrow('expected a file')
})

test('a Buffer of Node is read as the bytes that it is', () => {
  const bytes = Buffer.from(fixture('torch2.15-legacy-training.pt'))
  expect(describeValue(readTorch(bytes))).toEqual(fixtureJson('torch2.15-training.json'))
})

test('reading leaves the bytes as they were, and writing to a tensor does too', () => {
  const bytes = fixture('torch2.15-zip-tensors.pt')
  const before = bytes.slice()
  const state = readTorch(bytes) as Map<string, TensorData>
  for (const tensor of state.values()) new Uint8Array(tensor.data.buffer).fill(7)
  expect(bytes).toEqual(before)
})

test('a Lightning checkpoint is read where its classes are allowed, and refused by name where not', () => {
  const bytes = fixture('lightning1.9.ckpt')
  expect(() => readTorch(bytes, { name: 'last.ckpt' })).toThrow(/last\.ckpt: .* omegaconf\.dictconfig\.DictConfig/)
  expect(() => readTorch(bytes)).toThrow(PickleRefusedError)
  const checkpoint = readTorch(bytes, { opaque: lightningModules }) as Map<string, PythonValue>
  expect(checkpoint.get('epoch')).toBe(2)
  expect([...(checkpoint.get('state_dict') as OrderedDict).keys()]).toEqual(['linear.weight', 'linear.bias'])
  const config = (checkpoint.get('hyper_parameters') as Map<string, OpaqueObject>).get('cfg')!
  expect(config.pythonName).toBe('omegaconf.dictconfig.DictConfig')
  const state = config.state as Map<string, Map<string, OpaqueObject>>
  expect((state.get('_content')!.get('lr')!.state as Map<string, PythonValue>).get('_val')).toBe(0.001)
  const metadata = (state.get('_metadata') as unknown as OpaqueObject).state as Map<string, PythonValue>
  expect(metadata.get('ref_type')).toEqual(new OpaqueGlobal('typing.Any'))
})

test('big-endian files are read', () => {
  const bytes = new Uint8Array(16)
  for (const [i, value] of [1, 2, 3, 4].entries()) new DataView(bytes.buffer).setFloat32(4 * i, value, false)
  const members = { 'data/0': bytes, byteorder: text('big') }
  expect([...readTensor({}, members).data]).toEqual([1, 2, 3, 4])
  expect([...readTensor({ shape: [2, 2], strides: [1, 2] }, members).data]).toEqual([1, 3, 2, 4])
  expect(() => readTensor({}, { 'data/0': floats, byteorder: text('middle') })).toThrow(CheckpointFormatError)
})

test('the folder that PyTorch 1.4 used for elements is read', () => {
  expect([...readTensor({}, { 'tensors/0': floats }).data]).toEqual([1, 2, 3, 4])
})

test('a window of another storage, of torch < 0.4, is read', () => {
  const spec = { view: ['9', 1, 3] as const, shape: [2], offset: 1 }
  expect([...readTensor(spec).data]).toEqual([3, 4])
  expect(() => readTensor({ ...spec, view: ['9', 2, 3] })).toThrow(PickleError)
  expect(() => readTensor({ ...spec, shape: [3] })).toThrow(TensorDataError)
})

test.each<[string, TensorSpec]>([
  ['beyond its storage', { shape: [5] }],
  ['with an offset beyond its storage', { offset: 1 }],
  ['with strides beyond its storage', { shape: [2, 2], strides: [3, 1] }],
  ['with a negative stride', { strides: [-1], offset: 3 }],
  ['with a negative offset', { offset: -1, shape: [2] }],
  ['with a negative dim', { shape: [-4] }],
  ['with more dims than strides', { shape: [2, 2] }],
  ['with more elements than memory', { shape: [2 ** 30, 2 ** 30], strides: [0, 0] }],
  ['whose storage declares more than is stored', { length: 5 }],
  ['of a complex storage', { type: 'ComplexFloatStorage' }],
  ['of a quantised storage', { type: 'QInt8Storage' }],
  [
    'that is lazily negated',
    {
      function: '_rebuild_tensor_v2',
      rest: (p) => {
        p.boolean(false)
        p.emptyDict()
        p.emptyDict()
        p.setItems(() => {
          p.string('neg')
          p.boolean(true)
        })
      },
    },
  ],
  [
    'of a dtype of eight bits',
    {
      function: '_rebuild_tensor_v3',
      rest: (p) => {
        p.boolean(false)
        p.emptyDict()
        p.global('torch', 'float8_e5m2')
      },
    },
  ],
])('a tensor %s is a TensorDataError', (_, spec) => {
  expect(() => readTensor(spec)).toThrow(TensorDataError)
})

test.each<[string, TensorSpec]>([
  ['a class that is no storage', { type: 'Size' }],
  ['a negative length', { length: -1 }],
])('a persistent id with %s is a PickleError', (_, spec) => {
  expect(() => readTensor(spec)).toThrow(PickleError)
})

test('expanded tensors are read within the limit, which a small file cannot exceed', () => {
  expect(readTensor({ shape: [1000, 4], strides: [0, 1] }).data.length).toBe(4000)
  expect(() => readTensor({ shape: [2 ** 26, 4], strides: [0, 1] })).toThrow(CheckpointLimitError)
  const file = zipLayout(pickleTensor({ shape: [4], strides: [1] }), { 'data/0': floats })
  expect(() => readTorch(file, { limits: { maxTensorBytes: 15 } })).toThrow(CheckpointLimitError)
  expect(() => readTorch(file, { limits: { maxPickleBytes: 10 } })).toThrow(CheckpointLimitError)
  expect(() => readTorch(file, { limits: { maxEntries: 2 } })).toThrow(CheckpointLimitError)
  const legacy = fixture('torch2.15-legacy-training.pt')
  expect(() => readTorch(legacy, { limits: { maxPickleBytes: 500 } })).toThrow(CheckpointLimitError)
  expect(() => readTorch(legacy, { limits: { maxPickleObjects: 50 } })).toThrow(CheckpointLimitError)
})

test('the elements of a storage that are missing are named', () => {
  expect(() => readTensor({ key: '7' })).toThrow(ArchiveMissingError)
  expect(() => readTensor({ key: '7' })).toThrow('archive/data/7')
})

test('bare storages, classes and functions are not values', () => {
  const storage = new Pickler()
  storage.tuple(() => {
    storage.string('storage')
    storage.global('torch', 'FloatStorage')
    storage.string('0')
    storage.string('cpu')
    storage.int(4)
  })
  storage.persistentId()
  expect(() => readTorch(zipLayout(storage.finish(), { 'data/0': floats }))).toThrow('bare storage')
  const callable = new Pickler()
  callable.emptyList()
  callable.appends(() => callable.global('torch._utils', '_rebuild_tensor_v2'))
  expect(() => readTorch(zipLayout(callable.finish()))).toThrow('torch._utils._rebuild_tensor_v2')
})

test('other kinds of files are named for what they are', () => {
  const empty = new Uint8Array(0)
  expect(() => readTorch(empty)).toThrow(CheckpointFormatError)
  expect(() => readTorch(text('hello, this is text'))).toThrow('68 65 6c 6c')
  expect(() => readTorch(zipLayout(new Pickler().finish(), { 'constants.pkl': empty }))).toThrow('TorchScript')
  expect(() => readTorch(zipLayout(new Pickler().finish(), { version: text('99') }))).toThrow('version')
  const other = concat(zipChunks([{ name: 'word/document.xml', contents: text('x') }], { alignment: 1 }))
  expect(() => readTorch(other)).toThrow('word/document.xml')
})

test('a legacy file of another protocol or without its storages is refused', () => {
  const magic = fixture('torch1.5-legacy-tensors.pt').slice(0, 15)
  const pickle = (value: (p: Pickler) => void) => {
    const p = new Pickler()
    value(p)
    return p.finish()
  }
  const empty = pickle((p) => p.emptyDict())
  const version = pickle((p) => p.int(1001))
  const noKeys = pickle((p) => p.emptyList())
  expect(readTorch(concat([magic, version, empty, empty, noKeys]))).toEqual(new Map())
  expect(() => readTorch(concat([magic, pickle((p) => p.int(1002)), empty, empty, noKeys]))).toThrow('1002')
  expect(() => readTorch(concat([magic, version, empty, pickleTensor({}), noKeys]))).toThrow(ArchiveMissingError)
  expect(() => readTorch(concat([magic, version, empty, empty, empty]))).toThrow('storage keys')
})
