import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DataLoader } from '@nemo/core'
import { describe, expect, it } from 'vitest'
import { scratchFolder, writeCorpus } from '../../test/tinyRecogniser.js'
import { buildTokenizer } from '../tokenizer/buildTokenizer.js'
import { SubwordVocabulary } from '../tokenizer/subwordVocabulary.js'
import { AudioToBPEDataset } from './audioToBPEDataset.js'
import { audioToCharConfigSchema } from './audioToTextDataset.js'

const folder = await scratchFolder()
const manifest = await writeCorpus(join(folder, 'corpus'), ['abc', 'cab ab', 'bc', 'zz'])

async function vocabularyOf(tokenizer: 'spe' | 'wpe', texts = manifest): Promise<SubwordVocabulary> {
  const dir = await buildTokenizer({ manifest: texts, data_root: folder, tokenizer, vocab_size: 16 })
  const [model, vocabulary] = await Promise.all(
    ['tokenizer.model', 'vocab.txt'].map((name) => readFile(join(dir, name)).catch(() => null)),
  )
  const type = tokenizer === 'spe' ? 'bpe' : 'wpe'
  return new SubwordVocabulary({
    type,
    model: model!,
    vocabulary: vocabulary!,
    specialTokens: [],
    tokens: {},
    classes: null,
  })
}

const open = (vocabulary: SubwordVocabulary, settings: object = {}) =>
  AudioToBPEDataset.open(
    audioToCharConfigSchema.parse({ manifest_filepath: manifest, sample_rate: 8000, ...settings }),
    vocabulary,
  )

describe('AudioToBPEDataset', () => {
  it('gives ids of sub-words and the text that they spell', async () => {
    const vocabulary = await vocabularyOf('spe')
    const dataset = await open(vocabulary)
    const sample = (await dataset.get({ seed: 1, epoch: 0, index: 1 }))!
    expect(sample.ids).toEqual(vocabulary.tokenizer.textToIds('cab ab'))
    expect(sample.ids.length).toBeLessThan(6)
    expect(sample.info.text).toBe('cab ab')
  })

  it('puts tokens for start and end around WordPiece ids unless told not to', async () => {
    const vocabulary = await vocabularyOf('wpe')
    const ids = async (settings: object) =>
      (await (await open(vocabulary, settings)).get({ seed: 1, epoch: 0, index: 0 }))!.ids
    const plain = await ids({ use_start_end_token: false })
    expect(await ids({})).toEqual([2, ...plain, 3])
    expect((await (await open(vocabulary)).get({ seed: 1, epoch: 0, index: 0 }))!.info.text).toBe('abc')
  })

  it('gives the same batches in worker threads', async () => {
    const vocabulary = await vocabularyOf('spe')
    const collect = async (num_workers: number) => {
      const loader = new DataLoader(await open(vocabulary), { batch_size: 2, num_workers, seed: 3 })
      const ids: string[] = []
      for await (const { batch } of loader.epoch(0))
        ids.push([...(batch!.arrays.transcripts!.data as BigInt64Array)].join(' '))
      await loader.close()
      return ids
    }
    expect(await collect(1)).toEqual(await collect(0))
  }, 60_000)

  it('refuses text outside the sub-words where that is asked for', async () => {
    const few = await writeCorpus(join(folder, 'few'), ['abc', 'cab'])
    const dataset = await open(await vocabularyOf('spe', few), { unknown_characters: 'error' })
    await expect(dataset.get({ seed: 1, epoch: 0, index: 3 })).rejects.toThrow(
      /manifest\.json:4: .*"zz" has parts outside/,
    )
  })
})
