import { describe, expect, test } from 'vitest'
import { describeValue, fixtureJson } from '../../test/checkpoint/describeValue.js'
import { CheckpointLimitError, PickleError, PickleRefusedError } from './errors.js'
import { OpaqueObject } from './pythonValue.js'
import { torchGlobals } from './torchGlobals.js'
import { unpickle } from './unpickler.js'

const ascii = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0))

function read(bytes: Uint8Array, options: { opaque?: string[]; maxObjects?: number } = {}): unknown {
  const name = 'test'
  const unexpected = () => {
    throw new Error('unexpected')
  }
  const resolveGlobal = torchGlobals({ name, opaque: options.opaque ?? [], makeTensor: unexpected })
  return unpickle(bytes, 0, {
    name,
    maxObjects: options.maxObjects ?? 10_000,
    resolveGlobal,
    persistentLoad: unexpected,
  }).value
}

type Fixture = Record<string, { value: unknown; pickles: string[] }>

describe.each(['python2', 'python3'])('pickles of %s', (python) => {
  const fixtures = fixtureJson(`pickles-${python}.json`) as Fixture
  test.each(Object.keys(fixtures))('%s are read in every protocol', (name) => {
    const { value, pickles } = fixtures[name]!
    for (const pickle of pickles) {
      expect(describeValue(read(Uint8Array.from(Buffer.from(pickle, 'hex'))))).toEqual(value)
    }
  })

  test('a shared list stays one list', () => {
    for (const pickle of fixtures.shared!.pickles) {
      const value = read(Uint8Array.from(Buffer.from(pickle, 'hex'))) as [unknown[], unknown[], Map<string, unknown[]>]
      expect(value[0]).toBe(value[1])
      expect(value[2].get('again')).toBe(value[0])
    }
  })

  test('every truncation is a PickleError', () => {
    for (const { pickles } of Object.values(fixtures)) {
      for (const pickle of pickles) {
        const bytes = Uint8Array.from(Buffer.from(pickle, 'hex'))
        const step = Math.ceil(bytes.length / 200)
        for (let length = 0; length < bytes.length; length += step) {
          expect(() => read(bytes.subarray(0, length))).toThrow(PickleError)
        }
      }
    }
  })
})

test.each([
  ['os.system, protocol 0', 'cos\nsystem\n(S"id"\ntR.', 'os.system'],
  ['posix.system', 'cposix\nsystem\n(S"id"\ntR.', 'posix.system'],
  ['builtins.eval', 'c__builtin__\neval\n(S"1"\ntR.', 'builtins.eval'],
  ['builtins.getattr', '\x80\x02cbuiltins\ngetattr\n.', 'builtins.getattr'],
  ['INST', "(S'id'\nios\nsystem\n.", 'os.system'],
  ['STACK_GLOBAL', '\x80\x04\x8c\x02os\x8c\x06system\x93)R.', 'os.system'],
  ['a nested attribute', '\x80\x04\x8c\x05torch\x8c\x09load.exec\x93.', 'torch.load.exec'],
  ['torch.hub.load', 'ctorch.hub\nload\n.', 'torch.hub.load'],
  ['numpy', 'cnumpy.core.multiarray\nscalar\n.', 'numpy.core.multiarray.scalar'],
  ['a class of Object.prototype', 'c__proto__\nconstructor\n.', '__proto__.constructor'],
  ['constructor', 'cconstructor\nconstructor\n.', 'constructor.constructor'],
])('%s is refused by name', (_, pickle, pythonName) => {
  const refusal = expect.objectContaining({ name: 'PickleRefusedError', code: 'NEMO_PICKLE_REFUSED', pythonName })
  expect(() => read(ascii(pickle))).toThrow(refusal)
  expect(() => read(ascii(pickle))).toThrow(PickleRefusedError)
})

