import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, describe, expect, test } from 'vitest'
import { fixture, fixturePath } from '../../test/checkpoint/describeValue.js'
import {
  ArchiveDuplicateError,
  ArchiveEntryTypeError,
  ArchiveMissingError,
  ArchivePathError,
  ArchiveTruncatedError,
  CheckpointContentError,
  CheckpointError,
  CheckpointFormatError,
  CheckpointLimitError,
  PickleRefusedError,
} from './errors.js'
import { fromNemo09StateDict, nemo09ModuleOf } from './nemo09.js'
import { packNemo, readNemo, writeNemo } from './nemoArchive.js'
import { Pickler } from './pickler.js'
import type { StateDict } from './pythonValue.js'
import { randomAccessOf } from './randomAccess.js'
import { readTorch } from './readTorch.js'
import { asStateDict } from './stateDict.js'
import { readTar } from './tarReader.js'
import { type TarMember, tarChunks } from './tarWriter.js'
import { writeTorch } from './writeTorch.js'
import { concat, zipChunks } from './zipWriter.js'

const folder = mkdtempSync(join(tmpdir(), 'nemo-archive-'))
afterAll(() => rmSync(folder, { recursive: true }))

const text = (contents: string) => new TextEncoder().encode(contents)

/** What NeMo's own code says of the fixtures; from the golden case nemo-archive. */
const expected = JSON.parse(readFileSync(fixturePath('nemo-archive.json'), 'utf8')) as {
  model_config_yaml: string
  state_dict_keys: string[]
  state_dict_sums: Record<string, number>
}

function sums(weights: StateDict): Record<string, number> {
  return Object.fromEntries(
    Array.from(weights, ([name, { data }]) => {
      let sum = 0
      for (const value of data) sum += Number(value)
      return [name, sum]
    }),
  )
}

const tiny: StateDict = new Map([['w', { dtype: 'float32', shape: [2], data: Float32Array.of(1, 2) }]])

/** A tar of the two required members and others. */
function tar(members: readonly TarMember[] = []): Uint8Array {
  const required = [
    { name: 'model_config.yaml', contents: [text('a: 1\n')] },
    { name: 'model_weights.ckpt', contents: [writeTorch(tiny)] },
  ]
  return concat([...tarChunks([...required, ...members])])
}

describe.each(['model.nemo', 'model_legacy.nemo'])('NeMo 1.0 file %s', (name) => {
  test('config, names, order and values are those that NeMo saved', async () => {
    for (const source of [fixturePath(name), fixture(name)]) {
      const { config, weights, artifacts } = await readNemo(source)
      expect(config).toBe(expected.model_config_yaml)
      expect([...weights.keys()]).toEqual(expected.state_dict_keys)
      expect(sums(weights)).toEqual(expected.state_dict_sums)
      expect(artifacts.size).toBe(0)
    }
  })

  test('it is written and read again unchanged, in all variants', async () => {
    const model = await readNemo(fixture(name))
    const artifacts = new Map([
      ['tokenizer.model', Uint8Array.of(1, 2, 3)],
      ['sub/vocab.txt', text('a\nb\n')],
    ])
    for (const compression of ['gzip', 'none'] as const) {
      for (const format of ['zip', 'legacy'] as const) {
        const path = join(folder, `${compression}-${format}-${name}`)
        await writeNemo(path, { ...model, artifacts }, { compression, format })
        const read = await readNemo(path)
        expect(read.config).toBe(model.config)
        expect(read.weights).toEqual(model.weights)
        expect(new Map(read.artifacts)).toEqual(artifacts)
      }
    }
    expect(readdirSync(folder).filter((file) => file.endsWith('.tmp'))).toEqual([])
  })
})

