/**
 * Downloads LibriSpeech and writes its manifests; goes on where it was interrupted.
 *
 *   pnpm recipe asr/get-librispeech-data --data_root DIR --data_sets dev_clean,train_clean_100|ALL [--num_workers N]
 */
import { librispeechSetsOf, prepareLibrispeech } from './prepare/librispeech.js'
import { runPreparation } from './prepare/preparationCommand.js'

await runPreparation(
  'pnpm recipe asr/get-librispeech-data --data_root DIR [--data_sets dev_clean,...|ALL]',
  { data_sets: 'dev_clean' },
  (preparation, { data_sets }) => prepareLibrispeech(preparation, librispeechSetsOf(String(data_sets))),
)
