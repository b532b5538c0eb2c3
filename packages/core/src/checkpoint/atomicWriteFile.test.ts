import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { atomicWriteFile } from './atomicWriteFile.js'
import { CheckpointFileError } from './errors.js'

const root = mkdtempSync(join(tmpdir(), 'nemo-atomic-'))
afterAll(() => rmSync(root, { recursive: true }))

let count = 0
function folder(): string {
  const path = join(root, String(count++))
  mkdirSync(path)
  return path
}

test('text, bytes and parts are written, and no temporary file is left', async () => {
  const at = folder()
  await atomicWriteFile(join(at, 'text'), 'grün')
  await atomicWriteFile(join(at, 'bytes'), Uint8Array.of(1, 2))
  await atomicWriteFile(join(at, 'parts'), [Uint8Array.of(1), new Uint8Array(0), Uint8Array.of(2)])
  expect(readFileSync(join(at, 'text'), 'utf8')).toBe('grün')
  expect([...readFileSync(join(at, 'bytes'))]).toEqual([1, 2])
  expect([...readFileSync(join(at, 'parts'))]).toEqual([1, 2])
  expect(readdirSync(at).sort()).toEqual(['bytes', 'parts', 'text'])
})

test('an old file is replaced', async () => {
  const path = join(folder(), 'file')
  writeFileSync(path, 'a longer old text')
  await atomicWriteFile(path, 'new')
  expect(readFileSync(path, 'utf8')).toBe('new')
})

test('when the contents fail half way, the old file stays and the error passes', async () => {
  const at = folder()
  const path = join(at, 'file')
  writeFileSync(path, 'old')
  function* failing() {
    yield Uint8Array.of(1)
    // While writing, the old file is still whole.
    expect(readFileSync(path, 'utf8')).toBe('old')
    throw new TypeError('half way')
  }
  await expect(atomicWriteFile(path, failing())).rejects.toThrow(TypeError)
  expect(readFileSync(path, 'utf8')).toBe('old')
  expect(readdirSync(at)).toEqual(['file'])
})

test('a missing folder is a CheckpointFileError that names the file', async () => {
  const path = join(folder(), 'missing', 'file')
  await expect(atomicWriteFile(path, 'x')).rejects.toThrow(CheckpointFileError)
  await expect(atomicWriteFile(path, 'x')).rejects.toThrow(path)
})

test('a folder is not replaced by a file', async () => {
  const at = folder()
  mkdirSync(join(at, 'target'))
  writeFileSync(join(at, 'target', 'inside'), 'x')
  await expect(atomicWriteFile(join(at, 'target'), 'x')).rejects.toThrow(CheckpointFileError)
  expect(existsSync(join(at, 'target', 'inside'))).toBe(true)
  expect(readdirSync(at)).toEqual(['target'])
})

test('a symbolic link is followed', async () => {
  const at = folder()
  writeFileSync(join(at, 'real'), 'old')
  symlinkSync(join(at, 'real'), join(at, 'link'))
  await atomicWriteFile(join(at, 'link'), 'new')
  expect(lstatSync(join(at, 'link')).isSymbolicLink()).toBe(true)
  expect(readFileSync(join(at, 'real'), 'utf8')).toBe('new')
})

test('writers at the same time leave one whole file', async () => {
  const path = join(folder(), 'file')
  const texts = Array.from({ length: 8 }, (_, i) => String(i).repeat(100_000))
  await Promise.all(texts.map((text) => atomicWriteFile(path, text)))
  expect(texts).toContain(readFileSync(path, 'utf8'))
})
