import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ASRModel, EncDecCTCModel, EncDecCTCModelBPE, EncDecRNNTBPEModel, EncDecRNNTModel } from '@nemo/asr'
import { type ConfigObject, composeConfig, Model, type ModelClass, withoutInitialisation } from '@nemo/core'
import { afterAll, describe, expect, it } from 'vitest'

const conf = fileURLToPath(new URL('../conf', import.meta.url))
const scratch = mkdtempSync(join(tmpdir(), 'nemo-asr-configs-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

/** A WordPiece vocabulary of so many entries. */
function tokenizerOf(size: number): string {
  const dir = join(scratch, String(size))
  mkdirSync(dir, { recursive: true })
  const words = Array.from({ length: size - 1 }, (_, i) => `word${i}`)
  writeFileSync(join(dir, 'vocab.txt'), ['[UNK]', ...words, ''].join('\n'))
  return dir
}

/** A model of a config, whose weights are not filled in: only their numbers matter. */
function build(path: string, type: ModelClass<ASRModel>, subwords: number): ASRModel {
  const [folder, configName] = path.split('/') as [string, string]
  const overrides = subwords > 0 ? [`model.tokenizer.dir=${tokenizerOf(subwords)}`, 'model.tokenizer.type=wpe'] : []
  const config = composeConfig({ configDir: join(conf, folder), configName, overrides }).toObject()
  return withoutInitialisation(() => Model.fromConfigDict.call(type, config.model as ConfigObject) as ASRModel)
}

// Li et al. 2019: 333 M; Kriman et al. 2020: 6.7 M and 18.9 M; Majumdar et al. 2021: 10, 21, 37, 142 M; NeMo's documentation:
// Conformer-CTC 13, 30, 121 M, ContextNet 14, 40, 145 M.
const characters: readonly [string, ModelClass<ASRModel>, number][] = [
  ['jasper/jasper_10x5dr', EncDecCTCModel, 332_632_349],
  ['quartznet/quartznet_5x5', EncDecCTCModel, 6_713_181],
  ['quartznet/quartznet_15x5', EncDecCTCModel, 18_924_381],
  ['quartznet/quartznet_15x5_zh', EncDecCTCModel, 24_231_831],
  ['conformer/conformer_ctc_char', EncDecCTCModel, 27_334_941],
  ['contextnet/contextnet_rnnt_5x1', EncDecRNNTModel, 3_576_845],
]
const subwords: readonly [string, ModelClass<ASRModel>, number, number][] = [
  ['citrinet/citrinet_256', EncDecCTCModelBPE, 1024, 10_259_729],
  ['citrinet/citrinet_384', EncDecCTCModelBPE, 1024, 21_472_529],
  ['citrinet/citrinet_512', EncDecCTCModelBPE, 1024, 36_994_321],
  ['citrinet/citrinet_1024', EncDecCTCModelBPE, 1024, 141_224_337],
  ['conformer/conformer_ctc_bpe_small', EncDecCTCModelBPE, 128, 12_995_441],
  ['conformer/conformer_ctc_bpe_medium', EncDecCTCModelBPE, 128, 30_538_625],
  ['conformer/conformer_ctc_bpe', EncDecCTCModelBPE, 128, 121_501_313],
  ['conformer/conformer_rnnt_bpe', EncDecRNNTBPEModel, 1024, 32_497_153],
  ['contextnet/contextnet_rnnt_bpe_5x1', EncDecRNNTBPEModel, 1024, 4_215_281],
  ['contextnet/contextnet_rnnt_small', EncDecRNNTBPEModel, 1024, 14_522_513],
  ['contextnet/contextnet_rnnt_medium', EncDecRNNTBPEModel, 1024, 40_761_489],
  ['contextnet/contextnet_rnnt_large', EncDecRNNTBPEModel, 1024, 144_947_345],
]

describe('configs of recognisers have the published numbers of weights', () => {
  it.each(characters)('%s', (path, type, weights) => {
    const model = build(path, type, 0)
    expect(model.numWeights).toBe(weights)
    expect(model.setupOptimization(undefined, 100).scheduler.lr(1)).toBeGreaterThan(0)
  })

  it.each(subwords)('%s', (path, type, size, weights) => {
    const model = build(path, type, size)
    expect([model.numWeights, model.labels.length]).toEqual([weights, size])
    expect(model.setupOptimization(undefined, 20_000).scheduler.lr(1)).toBeGreaterThan(0)
  })
})
