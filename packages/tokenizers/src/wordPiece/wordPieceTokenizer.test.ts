import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { parseVocabularyFile } from '../vocabularyFile.js'
import { basicTokenize } from './basicTokenizer.js'
import { WordPieceTokenizer } from './wordPieceTokenizer.js'

const folder = new URL('../../test/fixtures/wordPiece/', import.meta.url)
const vocabulary = parseVocabularyFile(readFileSync(new URL('vocab.txt', folder), 'utf8'))

interface Variant {
  readonly lowercase: boolean
  readonly stripAccents: boolean
  readonly rows: readonly {
    readonly text: string
    readonly tokens: readonly string[]
    readonly ids: readonly number[]
  }[]
}

describe('tokens and ids of Hugging Face tokenizers (tools/reference/tokenizerFixtures.py)', () => {
  const json = gunzipSync(readFileSync(new URL('encodings.json.gz', folder))).toString()
  for (const { lowercase, stripAccents, rows } of JSON.parse(json) as readonly Variant[]) {
    it(`lowercase ${lowercase}, stripAccents ${stripAccents}`, () => {
      const tokenizer = new WordPieceTokenizer(vocabulary, { lowercase, stripAccents })
      for (const { text, tokens, ids } of rows) {
        expect(tokenizer.textToTokens(text), text).toEqual(tokens)
        expect(tokenizer.textToIds(text), text).toEqual(ids)
      }
    })
  }
})

it('joins pieces and leaves special tokens out of texts', () => {
  const tokenizer = new WordPieceTokenizer(vocabulary)
  const ids = tokenizer.tokensToIds(['[CLS]', 'un', '##aff', '##able', 'walk', '##ing', '!', '[SEP]', '[PAD]'])
  expect(tokenizer.idsToText(ids)).toBe('unaffable walking !')
})

it('knows its special ids, -1 for those that it lacks', () => {
  const { unkId, clsId, sepId, padId, maskId } = new WordPieceTokenizer(['a', '?', '[CLS]'], { unkToken: '?' })
  expect([unkId, clsId, sepId, padId, maskId]).toEqual([1, 2, -1, -1, -1])
})

it('a vocabulary without the unknown is an error', () => {
  expect(() => new WordPieceTokenizer(['a'])).toThrow(/The vocabulary of 1 pieces lacks "\[UNK\]"/)
})

it('an id outside the vocabulary is an error', () => {
  expect(() => new WordPieceTokenizer(['[UNK]']).idsToTokens([1])).toThrow(/expected 0 to 0/)
})

it('basic tokens split at punctuation and around Chinese characters, not kana', () => {
  expect(basicTokenize('Él dijo: «U.S.»日本カナ', { lowercase: true, stripAccents: true })).toEqual([
    'el',
    'dijo',
    ':',
    '«',
    'u',
    '.',
    's',
    '.',
    '»',
    '日',
    '本',
    'カナ',
  ])
})

it('a vocabulary file has a piece a line, whatever ends the line', () => {
  expect(parseVocabularyFile('\ufeffa\r\nb\n\nc d\n')).toEqual(['a', 'b', '', 'c d'])
  expect(parseVocabularyFile('')).toEqual([])
})
