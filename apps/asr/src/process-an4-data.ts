/**
 * Downloads AN4 and writes its manifests.
 *
 *   pnpm recipe asr/process-an4-data --data_root DIR
 */
import { prepareAn4 } from './prepare/an4.js'
import { runPreparation } from './prepare/preparationCommand.js'

await runPreparation('pnpm recipe asr/process-an4-data --data_root DIR', {}, (preparation) => prepareAn4(preparation))
