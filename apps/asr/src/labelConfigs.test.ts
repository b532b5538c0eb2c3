import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EncDecClassificationModel, EncDecSpeakerLabelModel } from '@nemo/asr'
import { type ConfigObject, composeConfig } from '@nemo/core'
import { describe, expect, it } from 'vitest'

const conf = fileURLToPath(new URL('../conf', import.meta.url))
const modelOf = (folder: string, configName: string) =>
  composeConfig({ configDir: join(conf, folder), configName, overrides: [] }).toObject().model as ConfigObject

describe('configs of classifiers have the published numbers of weights', () => {
  // Majumdar & Ginsburg 2020: 77 k and 93 k with the 30 words of v1; Jia et al. 2021: 88 k.
  it.each([
    ['matchboxnet', 'matchboxnet_3x1x64_v1', 77_214, 30],
    ['matchboxnet', 'matchboxnet_3x2x64_v1', 92_766, 30],
    ['matchboxnet', 'matchboxnet_3x1x64_v2', 77_859, 35],
    ['matchboxnet', 'matchboxnet_3x2x64_v2', 93_411, 35],
    ['marblenet', 'marblenet_3x2x64', 89_154, 2],
  ])('%s/%s', (folder, name, weights, labels) => {
    const model = EncDecClassificationModel.fromConfigDict<EncDecClassificationModel>(modelOf(folder, name))
    expect([model.numWeights, model.labels.length]).toEqual([weights, labels])
    expect(model.setupOptimization(undefined, 100).scheduler.lr(0)).toBeGreaterThan(0)
  })
})

describe('configs of speaker models have the weights that NeMo’s have', () => {
  // 3.24 M of the encoder; the rest grows with the 7205 speakers of VoxCeleb.
  it.each([
    ['speakernet_verification_3x2x512', 5_854_328],
    ['speakernet_recognition_3x2x512', 8_736_925],
  ])('%s', (name, weights) => {
    const model = EncDecSpeakerLabelModel.fromConfigDict<EncDecSpeakerLabelModel>(modelOf('speakernet', name))
    expect([model.numWeights, model.encoder.numWeights]).toEqual([weights, 3_241_592])
    expect(model.setupOptimization(undefined, 100).scheduler.lr(0)).toBeGreaterThan(0)
  })
})