test.each([
  ['unknown opcode', '\xff.', 'unknown opcode 0xff'],
  ['unknown protocol', '\x80\x06N.', 'protocol'],
  ['empty stack', '.', 'stack is empty'],
  ['missing mark', 'Nt.', 'no mark'],
  ['missing memo entry', 'h\x05.', 'memo entry 5'],
  ['bad memo index', 'g-1\n.', 'memo index'],
  ['append to a tuple', ')Na.', 'not a list'],
  ['append to a frozen tuple', ')(NNe.', 'not a list'],
  ['set item on a list', ']NNs.', 'not a dict'],
  ['odd dict items', '(Nd.', 'no value'],
  ['add items to a list', '](N\x90.', 'not a set'],
  ['call of a string', "S'x'\n)R.", 'not a function or class'],
  ['call without a tuple', 'ccollections\nOrderedDict\nNR.', 'not a tuple'],
  ['state on a list', '](db.', 'takes none'],
  ['state on a plain dict', '}}b.', 'takes none'],
  ['extension registry', '\x82\x01.', 'extension'],
  ['out-of-band buffer', '\x97.', 'out-of-band'],
  ['integer of text', 'Ix\n.', 'integer'],
  ['integer of too many digits', `L${'1'.repeat(5000)}L\n.`, 'integer'],
  ['float of text', 'Fx\n.', 'float'],
  ['empty float', 'F\n.', 'float'],
  ['a float named like a property', 'Fconstructor\n.', 'float'],
  ['unquoted string', 'Sx\n.', 'quoted'],
  ['character beyond Unicode', 'V\\Uffffffff\n.', 'Unicode'],
  ['invalid UTF-8', 'X\x01\x00\x00\x00\xff.', 'UTF-8'],
  ['negative string length', 'T\xff\xff\xff\xff.', 'ends early'],
  ['string beyond the end', 'X\xff\xff\xff\x7f.', 'ends early'],
  ['bytes beyond the end', '\x8e\xff\xff\xff\xff\xff\xff\xff\xff.', 'ends early'],
  ['long beyond the end', '\x8b\xff\xff\xff\x7f.', 'integer'],
  ['keyword arguments', '\x80\x04ccollections\nOrderedDict\n)}NNs\x92.', 'keyword'],
  ['global name that is no string', '\x80\x04NN\x93.', 'not a string'],
  ['OrderedDict of a number', 'ccollections\nOrderedDict\n(K\x01tR.', 'collections.OrderedDict'],
  ['set of a dict', 'c__builtin__\nset\n(}tR.', 'builtins.set'],
  ['text encoded as UTF-8', 'c_codecs\nencode\n(Va\nVutf8\ntR.', '_codecs.encode'],
  ['text beyond latin1', 'c_codecs\nencode\n(V\\u20ac\nVlatin1\ntR.', '_codecs.encode'],
  ['a default factory that is called', 'c__builtin__\nlist\n)R.', 'default factory'],
])('%s is a PickleError', (_, pickle, message) => {
  expect(() => read(ascii(pickle))).toThrow(PickleError)
  expect(() => read(ascii(pickle))).toThrow(message)
})

test('more objects than allowed are refused', () => {
  for (const opcode of [']', ')', '}', '(', '\x8f', '\x94']) {
    expect(() => read(ascii(`N${opcode.repeat(200)}`), { maxObjects: 100 })).toThrow(CheckpointLimitError)
  }
  expect(() => read(ascii(`}(${'NN'.repeat(200)}u.`), { maxObjects: 100 })).toThrow(CheckpointLimitError)
})

test('a list that contains itself is read', () => {
  const list = read(ascii(']q\x00h\x00a.')) as unknown[]
  expect(list[0]).toBe(list)
})

test('a class that is allowed becomes a record of what Python would do', () => {
  const pickle = ascii('\x80\x02comegaconf.nodes\nAnyNode\nq\x00)\x81q\x01}q\x02U\x04_valq\x03K\x05sb.')
  expect(() => read(pickle)).toThrow('omegaconf.nodes.AnyNode')
  const node = read(pickle, { opaque: ['omegaconf'] }) as OpaqueObject
  expect(node).toBeInstanceOf(OpaqueObject)
  expect(node).toMatchObject({ pythonName: 'omegaconf.nodes.AnyNode', args: [], state: new Map([['_val', 5]]) })
})

test('an allowed module does not allow others that begin like it', () => {
  expect(() => read(ascii('comegaconfx\nA\n.'), { opaque: ['omegaconf'] })).toThrow(PickleRefusedError)
})

test('items and entries of an opaque object are kept', () => {
  const pickle = ascii('cmy\nThing\n(K\x07tR(K\x01K\x02e(K\x03K\x04u.')
  expect(read(pickle, { opaque: ['my'] })).toMatchObject({ args: [7], items: [1, 2], entries: new Map([[3, 4]]) })
})

test('attributes of an OrderedDict are kept', () => {
  const dict = read(ascii("ccollections\nOrderedDict\n)R}S'_metadata'\nNsb."))
  expect(dict).toMatchObject({ attributes: new Map([['_metadata', null]]) })
})
