import { ConvASRDecoder, ConvASRDecoderClassification, ConvASREncoder } from '@nemo/asr'
import { collectUpdates, Module, type NeuralModule } from '@nemo/core'
import { compile, grad, input, mul, type Parameter, reduceSum, type Tensor } from '@nemo/graph'
import type { CaseHandler } from '../caseHandler.js'

/** Decoders on top of a convolutional encoder; the output that the projection weighs comes first. */
const decoders: Readonly<Record<string, new (config: never) => NeuralModule>> = {
  ConvASRDecoder,
  ConvASRDecoderClassification,
}

// Names of decoder outputs in the arrays.
const outputNames: Readonly<Record<string, string>> = { logprobs: 'log_probs', logits: 'logits', embs: 'embs' }

class EncoderDecoder extends Module {
  constructor(
    readonly encoder: ConvASREncoder,
    readonly decoder: NeuralModule,
  ) {
    super()
    this.addModule('encoder', encoder)
    this.addModule('decoder', decoder)
  }

  /** Outputs by array name. */
  forward(audioSignal: Tensor, length: Tensor): Record<string, Tensor> {
    const { outputs, encodedLengths } = this.encoder.forward({ audioSignal, length } as never) as Record<string, Tensor>
    const decoded = this.decoder.forward({ encoderOutput: outputs! }) as Record<string, Tensor>
    const named = Object.entries(decoded).map(([key, tensor]) => [outputNames[key] ?? key, tensor] as const)
    return { ...Object.fromEntries(named), encoded: outputs!, encoded_lengths: encodedLengths! }
  }
}

/** `encoder_config` with `jasper` and `decoder_config`: state dict, outputs in both modes, gradients, running statistics. */
export const convEncoder: CaseHandler = {
  kind: 'convolutional encoder',
  matches: ({ json }) =>
    typeof json.encoder_config === 'object' &&
    'jasper' in json.encoder_config! &&
    String(json.decoder_type) in decoders,
  async run(golden, comparison, { runtime }) {
    const { encoder_config, decoder_type, decoder_config, state_dict, gradients, buffers_after_train_step } =
      golden.json as { readonly [key: string]: Record<string, string> }
    const model = new EncoderDecoder(
      new ConvASREncoder(encoder_config as never),
      new decoders[String(decoder_type)]!(decoder_config as never),
    )
    comparison.equal('state_dict', [...model.namedTensors().keys()], Object.keys(state_dict!))
    if (comparison.failures.length > 0) return
    const load = () =>
      model.loadStateDict(new Map(Object.entries(state_dict!).map(([key, name]) => [key, golden.array(name)])))
    load()
    model.nameParameters()
    const [audio, length] = [golden.array('audio_signal'), golden.array('length')]
    const feeds = { audio_signal: audio, length }
    const audioSignal = input('audio_signal', 'float32', ['B', audio.shape[1]!, 'T'])
    const lengths = input('length', 'int64', ['B'])

    const evaluated = model.withMode(false, () => model.forward(audioSignal, lengths))
    const evaluation = await compile(evaluated, { runtime })
    for (const [key, value] of Object.entries(await evaluation.run(feeds))) {
      if (golden.has(`eval/${key}`)) comparison.array(`eval/${key}`, value)
    }
    await evaluation.dispose()

    const { result: trained, updates } = collectUpdates(() =>
      model.withMode(true, () => model.forward(audioSignal, lengths)),
    )
    const projected = projections(golden.json.projection).filter(({ array }) => golden.has(array))
    let loss: Tensor | undefined
    for (const { array, output } of projected) {
      const projection = golden.array(array)
      const weighed = trained[output ?? Object.keys(trained)[0]!]!
      const symbol = input(array, 'float32', weighed.shape)
      ;(feeds as Record<string, unknown>)[array] = projection
      const term = reduceSum(mul(weighed, symbol))
      loss = loss ? loss : term
    }
    const named = new Map<string, Parameter>(
      Object.keys(gradients!).map((key) => [key, model.namedTensors().get(key)!]),
    )
    const outputs: Record<string, Tensor> = { 'train/loss': loss! }
    for (const [key, tensor] of Object.entries(trained)) outputs[`train/${key}`] = tensor
    const keys = [...named.keys()]
    grad(loss!, [audioSignal, ...named.values()]).forEach((gradient, i) => {
      outputs[i === 0 ? 'train/grad_audio_signal' : gradients![keys[i - 1]!]!] = gradient
    })
    const training = await compile(outputs, { runtime, updates })
    for (const [key, value] of Object.entries(await training.run(feeds))) {
      if (golden.has(key)) comparison.array(key, value)
    }
    const state = await model.stateDict()
    for (const [key, name] of Object.entries(buffers_after_train_step!)) comparison.array(name, state.get(key)!)
    await training.dispose()
  },
}

// Without a description there is one array, `projection`, which weighs the first output.
function projections(description: unknown): readonly { readonly array: string; readonly output?: string }[] {
  if (typeof description !== 'object' || description === null) return [{ array: 'projection' }]
  return Object.entries(description as Record<string, string>).map(([output, array]) => ({ array, output }))
}
