/**
 * Adds noise to spoken digits and hears them with and without a 3-gram language model of the training transcripts.
 *
 *   pnpm recipe asr/infer-lm [nemo_model_file=MODEL.nemo snr_db=[10,5,0] ...]
 *
 * Strings of digits are random, so that the language model knows words, not what follows what: it mends spelling.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EncDecCTCModel, estimateNGrams } from '@nemo/asr'
import { RandomGenerator } from '@nemo/audio'
import { hydraRunner } from '@nemo/core'
import { z } from 'zod'
import { makeSpokenDigits, spokenDigitsSchema } from './corpus/spokenDigits.js'
import { type HeardUtterance, heardUtterances } from './languageModel/heardUtterances.js'
import { errorRates, greedyTexts, percent, searchErrors } from './languageModel/searchErrors.js'
import { type LanguageModelLevel, levelLines, trainingLines } from './languageModel/trainingText.js'
import { printTable } from './training/closingTable.js'

const schema = z.strictObject({
  nemo_model_file: z.string().nullable(),
  exp_dir: z.string(),
  corpus: spokenDigitsSchema.extend({ dir: z.string() }),
  snr_db: z.array(z.number()).min(1),
  utterances: z.int().min(1),
  ngram_length: z.int().min(1).max(16),
  beam_width: z.int().min(1),
  beam_alpha: z.array(z.number()).min(1),
  beam_beta: z.array(z.number()).min(1),
  unk_score_offset: z.number().max(0),
  seed: z.int(),
})

const here = dirname(fileURLToPath(import.meta.url))

await hydraRunner(
  {
    configPath: join(here, '..', 'conf'),
    configName: 'infer-lm',
    schema,
    description: 'Hears digits in noise with and without a language model.',
  },
  async (config) => {
    const { dir, ...parameters } = config.corpus
    const { manifests } = await makeSpokenDigits({ dir, parameters })
    const file = config.nemo_model_file ?? newestModel(config.exp_dir) ?? trainedModel(config.exp_dir)
    const model = await EncDecCTCModel.restoreFrom<EncDecCTCModel>(file)
    console.log(`model ${file}`)
    const languageModel = async (level: LanguageModelLevel, order: number) =>
      (
        await estimateNGrams(levelLines(trainingLines([manifests.train]), level), {
          order,
          discountFallback: true,
        })
      ).model
    const words = await languageModel('word', config.ngram_length)
    const characters = await languageModel('char', config.ngram_length)
    const kinds = [
      { name: 'beam search', lm: undefined, alphas: [0] },
      { name: `with a ${config.ngram_length}-gram of characters`, lm: characters, alphas: config.beam_alpha },
      { name: `with a ${config.ngram_length}-gram of words`, lm: words, alphas: config.beam_alpha },
    ]
    const rows: string[][] = []
    const results: Record<string, number> = {}
    for (const snr of config.snr_db) {
      const hear = (manifest: string, seed: number): Promise<HeardUtterance[]> =>
        heardUtterances(model, manifest, {
          batchSize: 16,
          limit: config.utterances,
          change: (samples, i) => withNoise(samples, snr, new RandomGenerator(seed + i)),
        })
      const [dev, test] = [await hear(manifests.dev, config.seed), await hear(manifests.test, config.seed + 1e6)]
      const references = test.map(({ reference }) => reference)
      const greedy = errorRates(greedyTexts(model, test), references).wer
      rows.push([`${snr} dB`, 'greedy', '', '', percent(greedy)])
      results[`greedy_wer_${snr}db`] = greedy
      for (const { name, lm, alphas } of kinds) {
        const search = (alpha: number, beta: number, heard: readonly HeardUtterance[]): number =>
          searchErrors(
            {
              vocab: model.vocabulary.symbols,
              beam_width: config.beam_width,
              alpha,
              beta,
              unk_score_offset: config.unk_score_offset,
              token_min_logp: -7,
              beam_prune_logp: -20,
              n_best: 1,
            },
            lm,
            heard,
          ).wer
        const grid = alphas.flatMap((alpha) => config.beam_beta.map((beta) => ({ alpha, beta })))
        const tried = grid.map((each) => ({ ...each, wer: search(each.alpha, each.beta, dev) }))
        const { alpha, beta } = tried.reduce((best, each) => (each.wer < best.wer ? each : best))
        const wer = search(alpha, beta, test)
        rows.push([`${snr} dB`, name, lm ? String(alpha) : '', String(beta), percent(wer)])
        if (lm === words) results[`lm_wer_${snr}db`] = wer
      }
    }
    printTable(['noise', 'decoding', 'alpha', 'beta', 'word error rate'], rows)
    return results
  },
)

/** White noise at a ratio to the power of the whole utterance. */
function withNoise(samples: Float32Array, snrDb: number, random: RandomGenerator): Float32Array {
  const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length
  const level = Math.sqrt(power / 10 ** (snrDb / 10))
  return samples.map((sample) => sample + level * random.normal())
}

function newestModel(folder: string): string | undefined {
  const runs = join(folder, 'spoken-digits')
  if (!existsSync(runs)) return undefined
  const models = readdirSync(runs)
    .sort()
    .map((run) => join(runs, run, 'spoken-digits.nemo'))
    .filter((path) => existsSync(path))
  return models.at(-1)
}

function trainedModel(folder: string): string {
  console.log('There is no model of asr/spoken-digits yet; it is trained first.')
  const recipe = [join(here, 'spoken-digits.ts'), `exp_manager.exp_dir=${folder}`]
  const { status } = spawnSync(process.execPath, [...process.execArgv, ...recipe], { stdio: 'inherit' })
  const made = newestModel(folder)
  if (status !== 0 || made === undefined) throw new Error(`asr/spoken-digits ended with ${status} and made no model.`)
  return made
}
