import { collectUpdates, Module, type NeuralModule } from '@nemo/core'
import { compile, grad, input, mul, ort, reduceSum, type Tensor } from '@nemo/graph'
import { describe, expect, it } from 'vitest'
import {
  ConvASRDecoder,
  ConvASRDecoderClassification,
  ConvASREncoder,
  type ConvASREncoderConfig,
} from '../src/index.js'
import { goldenFixture } from './goldenFixture.js'

interface EncoderCase {
  readonly encoder_config: ConvASREncoderConfig
  readonly decoder_type: string
  readonly decoder_config: never
  readonly state_dict: Readonly<Record<string, string>>
  readonly gradients: Readonly<Record<string, string>>
  readonly buffers_after_train_step: Readonly<Record<string, string>>
}

class EncoderDecoder extends Module {
  readonly encoder: ConvASREncoder
  readonly decoder: NeuralModule

  constructor(json: EncoderCase) {
    super()
    const Decoder = json.decoder_type === 'ConvASRDecoder' ? ConvASRDecoder : ConvASRDecoderClassification
    this.encoder = this.addModule('encoder', new ConvASREncoder(json.encoder_config))
    this.decoder = this.addModule('decoder', new Decoder(json.decoder_config))
  }

  forward(audioSignal: Tensor, length: Tensor): Record<string, Tensor> {
    const { outputs, encodedLengths } = this.encoder.forward({ audioSignal, length }) as Record<string, Tensor>
    const decoded = this.decoder.forward({ encoderOutput: outputs! }) as Record<string, Tensor>
    const name = 'logprobs' in decoded ? 'log_probs' : 'logits'
    return { encoded: outputs!, encoded_lengths: encodedLengths!, [name]: Object.values(decoded)[0]! }
  }
}

const runtime = ort()

describe.each([
  'classifier-marblenet',
  'encoder-extra-future',
  'encoder-extra-groups',
  'encoder-extra-layernorm',
  'encoder-extra-se',
])('%s equals NeMo v1.0.0', (name) => {
  const golden = goldenFixture<EncoderCase>(name)
  const { json } = golden
  const audio = golden.array('audio_signal')
  const feeds = { audio_signal: audio, length: golden.array('length') }
  const audioSignal = input('audio_signal', 'float32', ['B', audio.shape[1]!, 'T'])
  const length = input('length', 'int64', ['B'])
  const model = new EncoderDecoder(json)

  it('has its state dict, in its order', () => {
    expect([...model.namedTensors().keys()]).toEqual(Object.keys(json.state_dict))
  })

  it('gives its outputs in evaluation mode', async () => {
    model.loadStateDict(new Map(Object.entries(json.state_dict).map(([key, array]) => [key, golden.array(array)])))
    const outputs = model.withMode(false, () => model.forward(audioSignal, length))
    const program = await compile(outputs, { runtime })
    for (const [key, value] of Object.entries(await program.run(feeds))) golden.expectClose(`eval/${key}`, value)
  })

  it('gives its outputs, gradients and running statistics in training mode', async () => {
    model.loadStateDict(new Map(Object.entries(json.state_dict).map(([key, array]) => [key, golden.array(array)])))
    const { result, updates } = collectUpdates(() => model.withMode(true, () => model.forward(audioSignal, length)))
    const output = result.log_probs ?? result.logits!
    const projection = input('projection', 'float32', output.shape)
    const loss = reduceSum(mul(output, projection))
    const parameters = Object.keys(json.gradients).map((key) => model.namedParameters().get(key)!)
    const [dAudio, ...gradients] = grad(loss, [audioSignal, ...parameters])
    const outputs: Record<string, Tensor> = { 'train/loss': loss, 'train/grad_audio_signal': dAudio! }
    for (const [key, tensor] of Object.entries(result)) outputs[`train/${key}`] = tensor
    for (const [i, array] of Object.values(json.gradients).entries()) outputs[array] = gradients[i]!
    const program = await compile(outputs, { runtime, updates })
    const values = await program.run({ ...feeds, projection: golden.array('projection') })
    for (const [key, value] of Object.entries(values)) golden.expectClose(key, value)
    const state = await model.stateDict()
    for (const [key, array] of Object.entries(json.buffers_after_train_step)) golden.expectClose(array, state.get(key))
  })
})
