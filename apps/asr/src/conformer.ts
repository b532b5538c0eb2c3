/**
 * Trains a small Conformer on connected digits: convolution-augmented transformer layers, by CTC on sub-words.
 *
 *   pnpm recipe asr/conformer --data_dir DIR [model.encoder.n_layers=6 ...]
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
    configName: 'conformer',
    schema: subwordDigitsSchema,
    flags: { data_dir: dataDirFlag },
    description: 'Trains a small Conformer on connected digits.',
  },
  async (config, { config: composed, flags }) => {
    await prepareSubwords(config, flags.data_dir)
    const title = 'Connected digits, Conformer'
    const trained = await trainOnDigits({ modelClass: EncDecCTCModelBPE, config, composed, title })
    return trained?.found
  },
)
