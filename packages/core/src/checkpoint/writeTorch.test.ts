import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { describeValue, fixture } from '../../test/checkpoint/describeValue.js'
import { CheckpointContentError, TensorDataError } from './errors.js'
import { OrderedDict, PythonFloat, type PythonValue, TorchDevice, TorchDType } from './pythonValue.js'
import { randomAccessOf } from './randomAccess.js'
import { readTorch } from './readTorch.js'
import { allocateData, dtypeNames, type TensorData } from './tensorData.js'
import { writeTorch, writeTorchFile } from './writeTorch.js'
import { readZip } from './zipReader.js'

const folder = mkdtempSync(join(tmpdir(), 'nemo-torch-'))
afterAll(() => rmSync(folder, { recursive: true }))

const formats = ['zip', 'legacy'] as const

/** A tensor of any dtype with arbitrary bits, so that NaNs and denormals occur; bool holds 0 and 1. */
const tensors = fc
  .record({
    dtype: fc.constantFrom(...dtypeNames.filter((dtype) => !dtype.startsWith('uint') || dtype === 'uint8')),
    shape: fc.array(fc.nat(4), { maxLength: 4 }),
    seed: fc.nat(),
  })
  .map(({ dtype, shape, seed }): TensorData => {
    const data = allocateData(
      dtype,
      shape.reduce((product, dim) => product * dim, 1),
    )
    const bytes = new Uint8Array(data.buffer)
    for (let i = 0, state = seed; i < bytes.length; i++) {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0
      bytes[i] = dtype === 'bool' ? (state >> 16) & 1 : state >> 16
    }
    return { dtype, shape, data }
  })

const values = fc.letrec<{ value: PythonValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.bigInt().filter((value) => value > 2n ** 53n || value < -(2n ** 53n)),
    fc.double({ noNaN: true }),
    fc.string({ unit: 'binary' }),
    fc.uint8Array(),
    fc.constant(new TorchDevice('cuda', 1)),
    fc.constant(new TorchDType('float16')),
    tensors,
    fc.array(tie('value')),
    fc.array(tie('value')).map((items) => Object.freeze(items)),
    fc.uniqueArray(fc.tuple(fc.string(), tie('value')), { selector: ([key]) => key }).map((items) => new Map(items)),
    fc
      .uniqueArray(fc.tuple(fc.integer(), tie('value')), { selector: ([key]) => key })
      .map((items) => new OrderedDict<PythonValue, PythonValue>(items)),
    fc.uniqueArray(fc.string()).map((items) => new Set(items)),
  ),
}))

