/**
 * Trains a transducer on connected digits: an encoder, a prediction network over the letters said so far, a joint network.
 *
 *   pnpm recipe asr/speech-to-text-rnnt --data_dir DIR [model.decoder.prednet.pred_hidden=96 ...]
 *
 * Data: the Free Spoken Digit Dataset, single recordings and strings of them; downloaded without --data_dir.
 */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EncDecRNNTModel } from '@nemo/asr'
import { hydraRunner } from '@nemo/core'
import { z } from 'zod'
import { connectedDigitsShape, dataDirFlag, prepareDigits, trainOnDigits } from './training/connectedDigits.js'

await hydraRunner(
  {
    configPath: join(dirname(fileURLToPath(import.meta.url)), '..', 'conf'),
    configName: 'speech-to-text-rnnt',
    schema: z.strictObject(connectedDigitsShape),
    flags: { data_dir: dataDirFlag },
    description: 'Trains a transducer on connected digits.',
  },
  async (config, { config: composed, flags }) => {
    await prepareDigits(config.corpus, flags.data_dir)
    const trained = await trainOnDigits({
      modelClass: EncDecRNNTModel,
      config,
      composed,
      title: 'Connected digits, transducer',
    })
    return trained?.found
  },
)
