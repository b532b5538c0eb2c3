/**
 * Trains a tokenizer on the transcripts of manifests, or on text, and writes its folder for `model.tokenizer.dir`.
 *
 *   pnpm recipe asr/process-asr-text-tokenizer manifest=train.json data_root=tokenizers tokenizer=spe vocab_size=128
 *   pnpm recipe asr/process-asr-text-tokenizer data_file=text.txt data_root=tokenizers tokenizer=wpe
 *
 * Several files: quoted, joined by commas ('manifest="a.json,b.json"'), or as a list (manifest=[a.json,b.json]).
 */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildTokenizer, buildTokenizerOptionsSchema } from '@nemo/asr'
import { getLogger, hydraRunner } from '@nemo/core'

await hydraRunner(
  {
    configPath: join(dirname(fileURLToPath(import.meta.url)), '..', 'conf'),
    configName: 'process-asr-text-tokenizer',
    schema: buildTokenizerOptionsSchema,
    description: 'Trains a tokenizer on the transcripts of manifests, or on text.',
  },
  async (options) => {
    const dir = await buildTokenizer(options)
    getLogger('recipe').info(
      `for a model: tokenizer.dir=${dir} tokenizer.type=${options.tokenizer === 'spe' ? 'bpe' : 'wpe'}`,
    )
    console.log(dir)
  },
)
