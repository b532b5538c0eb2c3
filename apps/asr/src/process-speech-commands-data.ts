/**
 * Downloads Speech Commands, version 1 or 2, and writes its manifests.
 *
 *   pnpm recipe asr/process-speech-commands-data --data_root DIR --data_version 1|2 [--class_split all|sub] [--rebalance]
 */
import { runPreparation } from './prepare/preparationCommand.js'
import { prepareSpeechCommands } from './prepare/speechCommands.js'

await runPreparation(
  'pnpm recipe asr/process-speech-commands-data --data_root DIR --data_version 1|2 [--class_split all|sub] [--rebalance]',
  { data_version: '1', class_split: 'all', rebalance: true },
  (preparation, { data_version, class_split, rebalance }) => {
    const version = Number(data_version)
    if (version !== 1 && version !== 2) throw new RangeError(`data_version: expected 1 or 2, found ${data_version}.`)
    if (class_split !== 'all' && class_split !== 'sub')
      throw new RangeError(`class_split: expected all or sub, found ${class_split}.`)
    return prepareSpeechCommands(preparation, { version, classes: class_split, rebalance: rebalance === true })
  },
)