test('members are named as NeMo names them, sorted, and the bytes are always the same', async () => {
  const contents = { config: 'a: 1\n', weights: tiny }
  const artifacts = new Map([
    ['b', text('b')],
    ['a', text('a')],
  ])
  const bytes = packNemo({ ...contents, artifacts })
  expect([...bytes.subarray(4, 8)]).toEqual([0, 0, 0, 0]) // gzip's time
  const inner = new Uint8Array(gunzipSync(bytes))
  const names: string[] = []
  for (let at = 0; inner[at] !== 0; ) {
    const header = inner.subarray(at, at + 512)
    names.push(new TextDecoder().decode(header.subarray(0, header.indexOf(0))))
    const size = Number.parseInt(new TextDecoder().decode(header.subarray(124, 135)), 8)
    at += 512 + Math.ceil(size / 512) * 512
  }
  expect(names).toEqual(['./', './a', './b', './model_config.yaml', './model_weights.ckpt'])
  expect(packNemo({ ...contents, artifacts: new Map([...artifacts].reverse()) })).toEqual(bytes)
  const path = join(folder, 'same.nemo')
  await writeNemo(path, { ...contents, artifacts })
  expect(new Uint8Array(readFileSync(path))).toEqual(bytes)
})

test('tar and gzip are told apart by content, and names may lack ./', async () => {
  for (const bytes of [tar(), new Uint8Array(gzipSync(tar()))]) {
    const { config, weights } = await readNemo(bytes)
    expect(config).toBe('a: 1\n')
    expect([...weights]).toEqual([...tiny])
  }
})

test('hostile members are refused', async () => {
  await expect(readNemo(tar([{ name: '../../etc/cron.d/x' }]))).rejects.toThrow(ArchivePathError)
  await expect(readNemo(tar([{ name: '/etc/passwd' }]))).rejects.toThrow(ArchivePathError)
  await expect(readNemo(tar([{ name: './model_config.yaml' }]))).rejects.toThrow(ArchiveDuplicateError)
  const link = tar([{ name: 'link' }])
  const at = Buffer.from(link).lastIndexOf('link\0')
  link[at + 156] = '2'.charCodeAt(0)
  link[at + 153]! += 0 // the checksum's last digits follow
  const sum = link.subarray(at, at + 512).reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 0x20 : byte), 0)
  link.set(text(`${sum.toString(8).padStart(6, '0')}\0 `), at + 148)
  await expect(readNemo(link)).rejects.toThrow(ArchiveEntryTypeError)
})

test('missing members are named, with those that are there', async () => {
  const noWeights = concat([...tarChunks([{ name: 'model_config.yaml' }, { name: 'other.txt' }])])
  await expect(readNemo(noWeights)).rejects.toThrow(ArchiveMissingError)
  await expect(readNemo(noWeights)).rejects.toThrow(/model_weights\.ckpt, found model_config\.yaml, other\.txt/)
  await expect(readNemo(concat([...tarChunks([{ name: 'x' }])]))).rejects.toThrow('model_config.yaml')
})

test('other files, truncated files and bombs are refused by name', async () => {
  await expect(readNemo(text('not an archive'), { name: 'x.nemo' })).rejects.toThrow('x.nemo')
  await expect(readNemo(text('not an archive'))).rejects.toThrow(CheckpointFormatError)
  await expect(readNemo(writeTorch(tiny))).rejects.toThrow(CheckpointFormatError)
  await expect(readNemo(join(folder, 'missing.nemo'))).rejects.toThrow('missing.nemo')
  await expect(readNemo(fixture('model.nemo').subarray(0, 50_000))).rejects.toThrow(ArchiveTruncatedError)
  await expect(readNemo(tar().subarray(0, 1200))).rejects.toThrow(ArchiveTruncatedError)
  const bomb = new Uint8Array(gzipSync(tar([{ name: 'zeros', contents: [new Uint8Array(5_000_000)] }])))
  await expect(readNemo(bomb, { limits: { maxInflatedBytes: 1_000_000 } })).rejects.toThrow(CheckpointLimitError)
})

