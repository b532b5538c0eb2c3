import { expect, it } from 'vitest'
import { TokenizerError } from '../errors.js'
import { CharsMap } from './charsMap.js'

it('a trie that does not fit into its bytes is an error', () => {
  expect(() => new CharsMap(Uint8Array.of(1))).toThrow(TokenizerError)
  expect(() => new CharsMap(Uint8Array.of(8, 0, 0, 0, 1, 2, 3, 4))).toThrow(/8 bytes do not hold a trie of 8 bytes/)
  expect(() => new CharsMap(Uint8Array.of(3, 0, 0, 0, 1, 2, 3))).toThrow(TokenizerError)
})

it('units that point outside the trie match nothing', () => {
  const map = new CharsMap(Uint8Array.of(4, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x61, 0))
  expect(map.longestMatch(new TextEncoder().encode('abc'), 0)).toBeUndefined()
})
