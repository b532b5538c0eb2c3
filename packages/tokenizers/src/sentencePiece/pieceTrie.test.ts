import fc from 'fast-check'
import { expect, it } from 'vitest'
import { PieceTrie } from './pieceTrie.js'

it('finds the longest of its strings at a place', () => {
  const strings = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '😀'), minLength: 1, maxLength: 4 }))
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '😀'), maxLength: 8 })
  fc.assert(
    fc.property(strings, text, (strings, text) => {
      const trie = new PieceTrie()
      strings.forEach((string, i) => {
        trie.set(string, i)
      })
      for (let at = 0; at <= text.length; at++) {
        const want = Math.max(0, ...strings.filter((string) => text.startsWith(string, at)).map(({ length }) => length))
        expect(trie.longestMatch(text, at)).toBe(want)
      }
    }),
    { seed: 1 },
  )
})
