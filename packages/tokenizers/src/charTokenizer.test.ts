import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CharTokenizer } from './charTokenizer.js'
import { TokenizerError } from './errors.js'

const letters = [' ', ...'abcdefghijklmnopqrstuvwxyz', "'"]

it('ids are places of characters in the labels', () => {
  const tokenizer = new CharTokenizer(letters)
  expect(tokenizer.textToIds("don't")).toEqual([4, 15, 14, 27, 20])
  expect(tokenizer.vocabSize).toBe(28)
  expect(tokenizer.decode([4, 15, 14, 27, 20])).toBe("don't")
})

describe('labels of several characters', () => {
  const tokenizer = new CharTokenizer([...letters, '<noise>', 'th'])
  it('stand for whole words', () => {
    expect(tokenizer.textToTokens('a <NOISE> th b')).toEqual(['a', ' ', '<noise>', ' ', 'th', ' ', 'b'])
  })
  it('never stand for parts of words', () => {
    expect(tokenizer.encode('the a<noise>')).toEqual({
      ids: [20, 8, 5, 0, 1, 14, 15, 9, 19, 5],
      unknown: ['<', '>'],
    })
  })
})

describe('characters without label', () => {
  it('are left out and reported', () => {
    expect(new CharTokenizer(letters).encode('a-b 7?')).toEqual({ ids: [1, 2, 0], unknown: ['-', '7', '?'] })
  })
  it('are an error if asked for, which names each once', () => {
    const tokenizer = new CharTokenizer(letters, { unknown: 'error' })
    expect(() => tokenizer.encode('7-7')).toThrow('Text "7-7" has characters outside the labels: "7", "-".')
  })
  it('count as one beyond the basic plane', () => {
    expect(new CharTokenizer(['😀', 'é']).encode('😀é😁')).toEqual({ ids: [0, 1], unknown: ['😁'] })
  })
})

describe('white space', () => {
  it('is trimmed, and runs of it are one space', () => {
    expect(new CharTokenizer(letters).textToIds(' \ta\u00a0 \n b ')).toEqual([1, 0, 2])
  })
  it('is kept with keep: a space has its id, tabs have none', () => {
    const tokenizer = new CharTokenizer(letters, { whitespace: 'keep' })
    expect(tokenizer.encode(' a  \tb ')).toEqual({ ids: [1, 0, 0, 2], unknown: ['\t'] })
  })
})

it('folds case unless told not to', () => {
  expect(new CharTokenizer(['a', 'ß', 'ä']).textToIds('AÄß')).toEqual([0, 2, 1])
  expect(new CharTokenizer(['a', 'A'], { lowercase: false }).textToIds('Aa')).toEqual([1, 0])
})

it('an empty text has no ids', () => {
  expect(new CharTokenizer(letters).encode('')).toEqual({ ids: [], unknown: [] })
  expect(new CharTokenizer(letters).decode([])).toBe('')
})

it('empty and repeated labels are errors', () => {
  expect(() => new CharTokenizer(['a', ''])).toThrow(/Label 1: expected a character, found ""/)
  expect(() => new CharTokenizer(['a', 'b', 'a'])).toThrow(/Label 2 repeats "a", which is label 0/)
})

it('ids and tokens outside the labels are errors', () => {
  const tokenizer = new CharTokenizer(['a'])
  expect(() => tokenizer.decode([1])).toThrow(/Id 1 is outside the 1 labels/)
  expect(() => tokenizer.tokensToIds(['b'])).toThrow(TokenizerError)
})

it('texts of labels come back', () => {
  const tokenizer = new CharTokenizer(letters)
  const words = fc.array(fc.string({ unit: fc.constantFrom(...letters.slice(1)), minLength: 1 }), { minLength: 1 })
  fc.assert(
    fc.property(words, (words) => {
      const text = words.join(' ')
      expect(tokenizer.decode(tokenizer.textToIds(text))).toBe(text)
    }),
    { seed: 1 },
  )
})
