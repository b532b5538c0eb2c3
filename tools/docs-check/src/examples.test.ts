import { expect, it } from 'vitest'
import { examplesOf } from './examples.js'

it('finds blocks of TypeScript with their lines, and leaves fragments and other languages out', () => {
  const text = [
    '# Title',
    '```ts',
    'const a = 1',
    '',
    'a',
    '```',
    '```sh',
    'ls',
    '```',
    '```ts fragment',
    'b',
    '```',
    '```ts',
    '```',
  ]
  expect(examplesOf(text.join('\n'))).toEqual([
    { line: 3, code: 'const a = 1\n\na' },
    { line: 14, code: '' },
  ])
})
