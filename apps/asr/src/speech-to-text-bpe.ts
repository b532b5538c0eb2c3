/**
 * Trains a recogniser of sub-words on connected digits: a small Citrinet, by CTC, with a tokenizer learnt from the transcripts.
 *
 *   pnpm recipe asr/speech-to-text-bpe --data_dir DIR [tokenizer.vocab_size=64 ...]
 *
 * Data: the Free Spoken Digit Dataset, single recordings and strings of them; downloaded without --data_dir.
 */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EncDecCTCModelBPE } from '@nemo/asr'
import { hydraRunner } from '@nemo/core'
import { dataDirFlag, prepareSubwords, subwordDigitsSchema, trainOnDigits } from './training/connectedDigits.js'

await hydraRunner(
  {
    configPath: join(dirname(fileURLToPath(import.meta.url)), '..', 'conf'),
    configName: 'speech-to-text-bpe',
    schema: subwordDigitsSchema,
    flags: { data_dir: dataDirFlag },
    description: 'Trains a recogniser of sub-words on connected digits.',
  },
  async (config, { config: composed, flags }) => {
    await prepareSubwords(config, flags.data_dir)
    const title = 'Connected digits, sub-words'
    const trained = await trainOnDigits({ modelClass: EncDecCTCModelBPE, config, composed, title })
    return trained?.found
  },
)