test('weights that are no state dict or that name classes are refused', async () => {
  const archive = (weights: Uint8Array) =>
    concat([
      ...tarChunks([
        { name: 'model_config.yaml', contents: [text('a: 1\n')] },
        { name: 'model_weights.ckpt', contents: [weights] },
      ]),
    ])
  const lightning = new Map([['state_dict', tiny]])
  await expect(readNemo(archive(writeTorch(lightning)))).rejects.toThrow('take its entry state_dict')
  await expect(readNemo(archive(writeTorch([1])))).rejects.toThrow(CheckpointContentError)
  const evil = new Pickler()
  evil.global('posix', 'system')
  evil.tuple(() => evil.string('id'))
  evil.reduce()
  const member = { name: 'archive/data.pkl', contents: evil.finish() }
  await expect(readNemo(archive(concat(zipChunks([member], { alignment: 64 }))))).rejects.toThrow(PickleRefusedError)
})

test('a configuration that is not UTF-8 is refused', async () => {
  const bytes = concat([
    ...tarChunks([
      { name: 'model_config.yaml', contents: [Uint8Array.of(0xff, 0xfe)] },
      { name: 'model_weights.ckpt', contents: [writeTorch(tiny)] },
    ]),
  ])
  await expect(readNemo(bytes)).rejects.toThrow(CheckpointFormatError)
})

test('names that cannot be members are refused before anything is written', async () => {
  const write = (name: string) => () => packNemo({ config: '', weights: tiny, artifacts: new Map([[name, text('x')]]) })
  expect(write('../x')).toThrow(ArchivePathError)
  expect(write('/x')).toThrow(ArchivePathError)
  expect(write('./model_config.yaml')).toThrow(ArchiveDuplicateError)
  const path = join(folder, 'never.nemo')
  const artifacts = new Map([['../x', text('x')]])
  await expect(writeNemo(path, { config: '', weights: tiny, artifacts })).rejects.toThrow(CheckpointError)
  expect(readdirSync(folder)).not.toContain('never.nemo')
})

describe('NeMo 0.9 module checkpoints', () => {
  test('merge to the weights of the 1.x model that was trained the same way', async () => {
    const { weights } = await readNemo(fixture('model.nemo'))
    const merged: StateDict = new Map()
    for (const name of ['JasperEncoder-STEP-24.pt', 'JasperDecoderForCTC-STEP-24.pt']) {
      const stateDict = asStateDict(readTorch(fixture(name)), name)
      for (const [key, tensor] of fromNemo09StateDict(nemo09ModuleOf(name), stateDict)) merged.set(key, tensor)
    }
    const withoutPreprocessor = new Map([...weights].filter(([name]) => !name.startsWith('preprocessor.')))
    expect([...merged.keys()]).toEqual([...withoutPreprocessor.keys()])
    expect(merged).toEqual(withoutPreprocessor)
  })

  test('modules may be named by class or by attribute', () => {
    expect([...fromNemo09StateDict('JasperEncoder', tiny).keys()]).toEqual(['encoder.w'])
    expect([...fromNemo09StateDict('encoder', tiny).keys()]).toEqual(['encoder.w'])
    expect([...fromNemo09StateDict('AudioToMelSpectrogramPreprocessor', tiny).keys()]).toEqual(['preprocessor.w'])
  })

  test('file names of other classes or forms are refused', () => {
    expect(nemo09ModuleOf('checkpoints/JasperDecoderForCTC-EPOCH-3.pt')).toBe('JasperDecoderForCTC')
    for (const name of ['model.pt', 'Unknown-STEP-1.pt', 'constructor-STEP-1.pt', '']) {
      expect(() => nemo09ModuleOf(name)).toThrow(CheckpointContentError)
    }
  })
})

test('the archive inside a .nemo file is listed without reading its members', () => {
  const members = readTar(randomAccessOf(new Uint8Array(gunzipSync(fixture('model.nemo'))), 'model.tar'))
  expect([...members.keys()]).toEqual(['model_config.yaml', 'model_weights.ckpt'])
})