describe.each(formats)('the %s layout', (format) => {
  test('any value comes back as it was', () => {
    fc.assert(
      fc.property(values.value, (value) => {
        // Wrapped, because a state dict on its own becomes an OrderedDict.
        expect(readTorch(writeTorch([value], { format }))).toStrictEqual([value])
      }),
      { seed: 1, numRuns: 300 },
    )
  })

  test('a state dict comes back in order, as an OrderedDict', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(fc.string(), tensors), { selector: ([key]) => key, minLength: 1 }),
        (entries) => {
          const read = readTorch(writeTorch(new Map(entries), { format }))
          expect(read).toBeInstanceOf(OrderedDict)
          expect([...(read as OrderedDict)]).toEqual(entries)
        },
      ),
      { seed: 2, numRuns: 100 },
    )
  })

  test.each(['torch1.5', 'torch1.13'])('what %s wrote is written and read again unchanged', (version) => {
    for (const content of ['tensors', 'training']) {
      const value = readTorch(fixture(`${version}-zip-${content}.pt`))
      expect(describeValue(readTorch(writeTorch(value, { format })))).toEqual(describeValue(value))
    }
  })

  test('equal values give equal bytes', () => {
    const make = () => readTorch(fixture('torch1.13-zip-training.pt'))
    expect(writeTorch(make(), { format })).toEqual(writeTorch(make(), { format }))
  })

  test('tensors that share their elements share their storage', () => {
    const data = new Float32Array(1000)
    const shared = new Map<string, TensorData>([
      ['a', { dtype: 'float32', shape: [1000], data }],
      ['b', { dtype: 'float32', shape: [10, 100], data }],
    ])
    const bytes = writeTorch(shared, { format })
    expect(bytes.length).toBeLessThan(4000 + 1500)
    const read = readTorch(bytes) as Map<string, TensorData>
    expect(read.get('b')!.shape).toEqual([10, 100])
  })

  test('lists that occur twice or contain themselves keep doing so', () => {
    const list: PythonValue[] = [1]
    const twice = readTorch(writeTorch([list, list], { format })) as PythonValue[]
    expect(twice[0]).toBe(twice[1])
    list.push(list)
    const read = readTorch(writeTorch(list, { format })) as PythonValue[]
    expect(read[1]).toBe(read)
  })

  test('a file is written whole, with the bytes that writeTorch gives', async () => {
    const path = join(folder, `${format}.pt`)
    const value = readTorch(fixture('torch1.13-legacy-training.pt'))
    await writeTorchFile(path, value, { format })
    expect(new Uint8Array(readFileSync(path))).toEqual(writeTorch(value, { format }))
  })

  test('attributes of an OrderedDict are written', () => {
    const dict = new OrderedDict<PythonValue, PythonValue>([['a', 1]])
    dict.attributes = new Map([['_metadata', new Map([['version', 2]])]])
    expect(readTorch(writeTorch(dict, { format }))).toStrictEqual(dict)
  })

  test('values without a Python counterpart are refused', () => {
    for (const value of [undefined, { a: 1 }, new Date(0), Symbol('x'), () => 1, 'half \ud800']) {
      expect(() => writeTorch([value as never], { format })).toThrow(CheckpointContentError)
    }
    const tuple: PythonValue[] = []
    tuple.push(tuple)
    expect(() => writeTorch(Object.freeze(tuple), { format })).toThrow('nested')
  })

  test('inconsistent tensors are refused', () => {
    const data = new Float32Array(4)
    for (const tensor of [
      { dtype: 'float32', shape: [5], data },
      { dtype: 'float32', shape: [-4], data },
      { dtype: 'float64', shape: [4], data },
      { dtype: 'complex64', shape: [4], data },
    ]) {
      expect(() => writeTorch(tensor as TensorData, { format })).toThrow(TensorDataError)
    }
  })
})

test('whole numbers are ints unless they are PythonFloats', () => {
  const pickle = (value: PythonValue) =>
    new TextDecoder('latin1').decode(
      readZip(randomAccessOf(writeTorch(value), 'test'))
        .get('archive/data.pkl')!
        .read(),
    )
  expect(pickle([1])).toContain('K\x01')
  expect(pickle([new PythonFloat(1)])).toContain('G?ð')
  expect(pickle([-0])).toContain('G')
})

test('unsigned integers wider than a byte need the zip layout', () => {
  for (const dtype of ['uint16', 'uint32', 'uint64'] as const) {
    const tensor: TensorData = { dtype, shape: [3], data: allocateData(dtype, 3) }
    expect(readTorch(writeTorch([tensor]))).toEqual([tensor])
    expect(() => writeTorch([tensor], { format: 'legacy' })).toThrow('Use the format zip')
  }
})

test('storages begin at multiples of 64 bytes in the ZIP layout', () => {
  const state = new Map<string, TensorData>()
  for (let i = 0; i < 20; i++) {
    state.set(`t${'x'.repeat(i)}`, {
      dtype: 'int32',
      shape: [i + 1],
      data: new Int32Array(i + 1).fill(0x01010101 * (i + 1)),
    })
  }
  const bytes = writeTorch(state)
  for (let i = 0; i < 20; i++) {
    const pattern = Buffer.alloc(4 * (i + 1), i + 1)
    let at = Buffer.from(bytes).indexOf(pattern)
    while (at % 64 !== 0 && at >= 0) at = Buffer.from(bytes).indexOf(pattern, at + 1)
    expect(at).toBeGreaterThan(0)
  }
})
