import { expect, it } from 'vitest'
import { WordTokenizer } from './wordTokenizer.js'

const options = { padToken: '<pad>', unkToken: '<unk>', bosToken: '<s>' }

it('special tokens that the vocabulary lacks come behind it', () => {
  const tokenizer = new WordTokenizer(['<pad>', 'the', 'cat'], options)
  expect(tokenizer.vocabulary).toEqual(['<pad>', 'the', 'cat', '<s>', '<unk>'])
  expect(tokenizer.vocabSize).toBe(5)
})

it('words outside the vocabulary are the unknown token', () => {
  const tokenizer = new WordTokenizer(['the', 'cat'], options)
  expect(tokenizer.textToTokens('  the\tdog  cat')).toEqual(['the', '<unk>', 'cat'])
  expect(tokenizer.textToIds('the dog')).toEqual([0, 4])
})

it('words outside the vocabulary are an error without an unknown token', () => {
  expect(() => new WordTokenizer(['the']).textToIds('the dog')).toThrow(
    /Word "dog" is outside the vocabulary of 1 words/,
  )
})

it('special tokens are left out of texts', () => {
  const tokenizer = new WordTokenizer(['the', 'cat'], options)
  expect(tokenizer.idsToText([2, 0, 1, 4, 3])).toBe('the cat')
  expect(tokenizer.idsToTokens([2, 0])).toEqual(['<s>', 'the'])
})

it('ids outside the vocabulary, empty and repeated words are errors', () => {
  expect(() => new WordTokenizer(['a']).idsToText([1])).toThrow(/Id 1 is outside the vocabulary: expected 0 to 0/)
  expect(() => new WordTokenizer([''])).toThrow(/Word 0: expected a word/)
  expect(() => new WordTokenizer(['a', 'a'])).toThrow(/Word 1 repeats "a", which is word 0/)
})
