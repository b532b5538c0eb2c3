import { basename } from 'node:path'
import { type ASRModel, buildTokenizer, buildTokenizerOptionsSchema } from '@nemo/asr'
import { formatDuration, getLogger, ProgressBar } from '@nemo/core'
import { z } from 'zod'
import { type FsddCorpus, fsddSchema, prepareFsdd } from '../corpus/fsddCorpus.js'
import { downloadFsdd } from '../corpus/fsddDownload.js'
import { printTable } from './closingTable.js'
import { trainingConfigShape } from './trainingConfig.js'
import type { ModelTraining } from './trainModel.js'
import { type TrainedRecognizer, trainRecognizer } from './trainRecognizer.js'

/** What recipes on connected digits are configured by. */
export const connectedDigitsShape = {
  ...trainingConfigShape,
  /** Strings of real recordings to make; see `fsddSchema`. */
  corpus: fsddSchema.omit({ holdout: true }).extend({ dir: z.string() }),
}

/** What recipes on connected digits with sub-words are configured by. */
export const subwordDigitsSchema = z.strictObject({
  ...connectedDigitsShape,
  /** The tokenizer to train on the corpus's transcripts. */
  tokenizer: buildTokenizerOptionsSchema.omit({ manifest: true, data_file: true }),
})

/** The flag that recipes on connected digits have. */
export const dataDirFlag = {
  type: 'path',
  help: 'folder with recordings/{digit}_{speaker}_{index}.wav; downloaded if not given',
} as const

const log = getLogger('recipe')

/** A bar for work that reports how far it is. */
export function progress(
  label: string,
  unit: string,
): { onProgress: (made: number, wanted: number | undefined) => void } {
  let bar: ProgressBar | undefined
  return {
    onProgress(made, wanted) {
      bar ??= new ProgressBar({ label, total: wanted, unit })
      bar.update(made)
      if (wanted !== undefined && made >= wanted) bar.finish()
    },
  }
}

/** Downloads the Free Spoken Digit Dataset, or finds it where it was downloaded before. @returns its folder. */
export const fetchDigits = (): Promise<string> =>
  downloadFsdd({ dir: '.cache/free-spoken-digit-dataset', ...progress('downloading', 'byte') })

/** Makes the corpus of single recordings and strings of them, or reuses it. */
export async function prepareDigits(
  { dir, ...parameters }: z.output<typeof connectedDigitsShape.corpus>,
  dataDir: string | undefined,
): Promise<FsddCorpus> {
  const corpus = await prepareFsdd({
    dataDir: dataDir ?? (await fetchDigits()),
    dir,
    parameters,
    ...progress('preparing recordings', 'file'),
  })
  log.info(`speakers: ${corpus.speakers.join(', ')}`)
  return corpus
}

/** Makes the corpus, or reuses it, and trains the tokenizer on its transcripts. */
export async function prepareSubwords(
  { corpus, tokenizer }: z.output<typeof subwordDigitsSchema>,
  dataDir: string | undefined,
): Promise<void> {
  const { manifests } = await prepareDigits(corpus, dataDir)
  log.info(`tokenizer: ${await buildTokenizer({ ...tokenizer, manifest: manifests.train })}`)
}

/**
 * Trains a recogniser on connected digits, prints what it heard and its error rates on the test recordings and on strings of
 * them, and last the experiment's folder.
 *
 * @returns the two error rates; nothing if training was interrupted.
 */
export async function trainOnDigits<M extends ASRModel>(
  training: ModelTraining<M>,
): Promise<(TrainedRecognizer<M> & { readonly found: { single_wer: number; joined_wer: number } }) | undefined> {
  const started = performance.now()
  const trained = await trainRecognizer(training)
  const { experiment, fit, metrics, transcripts, model } = trained
  if (fit.status === 'interrupted') {
    process.exitCode = 130
    console.log(experiment.dir)
    return undefined
  }
  printTable(
    ['file', 'said', 'heard'],
    transcripts.slice(-8).map(({ audioFile, reference, hypothesis }) => [basename(audioFile), reference, hypothesis]),
  )
  const found = { single_wer: metrics.test_test_wer!, joined_wer: metrics.test_joined_test_wer! }
  const percent = (value: number) => `${(value * 100).toFixed(2)} %`
  printTable(
    ['result', ''],
    [
      ['word error rate, single test recordings', percent(found.single_wer)],
      ['word error rate, strings of them', percent(found.joined_wer)],
      ['test utterances', String(transcripts.length)],
      ['weights', model.numWeights.toLocaleString('en-US')],
      ['time', formatDuration((performance.now() - started) / 1000)],
    ],
  )
  console.log(experiment.dir)
  return { ...trained, found }
}
