import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { TokenizerError } from '../errors.js'
import { trainWordPiece } from './trainWordPiece.js'
import { WordPieceTokenizer } from './wordPieceTokenizer.js'

// tools/reference/tokenizerTrainingFixtures.py.
const { lines, wordPiece } = JSON.parse(
  gunzipSync(readFileSync(new URL('../../test/fixtures/training.json.gz', import.meta.url))).toString(),
) as {
  readonly lines: readonly string[]
  readonly wordPiece: { readonly always: readonly string[]; readonly ever: readonly string[] }
}

it('has the pieces of Hugging Face’s trainer, where ties between pairs are decided at random', async () => {
  const vocabulary = await trainWordPiece(lines, { vocabSize: 400 })
  expect(vocabulary).toHaveLength(400)
  expect(vocabulary.slice(0, 5)).toEqual(['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'])
  expect(wordPiece.always.length).toBeGreaterThan(380)
  expect(wordPiece.always.filter((piece) => !vocabulary.includes(piece))).toEqual([])
  expect(vocabulary.filter((piece) => !wordPiece.ever.includes(piece)).length).toBeLessThan(4)
})

it('covers its own text', async () => {
  const tokenizer = new WordPieceTokenizer(await trainWordPiece(lines, { vocabSize: 400 }))
  for (const line of lines) expect(tokenizer.textToIds(line)).not.toContain(tokenizer.unkId)
})

it('joins no pair that is rarer than asked for, and says what cannot be', async () => {
  expect(await trainWordPiece(['ab ab', 'cd'], { vocabSize: 50, specialTokens: ['[UNK]'] })).toEqual([
    '[UNK]',
    'a',
    'b',
    'c',
    'd',
    '##b',
    '##d',
    'ab',
  ])
  await expect(trainWordPiece(['a'], { vocabSize: 5 })).rejects.toThrow(TokenizerError)
  await expect(trainWordPiece([' '], { vocabSize: 50 })).rejects.toThrow(/no word/)
})
