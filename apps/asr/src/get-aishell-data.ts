/**
 * Downloads AISHELL-1 and writes its manifests and vocabulary.
 *
 *   pnpm recipe asr/get-aishell-data --data_root DIR
 */
import { prepareAishell } from './prepare/aishell.js'
import { runPreparation } from './prepare/preparationCommand.js'

await runPreparation('pnpm recipe asr/get-aishell-data --data_root DIR', {}, (preparation) =>
  prepareAishell(preparation),
)
