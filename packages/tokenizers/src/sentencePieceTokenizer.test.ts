import { expect, it } from 'vitest'
import { modelBytes } from '../test/sentencePieceFixtures.js'
import { TokenizerError } from './errors.js'
import { SentencePieceTokenizer } from './sentencePieceTokenizer.js'

// Expected values: NeMo v1.0.0 (tools/goldens, case tokenizers).
it('special tokens on top get the next ids; those that are pieces are not added', () => {
  const tokenizer = new SentencePieceTokenizer(modelBytes('bpe128'), {
    legacy: true,
    specialTokens: ['[MASK]', '<sep>', 'e'],
  })
  expect(tokenizer.vocabSize).toBe(130)
  expect(tokenizer.originalVocabSize).toBe(128)
  expect([...tokenizer.specialTokenToId]).toEqual([
    ['[MASK]', 128],
    ['<sep>', 129],
  ])
  expect(tokenizer.textToTokens('one [MASK] two')).toEqual(['▁o', 'n', 'e', '[MASK]', '▁t', 'w', 'o'])
  expect(tokenizer.textToIds('[MASK]<sep>')).toEqual([128, 129])
  expect(tokenizer.textToIds(' [MASK] x')).toEqual([128, 47, 80])
  expect(tokenizer.idsToText([128, 129])).toBe('[MASK]  <sep>')
  expect(tokenizer.idsToText([5, 53, 48, 128, 1, 65, 50])).toBe('one [MASK] two')
  expect(tokenizer.idsToTokens([129, 1])).toEqual(['<sep>', '▁t'])
  expect(tokenizer.tokensToIds(['[MASK]', '▁t', 'nothing like it'])).toEqual([128, 1, 0])
})

it('without legacy the unknown keeps its spaces; with it the text is trimmed', () => {
  const model = modelBytes('identity')
  expect(new SentencePieceTokenizer(model).idsToText([0])).toBe(' ⁇ ')
  expect(new SentencePieceTokenizer(model, { legacy: true }).idsToText([0])).toBe('⁇')
})

it('special tokens without legacy are an error', () => {
  expect(() => new SentencePieceTokenizer(modelBytes('identity'), { specialTokens: ['[MASK]'] })).toThrow(
    /\["\[MASK\]"\] need legacy: true/,
  )
})

it('an empty special token is an error', () => {
  expect(() => new SentencePieceTokenizer(modelBytes('identity'), { legacy: true, specialTokens: [''] })).toThrow(
    TokenizerError,
  )
})

it('an id between the model and the end is an error', () => {
  expect(() => new SentencePieceTokenizer(modelBytes('identity')).idsToTokens([90])).toThrow(TokenizerError)
})
