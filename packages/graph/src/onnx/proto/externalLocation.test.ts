import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checkExternalLocation } from './externalLocation.js'

test.each([
  'weights.bin',
  './weights.bin',
  'a/b/c.data',
  'onnx__MatMul_12',
  'a..b',
  '...x',
  'model.onnx.data',
  'gewichte ü.bin',
])('%j stays in the folder', (location) => {
  expect(checkExternalLocation(location)).toBeUndefined()
})

test.each([
  '',
  '   ',
  '..',
  '../x',
  'a/../../x',
  'a/..',
  '..\\x',
  'a\\..\\..\\x',
  '/etc/passwd',
  '\\\\server\\share',
  'C:\\x',
  'c:x',
  'file:///etc/passwd',
  'https://example.com/x',
  'data:,x',
  '%2e%2e/x',
  '.%2E/x',
  '%2fetc',
  ' /etc/passwd',
  'a\u0000b',
  '.\t./x',
  '.. /x',
  '../',
  '... /x',
])('%j is refused', (location) => {
  expect(checkExternalLocation(location)).toEqual(expect.any(String))
})

test('whatever is accepted resolves inside the folder as a URL', () => {
  const part = fc.oneof(
    fc.constantFrom('..', '.', '%2e', '\\', '/', ':', ' ', '\t', 'a', '%2f', '?', '#', '//'),
    fc.string({ maxLength: 2 }),
  )
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
      const location = parts.join('')
      if (checkExternalLocation(location) !== undefined) return
      expect(new URL(location, 'http://host/models/one/').href).toMatch(/^http:\/\/host\/models\/one\//)
    }),
    { seed: 1, numRuns: 5000 },
  )
})
