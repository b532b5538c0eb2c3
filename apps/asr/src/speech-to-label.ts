/**
 * Trains a classifier of spoken digits for real people: the Free Spoken Digit Dataset beside synthesised voices.
 *
 *   pnpm recipe asr/speech-to-label --data_dir DIR [--holdout SPEAKER] [model.optim.lr=0.02 ...]
 *
 * Without --data_dir the data set is downloaded. With --holdout that speaker is never heard in training and all of
 * their recordings are the test.
 */
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EncDecClassificationModel, LabelMetrics } from '@nemo/asr'
import { Config, type ConfigObject, formatDuration, getLogger, hydraRunner, mergeConfigs } from '@nemo/core'
import { z } from 'zod'
import { digitWords } from './corpus/digitWords.js'
import { fsddSchema, prepareFsdd } from './corpus/fsddCorpus.js'
import { makeFsddPretraining } from './corpus/fsddPretraining.js'
import { writeLabelManifest } from './corpus/labelManifest.js'
import type { SpokenDigitsOverrides } from './corpus/spokenDigits.js'
import { printTable } from './training/closingTable.js'
import { dataDirFlag, fetchDigits, progress } from './training/connectedDigits.js'
import { trainingConfigShape } from './training/trainingConfig.js'
import { trainModel } from './training/trainModel.js'

const schema = z.strictObject({
  ...trainingConfigShape,
  corpus: fsddSchema.omit({ holdout: true, joined: true }).extend({ dir: z.string() }),
  /** Synthesised voices; keys as of `asr/spoken-digits`. */
  synthesis: z.looseObject({ dir: z.string() }),
})

const log = getLogger('recipe')

await hydraRunner(
  {
    configPath: join(dirname(fileURLToPath(import.meta.url)), '..', 'conf'),
    configName: 'speech-to-label',
    schema,
    flags: {
      data_dir: dataDirFlag,
      holdout: { type: 'string', help: 'speaker to leave out of training and to test on' },
    },
    description: 'Trains a classifier of spoken digits on people and synthesised voices.',
  },
  async (given, { config: composed, flags }) => {
    const started = performance.now()
    const plan = flags.holdout === undefined ? composed : withoutSpeaker(composed, flags.holdout)
    const config = flags.holdout === undefined ? given : schema.parse(plan.toObject())
    const { corpus, synthesis } = config
    const { dir: synthesisDir, ...voices } = synthesis
    const spoken = await makeFsddPretraining({
      dir: synthesisDir,
      parameters: voices as SpokenDigitsOverrides,
      ...progress('synthesising speech', 'utterance'),
    })
    const { dir, ...parameters } = corpus
    const people = await prepareFsdd({
      dataDir: flags.data_dir ?? (await fetchDigits()),
      dir,
      parameters: { ...parameters, joined: { train: 0, dev: 0, test: 0 }, holdout: flags.holdout ?? null },
      ...progress('preparing recordings', 'file'),
    })
    log.info(
      `speakers: ${people.speakers.join(', ')}${flags.holdout === undefined ? '' : `; ${flags.holdout} is left out`}`,
    )
    for (const { manifests } of [people, spoken])
      for (const split of ['train', 'dev', 'test'] as const)
        await writeLabelManifest(
          manifests[split].replace('_manifest', '_labels_manifest'),
          [manifests[split]],
          ({ text }) => ((digitWords as readonly string[]).includes(text) ? text : undefined),
        )
    const { experiment, fit, evaluations, metrics, model } = await trainModel({
      modelClass: EncDecClassificationModel,
      config,
      composed: plan,
      title: flags.holdout === undefined ? 'Spoken digits, classified' : `Spoken digits, without ${flags.holdout}`,
    })
    if (fit.status === 'interrupted') {
      process.exitCode = 130
      console.log(experiment.dir)
      return
    }
    const tested = evaluations.find((found) => found instanceof LabelMetrics)
    printTable(
      ['digit', 'recordings', 'recognised', 'taken for'],
      (tested?.perClass() ?? []).map(({ count, correct }, id) => [
        model.labels[id]!,
        String(count),
        String(correct),
        model.labels
          .map((label, other) => ({ label, times: other === id ? 0 : tested!.accuracy.confusions(id, other) }))
          .filter(({ times }) => times > 0)
          .map(({ label, times }) => `${label} x${times}`)
          .join(', '),
      ]),
    )
    const wrong = (tested?.samples ?? []).filter(({ label, recognised }) => label !== recognised)
    if (wrong.length > 0)
      log.info(
        `for example ${wrong
          .slice(0, 5)
          .map(({ entry }) => basename(entry.audioFile))
          .join(', ')}`,
      )
    const accuracy = metrics['test_epoch_top@1']!
    printTable(
      ['result', ''],
      [
        [
          flags.holdout === undefined
            ? 'accuracy on test recordings of the trained speakers'
            : `accuracy on ${flags.holdout}, never heard`,
          `${(accuracy * 100).toFixed(2)} %`,
        ],
        ['test recordings', String(tested?.samples.length ?? 0)],
        ['weights', model.numWeights.toLocaleString('en-US')],
        ['time', formatDuration((performance.now() - started) / 1000)],
      ],
    )
    console.log(experiment.dir)
    return { accuracy }
  },
)

/** The plan with a folder and runs of its own for a left-out speaker. */
function withoutSpeaker(composed: Config, holdout: string): Config {
  // As written: `${corpus.dir}` in other sections means the new folder.
  const written = composed.raw()
  const { name, corpus } = composed.toObject()
  return new Config(
    mergeConfigs(written, {
      name: `${String(name)}-without-${holdout}`,
      corpus: { dir: `${String((corpus as ConfigObject).dir)}-without-${holdout}` },
    }),
  )
}
