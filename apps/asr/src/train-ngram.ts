/**
 * Estimates an n-gram language model from text or transcripts: modified Kneser-Ney, as an ARPA file or a KenLM binary.
 *
 *   pnpm recipe asr/train-ngram train_file=TEXT kenlm_model_file=OUT.bin [ngram_length=3 level=word|char|subword]
 */
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EncDecCTCModelBPE, estimateNGramsToFile, subWordToken } from '@nemo/asr'
import { ConfigValidationError, formatDuration, hydraRunner } from '@nemo/core'
import { z } from 'zod'
import { levelLines, trainingLines } from './languageModel/trainingText.js'
import { printTable } from './training/closingTable.js'

const schema = z.strictObject({
  train_file: z.union([z.string(), z.array(z.string()).min(1)]),
  kenlm_model_file: z.string(),
  ngram_length: z.int().min(1).max(16),
  level: z.enum(['word', 'char', 'subword']),
  nemo_model_file: z.string().nullable(),
  ngram_prune: z.array(z.int().min(0)),
  discount_fallback: z.boolean(),
  memory_mib: z.number().min(1),
})

await hydraRunner(
  {
    configPath: join(dirname(fileURLToPath(import.meta.url)), '..', 'conf'),
    configName: 'train-ngram',
    schema,
    description: 'Estimates an n-gram language model from text or transcripts.',
  },
  async (config) => {
    const started = performance.now()
    const files = typeof config.train_file === 'string' ? [config.train_file] : config.train_file
    const output = config.kenlm_model_file
    await mkdir(dirname(output), { recursive: true })
    const corpus = levelLines(trainingLines(files), config.level, await subWordsOf(config))
    const { tokens, orders, spilledBytes } = await estimateNGramsToFile(corpus, output, {
      order: config.ngram_length,
      prune: config.ngram_prune,
      discountFallback: config.discount_fallback,
      memory: config.memory_mib * 2 ** 20,
    })
    printTable(
      ['order', 'n-grams', 'of', 'D1', 'D2', 'D3+'],
      orders.map(({ order, kept, total, discounts, fallback }) => [
        String(order),
        String(kept),
        String(total),
        ...discounts.map((discount) => `${discount.toFixed(4)}${fallback ? ' (fallback)' : ''}`),
      ]),
    )
    const spilled = spilledBytes > 0 ? `, ${(spilledBytes / 2 ** 20).toFixed(0)} MiB on disk meanwhile` : ''
    console.log(`${tokens} words, ${formatDuration((performance.now() - started) / 1000)}${spilled}`)
    console.log(output)
  },
)

async function subWordsOf({ level, nemo_model_file }: z.output<typeof schema>): Promise<(line: string) => string[]> {
  if (level !== 'subword') return () => []
  const problem = (message: string) => new ConfigValidationError([{ keyPath: 'nemo_model_file', message }])
  if (nemo_model_file === null) throw problem('expected the model whose sub-words are meant, found null')
  const model = await EncDecCTCModelBPE.restoreFrom(nemo_model_file)
  if (!(model instanceof EncDecCTCModelBPE)) throw problem('expected a model with a tokenizer')
  return (line) => Array.from(model.tokenizer.textToIds(line), subWordToken)
}
