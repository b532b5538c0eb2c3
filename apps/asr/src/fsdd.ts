/**
 * Trains a digit recogniser for real people: the Free Spoken Digit Dataset, single digits and strings of 1 to 7.
 *
 *   pnpm recipe asr/fsdd --data_dir DIR [--holdout SPEAKER] [model.optim.lr=0.01 ...]
 *
 * Without --data_dir the data set is downloaded. With --holdout that speaker is never heard in training and all of
 * their recordings are the test.
 */
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EncDecCTCModel, wordErrorRate } from '@nemo/asr'
import {
  Config,
  type ConfigObject,
  findRun,
  formatDuration,
  getLogger,
  hydraRunner,
  mergeConfigs,
  updateBatchNorm,
} from '@nemo/core'
import { z } from 'zod'
import { digitWords } from './corpus/digitWords.js'
import { prepareFsdd } from './corpus/fsddCorpus.js'
import { makeFsddPretraining } from './corpus/fsddPretraining.js'
import type { SpokenDigitsOverrides } from './corpus/spokenDigits.js'
import { printTable } from './training/closingTable.js'
import { connectedDigitsShape, dataDirFlag, fetchDigits, progress } from './training/connectedDigits.js'
import type { TrainingConfig } from './training/trainingConfig.js'
import { trainRecognizer } from './training/trainRecognizer.js'

const schema = z.strictObject({
  ...connectedDigitsShape,
  pretraining: z.strictObject({
    corpus: z.looseObject({ dir: z.string() }),
    lr: z.number(),
    max_epochs: z.number().int().min(0),
  }),
  /** Merged over the rest with --holdout. */
  holdout: z.record(z.string(), z.unknown()).default({}),
})
type FsddConfig = z.output<typeof schema>

const log = getLogger('recipe')

await hydraRunner(
  {
    configPath: join(dirname(fileURLToPath(import.meta.url)), '..', 'conf'),
    configName: 'fsdd',
    schema,
    flags: {
      data_dir: dataDirFlag,
      holdout: { type: 'string', help: 'speaker to leave out of training and to test on' },
    },
    description: 'Trains a digit recogniser on the Free Spoken Digit Dataset, after synthesised voices.',
  },
  async (given, { config: composed, flags }) => {
    const started = performance.now()
    const dataDir = flags.data_dir ?? (await fetchDigits())
    const { config, plan } = withHoldout(given, composed, flags.holdout)
    await synthesize(config)
    const { dir, ...parameters } = config.corpus
    const corpus = await prepareFsdd({
      dataDir,
      dir,
      parameters: { ...parameters, holdout: flags.holdout ?? null },
      ...progress('preparing recordings', 'file'),
    })
    log.info(
      `speakers: ${corpus.speakers.join(', ')}${flags.holdout === undefined ? '' : `; ${flags.holdout} is left out`}`,
    )
    const pretrained = config.pretraining.max_epochs === 0 ? undefined : await pretrain(config, plan)
    if (pretrained === 'interrupted') {
      process.exitCode = 130
      return
    }
    const { experiment, fit, metrics, transcripts, model } = await trainRecognizer({
      modelClass: EncDecCTCModel,
      config,
      composed: plan,
      title: flags.holdout === undefined ? 'Free Spoken Digits' : `Free Spoken Digits, without ${flags.holdout}`,
      ...(pretrained !== undefined && {
        initialize: async (fresh: EncDecCTCModel) => {
          const source = await EncDecCTCModel.restoreFrom(pretrained)
          fresh.loadStateDict(await source.stateDict())
        },
      }),
    })
    if (fit.status === 'interrupted') {
      process.exitCode = 130
      console.log(experiment.dir)
      return
    }
    // A greedy best path may spell anything; who expects digits gives the ten words as lexicon.
    const files = transcripts.map(({ audioFile }) => audioFile)
    const references = transcripts.map(({ reference }) => reference)
    const singles = references.filter((reference) => !reference.includes(' ')).length
    const heard = await model.transcribe(files, { batchSize: 16, lexicon: digitWords })
    const rates = (texts: readonly string[], name: string) => ({
      [`single_${name}`]: wordErrorRate(texts.slice(0, singles), references.slice(0, singles)),
      [`joined_${name}`]: wordErrorRate(texts.slice(singles), references.slice(singles)),
    })
    printTable(
      ['file', 'said', 'spelled', 'heard with lexicon'],
      transcripts
        .slice(0, 8)
        .map(({ audioFile, reference, hypothesis }, i) => [basename(audioFile), reference, hypothesis, heard[i]!]),
    )
    const found: Record<string, number> = {
      single_wer: metrics.test_test_wer!,
      joined_wer: metrics.test_joined_test_wer!,
      ...rates(heard, 'lexicon_wer'),
    }
    const columns = ['wer', 'lexicon_wer']
    const headings = ['spelled freely', 'ten words as lexicon']
    if (flags.holdout !== undefined) {
      // Someone new whose recordings are at hand, without transcripts: the statistics of their voice take the place of those of training.
      const { batch_size } = config.model.train_ds as { readonly batch_size: number }
      const manifests = [corpus.manifests.test, corpus.manifests.test_joined].join(',')
      const data = { manifest_filepath: manifests, batch_size, shuffle: true, bucketing: 8 }
      await updateBatchNorm(model, await model.createDataLoader(data, 'test'))
      const spelled = await model.transcribe(files, { batchSize: 16 })
      const adapted = await model.transcribe(files, { batchSize: 16, lexicon: digitWords })
      Object.assign(found, rates(spelled, 'adapted_wer'), rates(adapted, 'adapted_lexicon_wer'))
      columns.push('adapted_wer', 'adapted_lexicon_wer')
      headings.push('adapted to the voice', 'adapted, lexicon')
    }
    const of = flags.holdout === undefined ? '' : ` of ${flags.holdout}`
    printTable(
      ['word error rate', ...headings],
      [
        [`single digits${of}`, 'single'],
        [`strings of digits${of}`, 'joined'],
      ].map(([what, set]) => [what!, ...columns.map((name) => `${(found[`${set}_${name}`]! * 100).toFixed(2)} %`)]),
    )
    printTable(
      ['result', ''],
      [
        ['test utterances', String(transcripts.length)],
        ['weights', model.numWeights.toLocaleString('en-US')],
        ['time', formatDuration((performance.now() - started) / 1000)],
      ],
    )
    console.log(experiment.dir)
    return found
  },
)

