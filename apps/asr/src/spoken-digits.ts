/**
 * Trains a small QuartzNet on synthesised spoken digits and transcribes voices it has never heard.
 *
 *   pnpm recipe asr/spoken-digits [trainer.max_epochs=8 ...]
 */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EncDecCTCModel } from '@nemo/asr'
import { formatDuration, hydraRunner, ProgressBar } from '@nemo/core'
import { z } from 'zod'
import { makeSpokenDigits, spokenDigitsSchema } from './corpus/spokenDigits.js'
import { printTable } from './training/closingTable.js'
import { trainingConfigShape } from './training/trainingConfig.js'
import { trainRecognizer } from './training/trainRecognizer.js'

const schema = z.strictObject({
  ...trainingConfigShape,
  corpus: spokenDigitsSchema.extend({ dir: z.string() }),
})

await hydraRunner(
  {
    configPath: join(dirname(fileURLToPath(import.meta.url)), '..', 'conf'),
    configName: 'spoken-digits',
    schema,
    description: 'Trains a speech recogniser for connected digits on a corpus that it synthesises.',
  },
  async (config, { config: composed }) => {
    const { dir, ...parameters } = config.corpus
    let bar: ProgressBar | undefined
    const corpus = await makeSpokenDigits({
      dir,
      parameters,
      onProgress: (made, wanted) => {
        bar ??= new ProgressBar({ label: 'synthesising speech', total: wanted, unit: 'utterance' })
        bar.update(made)
      },
    })
    bar?.finish()
    const { experiment, fit, metrics, transcripts } = await trainRecognizer({
      modelClass: EncDecCTCModel,
      config,
      composed,
      title: 'Spoken digits',
    })
    if (fit.status === 'interrupted') {
      process.exitCode = 130
      console.log(experiment.dir)
      return
    }
    // What a user would do with the result: restore the archive, hand it files.
    const model = await EncDecCTCModel.restoreFrom(join(experiment.dir, `${config.name}.nemo`))
    const heldOut = transcripts.slice(0, 8)
    const texts = await model.transcribe(heldOut.map(({ audioFile }) => audioFile))
    printTable(
      ['file', 'said', 'heard'],
      heldOut.map(({ audioFile, reference }, i) => [audioFile.split(/[\\/]/).at(-1)!, reference, texts[i]!]),
    )
    printTable(
      ['result', ''],
      [
        ['word error rate on unseen voices', `${(metrics.test_wer! * 100).toFixed(2)} %`],
        ['test utterances', String(transcripts.length)],
        ['weights', model.numWeights.toLocaleString('en-US')],
        ['time', formatDuration(experiment.seconds)],
        ['corpus', corpus.dir],
        ['model', `${config.name}.nemo, ${config.name}.onnx`],
        ['report', 'report.html'],
      ],
    )
    console.log(experiment.dir)
    return { test_wer: metrics.test_wer!, test_loss: metrics.test_loss! }
  },
)
