import { expect, test } from 'vitest'
import { checkFile, MAX_FILE_BYTES } from '../src/repositoryRules.js'

const messages = (file: string, text: string | Buffer) =>
  checkFile(file, Buffer.from(text)).map(({ line, message }) => `${line ?? '-'}: ${message}`)

// Put together here, because this file is checked too.
const path = (...folders: string[]) => `/${folders.join('/')}/`

test.each([
  `const file = '${path('tmp')}a.wav'`,
  `cd ${path('root', 'repo')}`,
  `"${path('work')}main"`,
  path('home', 'ann', 'data'),
  `(${path('Users', 'Ann.B')}x)`,
  `file:/${path('tmp')}x`,
  `${['C:', 'Users', 'ann'].join('\\')}`,
  `${['C:', 'Users', 'ann'].join('\\\\')}`,
])('a path of one machine is found: %s', (text) => {
  expect(messages('a.ts', `first line\n${text}`)).toEqual([expect.stringMatching(/^2: path of one machine/)])
})

test.each([
  'https://example.com/home/ann/x',
  './tmp/x',
  'a/root/b',
  `\${dir}${path('tmp')}x`,
  '/data/train.json',
  '/usr/lib/x',
  'homework/',
])('no path of one machine: %s', (text) => {
  expect(messages('a.ts', text)).toEqual([])
})

test('a file at the limit is allowed, one byte more is not', () => {
  expect(messages('a.bin', Buffer.alloc(MAX_FILE_BYTES))).toEqual([])
  expect(messages('a.bin', Buffer.alloc(MAX_FILE_BYTES + 1))).toEqual([
    expect.stringContaining(`${MAX_FILE_BYTES + 1} bytes; at most`),
  ])
})

test('the lockfile may be large, but names no server', () => {
  expect(messages('pnpm-lock.yaml', 'x'.repeat(MAX_FILE_BYTES + 1))).toEqual([])
  const address = ['https:', '', 'npm.example.com', 'a.tgz'].join('/')
  expect(messages('pnpm-lock.yaml', `a\n  tarball: ${address}`)).toEqual([
    expect.stringContaining(`2: address in the lockfile: ${address}`),
  ])
  expect(messages('README.md', address)).toEqual([])
})

test('binary files are not read as text', () => {
  expect(messages('a.nemo', Buffer.from(`\0${path('tmp')}x`))).toEqual([])
})
