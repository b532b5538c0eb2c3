/**
 * Trains speaker embeddings on digits, and verifies people by them: the Free Spoken Digit Dataset beside synthesised voices.
 *
 *   pnpm recipe asr/speaker --data_dir DIR [--holdout SPEAKER] [trainer.max_epochs=4 ...]
 *
 * Trials pair every two test recordings of people (index 0 to 4 of each digit), none of which is trained on; single digits
 * apart from strings of 3 to 6 digits. With --holdout that speaker is never heard in training, and only trials that the
 * speaker takes part in count.
 */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EncDecSpeakerLabelModel, equalErrorRate, speakerSimilarity } from '@nemo/asr'
import { Config, type ConfigObject, formatDuration, getLogger, hydraRunner, mergeConfigs } from '@nemo/core'
import { z } from 'zod'
import { fsddSchema, prepareFsdd } from './corpus/fsddCorpus.js'
import { makeFsddPretraining } from './corpus/fsddPretraining.js'
import { labelSpeakers, recordingsOf } from './corpus/speakerManifests.js'
import type { SpokenDigitsOverrides } from './corpus/spokenDigits.js'
import { printTable } from './training/closingTable.js'
import { dataDirFlag, fetchDigits, progress } from './training/connectedDigits.js'
import { trainingConfigShape } from './training/trainingConfig.js'
import { trainModel } from './training/trainModel.js'

const schema = z.strictObject({
  ...trainingConfigShape,
  corpus: fsddSchema.omit({ holdout: true }).extend({ dir: z.string() }),
  /** Synthesised voices; keys as of `asr/spoken-digits`. */
  synthesis: z.looseObject({ dir: z.string() }),
})

/** Results of a kind of recordings. */
interface Verification {
  readonly trials: number
  readonly same: number
  readonly rate: number
  readonly threshold: number
}

const log = getLogger('recipe')

await hydraRunner(
  {
    configPath: join(dirname(fileURLToPath(import.meta.url)), '..', 'conf'),
    configName: 'speaker',
    schema,
    flags: {
      data_dir: dataDirFlag,
      holdout: { type: 'string', help: 'speaker to leave out of training and to verify' },
    },
    description: 'Trains speaker embeddings and verifies people by them.',
  },
  async (given, { config: composed, flags }) => {
    const started = performance.now()
    const { corpus: own, synthesis } = given
    const dir = flags.holdout === undefined ? own.dir : `${own.dir}-without-${flags.holdout}`
    const { dir: synthesisDir, ...voices } = synthesis
    const spoken = await makeFsddPretraining({
      dir: synthesisDir,
      parameters: voices as SpokenDigitsOverrides,
      ...progress('synthesising speech', 'utterance'),
    })
    const { dir: everyone, ...parameters } = own
    const dataDir = flags.data_dir ?? (await fetchDigits())
    const prepare = (folder: string, holdout: string | null) =>
      prepareFsdd({
        dataDir,
        dir: folder,
        parameters: { ...parameters, holdout },
        ...progress('preparing recordings', 'file'),
      })
    // Trials need impostors as well, so they are the same with and without a left-out speaker.
    const tested = await prepare(everyone, null)
    const people = flags.holdout === undefined ? tested : await prepare(dir, flags.holdout)
    const labels = await labelSpeakers([people.manifests.train, spoken.manifests.train])
    await labelSpeakers([people.manifests.dev])
    log.info(`${labels.length} voices to learn, ${people.speakers.join(', ')} among them or tested`)
    const plan = withSpeakers(composed, labels, dir, flags.holdout)
    const config = schema.parse(plan.toObject())
    const found: Record<string, Verification> = {}
    const { experiment, fit, metrics, model } = await trainModel({
      modelClass: EncDecSpeakerLabelModel,
      config,
      composed: plan,
      title: flags.holdout === undefined ? 'Speakers' : `Speakers, without ${flags.holdout}`,
      async finish(trained) {
        found['single digits'] = await verify(trained, tested.manifests.test, flags.holdout)
        found['strings of digits'] = await verify(trained, tested.manifests.test_joined, flags.holdout)
        return { eer_single: found['single digits'].rate, eer_strings: found['strings of digits'].rate }
      },
    })
    if (fit.status === 'interrupted') {
      process.exitCode = 130
      console.log(experiment.dir)
      return
    }
    const percent = (value: number) => `${(value * 100).toFixed(2)} %`
    printTable(
      ['verification', 'trials', 'of one speaker', 'equal error rate', 'at a score of'],
      Object.entries(found).map(([name, { trials, same, rate, threshold }]) => [
        name,
        String(trials),
        String(same),
        percent(rate),
        threshold.toFixed(3),
      ]),
    )
    const accuracy = metrics['val_epoch_accuracy_top@1']
    printTable(
      ['result', ''],
      [
        ['people recognised among all voices (dev recordings)', accuracy === undefined ? '-' : percent(accuracy)],
        ['voices', String(labels.length)],
        ['weights', model.numWeights.toLocaleString('en-US')],
        ['time', formatDuration((performance.now() - started) / 1000)],
        ['model', `${config.name}.nemo, ${config.name}.onnx`],
      ],
    )
    console.log(experiment.dir)
    return { eer_single: found['single digits']!.rate, eer_strings: found['strings of digits']!.rate }
  },
)

/** The plan with a class for each voice, and runs of its own for a left-out speaker. */
function withSpeakers(composed: Config, labels: readonly string[], dir: string, holdout: string | undefined): Config {
  // As written: `${corpus.dir}` in other sections means the new folder.
  const written = composed.raw()
  const sections: ConfigObject = {
    corpus: { dir },
    model: { labels: [...labels], decoder: { num_classes: labels.length }, train_ds: { labels: [...labels] } },
  }
  const named = holdout === undefined ? {} : { name: `${String(composed.toObject().name)}-without-${holdout}` }
  return new Config(mergeConfigs(written, sections, named))
}

/** Compares every two recordings of a manifest; with a held-out speaker, of those trials the speaker's. */
async function verify(
  model: EncDecSpeakerLabelModel,
  manifest: string,
  holdout: string | undefined,
): Promise<Verification> {
  const recordings = await recordingsOf(manifest)
  const embeddings = await model.getEmbeddings(recordings.map(({ audio_filepath }) => audio_filepath))
  const scores: number[] = []
  const same: boolean[] = []
  for (const [i, first] of recordings.entries()) {
    for (const [j, second] of recordings.slice(0, i).entries()) {
      if (holdout !== undefined && first.speaker !== holdout && second.speaker !== holdout) continue
      scores.push(speakerSimilarity(embeddings[i]!, embeddings[j]!))
      same.push(first.speaker === second.speaker)
    }
  }
  const { rate, threshold } = equalErrorRate(scores, same)
  return { trials: scores.length, same: same.filter(Boolean).length, rate, threshold }
}
