/**
 * Tries beam search with a language model at every combination of width, alpha and beta, on a manifest with a trained model.
 *
 *   pnpm recipe asr/eval-beamsearch nemo_model_file=MODEL.nemo input_manifest=FILE kenlm_model_file=LM [beam_alpha=[0.5,1]]
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EncDecCTCModel, loadLanguageModel } from '@nemo/asr'
import { ConfigValidationError, hydraRunner, Model, ProgressBar } from '@nemo/core'
import { z } from 'zod'
import { heardUtterances } from './languageModel/heardUtterances.js'
import { errorRates, greedyTexts, percent, searchErrors } from './languageModel/searchErrors.js'
import { printTable } from './training/closingTable.js'

const several = <T extends z.ZodType>(one: T) =>
  z.union([one.transform((value) => [value]), z.array(one).min(1)]) as z.ZodType<z.output<T>[]>

const schema = z.strictObject({
  nemo_model_file: z.string(),
  input_manifest: z.union([z.string(), z.array(z.string()).min(1)]),
  kenlm_model_file: z.string().nullable(),
  beam_width: several(z.int().min(1)),
  beam_alpha: several(z.number()),
  beam_beta: several(z.number()),
  unk_score_offset: z.number().max(0),
  token_min_logp: z.number().max(0),
  beam_prune_logp: z.number().max(0),
  acoustic_batch_size: z.int().min(1),
  preds_output_folder: z.string().nullable(),
})

const bold = (text: string): string => (process.stdout.isTTY ? `\x1b[1m${text}\x1b[22m` : `**${text}**`)

await hydraRunner(
  {
    configPath: join(dirname(fileURLToPath(import.meta.url)), '..', 'conf'),
    configName: 'eval-beamsearch',
    schema,
    description: 'Tries beam search with a language model at every combination of its settings.',
  },
  async (config) => {
    const model = await Model.restoreFrom(config.nemo_model_file)
    if (!(model instanceof EncDecCTCModel)) {
      const message = `expected a CTC model, found ${model.constructor.name}`
      throw new ConfigValidationError([{ keyPath: 'nemo_model_file', message }])
    }
    const lm = config.kenlm_model_file === null ? undefined : await loadLanguageModel(config.kenlm_model_file)
    const heard = await heardUtterances(model, config.input_manifest, { batchSize: config.acoustic_batch_size })
    const folder = config.preds_output_folder
    if (folder !== null) await mkdir(folder, { recursive: true })
    const greedy = errorRates(
      greedyTexts(model, heard),
      heard.map(({ reference }) => reference),
    )
    // Without a language model its weight means nothing.
    const alphas = lm ? config.beam_alpha : [0]
    const grid = config.beam_width.flatMap((beam_width) =>
      alphas.flatMap((alpha) => config.beam_beta.map((beta) => ({ beam_width, alpha, beta }))),
    )
    const bar = new ProgressBar({ label: 'searching', total: grid.length, unit: 'setting' })
    const results = []
    for (const [i, setting] of grid.entries()) {
      const predictions: string[] = []
      const found = searchErrors(
        {
          vocab: model.vocabulary.symbols,
          ...setting,
          unk_score_offset: config.unk_score_offset,
          token_min_logp: config.token_min_logp,
          beam_prune_logp: config.beam_prune_logp,
        },
        lm,
        heard,
        (hypotheses) => predictions.push(...hypotheses.map(({ text, score }) => `${text}\t${score}`)),
      )
      results.push({ ...setting, ...found })
      if (folder !== null) {
        const name = `preds_out_width${setting.beam_width}_alpha${setting.alpha}_beta${setting.beta}.tsv`
        await writeFile(join(folder, name), `${predictions.join('\n')}\n`)
      }
      bar.update(i + 1)
    }
    bar.finish()
    const least = Math.min(...results.map(({ wer }) => wer))
    const columns = ['beam_width', 'alpha', 'beta', 'WER', 'CER', 'best WER in the beam', 'ms an utterance']
    const rows = results.map(({ beam_width, alpha, beta, wer, cer, bestWer, seconds }) => [
      ...[beam_width, alpha, beta].map(String),
      wer === least ? bold(percent(wer)) : percent(wer),
      percent(cer),
      percent(bestWer),
      ((1000 * seconds) / heard.length).toFixed(1),
    ])
    printTable(columns, [['greedy', '', '', percent(greedy.wer), percent(greedy.cer), '', ''], ...rows])
    if (folder !== null) {
      const lines = results.map((result) => Object.values(result).join('\t'))
      const path = join(folder, 'results.tsv')
      await writeFile(path, `${[Object.keys(results[0]!).join('\t'), ...lines].join('\n')}\n`)
      console.log(path)
    }
    const best = results.find(({ wer }) => wer === least)!
    return { greedy_wer: greedy.wer, wer: best.wer, alpha: best.alpha, beta: best.beta, beam_width: best.beam_width }
  },
)
