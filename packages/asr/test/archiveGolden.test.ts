import { fileURLToPath } from 'node:url'
import { readAudio } from '@nemo/audio'
import { Model } from '@nemo/core'
import { describe, expect, it } from 'vitest'
import { EncDecCTCModel } from '../src/index.js'
import { goldenFixture } from './goldenFixture.js'

interface ArchiveCase {
  readonly forward: { readonly text: string }
  readonly transcribe: { readonly text: string }
  readonly state_dict_keys: readonly string[]
}

const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url))
const golden = goldenFixture<ArchiveCase>('nemo-archive')

describe.each(['model.nemo', 'model_legacy.nemo'])('%s, saved by NeMo v1.0.0', (file) => {
  it('is restored by its class, and by Model, which finds the class', async () => {
    const model = await EncDecCTCModel.restoreFrom<EncDecCTCModel>(fixture(file))
    expect([...(await model.stateDict()).keys()]).toEqual(golden.json.state_dict_keys)
    expect(await Model.restoreFrom<Model>(fixture(file))).toBeInstanceOf(EncDecCTCModel)
  })

  it('gives NeMo’s log-probabilities and text', async () => {
    const model = await EncDecCTCModel.restoreFrom<EncDecCTCModel>(fixture(file))
    const { samples } = await readAudio(fixture('sample.wav'), { sampleRate: model.sampleRate })
    const outputs = await model.run({
      inputSignal: { dtype: 'float32', shape: [1, samples.length], data: samples },
      inputSignalLength: [samples.length],
    })
    golden.expectClose('forward/log_probs', outputs.logProbs)
    golden.expectClose('forward/encoded_lengths', outputs.encodedLengths)
    const texts = model.decodePredictions(outputs.greedyPredictions!, outputs.encodedLengths!)
    expect(texts).toEqual([golden.json.forward.text])
  })

  it('transcribes as NeMo does', async () => {
    const model = await EncDecCTCModel.restoreFrom<EncDecCTCModel>(fixture(file))
    const [logProbs] = await model.transcribe([fixture('sample.wav')], { logprobs: true })
    golden.expectClose('transcribe/log_probs', logProbs)
    expect(await model.transcribe([fixture('sample.wav')])).toEqual([golden.json.transcribe.text])
  })
})