// A holdout has its own corpus and its own runs.
function withHoldout(
  config: FsddConfig,
  composed: Config,
  holdout: string | undefined,
): { config: FsddConfig; plan: Config } {
  if (holdout === undefined) return { config, plan: composed }
  // As written: `${corpus.dir}` in the section means the holdout's own folder.
  const written = composed.raw()
  const raw = mergeConfigs(written, (written.holdout ?? {}) as ConfigObject, {
    name: `${config.name}-without-${holdout}`,
    corpus: { dir: `${config.corpus.dir}-without-${holdout}` },
  })
  const plan = new Config(raw)
  return { config: schema.parse(plan.toObject()), plan }
}

async function synthesize(config: FsddConfig): Promise<void> {
  const { dir, ...parameters } = config.pretraining.corpus
  await makeFsddPretraining({
    dir,
    parameters: parameters as SpokenDigitsOverrides,
    ...progress('synthesising speech', 'utterance'),
  })
}

// Trains on synthesised voices, or finds the archive of an earlier run that did so with the same settings.
async function pretrain(config: FsddConfig, plan: Config): Promise<string | 'interrupted'> {
  const { corpus, lr, max_epochs } = config.pretraining
  const manifest = (split: string) => join(corpus.dir, `${split}_manifest.json`)
  const full = plan.toObject()
  const stage: ConfigObject = mergeConfigs(
    { model: full.model!, trainer: full.trainer!, exp_manager: full.exp_manager!, resume: config.resume },
    {
      name: 'fsdd-pretraining',
      exp_manager: { name: 'fsdd-pretraining' },
      trainer: { max_epochs },
      model: {
        optim: { lr },
        train_ds: { manifest_filepath: manifest('train') },
        validation_ds: { manifest_filepath: manifest('dev') },
        test_ds: { manifest_filepath: manifest('test') },
      },
    },
  )
  const composed = new Config(stage)
  const folder = join(String((stage.exp_manager as ConfigObject).exp_dir), 'fsdd-pretraining')
  const done = config.resume ? findRun(folder, composed, 'completed') : undefined
  if (done !== undefined) {
    log.info(`pretrained before: ${done}`)
    return join(done, 'fsdd-pretraining.nemo')
  }
  const stageConfig = {
    ...config,
    name: 'fsdd-pretraining',
    ...(stage as Pick<TrainingConfig, 'model' | 'exp_manager'>),
    trainer: { ...config.trainer, max_epochs },
  }
  const { experiment, fit, metrics } = await trainRecognizer({
    modelClass: EncDecCTCModel,
    config: stageConfig,
    composed,
    title: 'Digits of synthesised voices',
  })
  if (fit.status === 'interrupted') return 'interrupted'
  log.info(`word error rate on unseen synthesised voices: ${((metrics.test_wer ?? Number.NaN) * 100).toFixed(2)} %`)
  return experiment.path('fsdd-pretraining.nemo')
}
