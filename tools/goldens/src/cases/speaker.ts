import {
  AngularSoftmaxLoss,
  ConvASREncoder,
  LSTMDecoder,
  type LSTMDecoderConfig,
  SpeakerDecoder,
  type SpeakerDecoderConfig,
  statisticsPooling,
} from '@nemo/asr'
import { Module } from '@nemo/core'
import { compile, constant, grad, input, type Tensor } from '@nemo/graph'
import type { CaseHandler } from '../caseHandler.js'
import { compareNetwork, type NetworkLoss } from '../network.js'

/** `decoder_config` with `pool_mode` alone: outputs, gradients, statistics, the pooled numbers. */
export const speakerDecoder: CaseHandler = {
  kind: 'speaker decoder',
  matches: ({ json }) => !('encoder_config' in json) && 'pool_mode' in ((json.decoder_config ?? {}) as object),
  async run(golden, comparison, { runtime }) {
    const config = golden.json.decoder_config as SpeakerDecoderConfig
    const model = new SpeakerDecoder(config)
    await compareNetwork(golden, comparison, runtime, {
      model,
      draw: ({ encoder_output }) => model.forward({ encoderOutput: encoder_output } as never) as Record<string, Tensor>,
    })
    const pool = golden.json.pool as string | undefined
    if (!pool) return
    const x = golden.array('encoder_output')
    const program = await compile(
      { pooled: statisticsPooling(constant(x), config.pool_mode ?? 'xvector') },
      { runtime },
    )
    comparison.array(pool, (await program.run()).pooled)
    await program.dispose()
  },
}

class SpeakerNet extends Module {
  readonly encoder: ConvASREncoder
  readonly decoder: SpeakerDecoder

  constructor(encoderConfig: never, decoderConfig: SpeakerDecoderConfig) {
    super()
    this.encoder = this.addModule('encoder', new ConvASREncoder(encoderConfig))
    this.decoder = this.addModule('decoder', new SpeakerDecoder(decoderConfig))
  }

  forward(audioSignal: Tensor, length: Tensor): Record<string, Tensor> {
    const { outputs, encodedLengths } = this.encoder.forward({ audioSignal, length } as never) as Record<string, Tensor>
    const decoded = this.decoder.forward({ encoderOutput: outputs } as never) as Record<string, Tensor>
    return { ...decoded, encoded: outputs!, encoded_lengths: encodedLengths! }
  }
}

/** An encoder under a speaker decoder, with the angular loss of labels. */
export const speakerNet: CaseHandler = {
  kind: 'speaker network',
  matches: ({ json }) => 'encoder_config' in json && 'pool_mode' in ((json.decoder_config ?? {}) as object),
  run(golden, comparison, { runtime }) {
    const { encoder_config, decoder_config, label_loss } = golden.json as Record<string, unknown>
    const model = new SpeakerNet(encoder_config as never, decoder_config as SpeakerDecoderConfig)
    return compareNetwork(golden, comparison, runtime, {
      model,
      draw: ({ audio_signal, length }) => model.forward(audio_signal!, length!),
      losses({ audio_signal, length, labels }) {
        const loss = new AngularSoftmaxLoss({ scale: 30, margin: 0.2 })
        const { logits } = model.forward(audio_signal!, length!)
        const value = loss.forward({ logits, labels } as never).loss as Tensor
        return [{ ...(label_loss as Omit<NetworkLoss, 'value'>), value }]
      },
    })
  },
}

interface AngularProblem {
  readonly name: string
  readonly config: { readonly scale: number; readonly margin: number }
  readonly logits: string
  readonly labels: string
  readonly loss: string
  readonly grad_logits: string
}

/** `problems` of cosines and labels with the angular loss and its gradient. */
export const angularSoftmax: CaseHandler = {
  kind: 'angular softmax loss',
  matches: (golden) => {
    const problems = golden.list<Partial<AngularProblem>>('problems')
    return problems.length > 0 && problems.every(({ config }) => config?.margin !== undefined)
  },
  async run(golden, comparison, { runtime }) {
    for (const { config, ...arrays } of golden.list<AngularProblem>('problems')) {
      const logits = input('logits', 'float32', ['B', golden.spec(arrays.logits).shape[1]!])
      const labels = input('labels', 'int64', ['B'])
      const loss = new AngularSoftmaxLoss(config).forward({ logits, labels } as never).loss as Tensor
      const outputs = { [arrays.loss]: loss, [arrays.grad_logits]: grad(loss, [logits])[0]! }
      const program = await compile(outputs, { runtime })
      const feeds = { logits: golden.array(arrays.logits), labels: golden.array(arrays.labels) }
      for (const [key, value] of Object.entries(await program.run(feeds))) comparison.array(key, value)
      await program.dispose()
    }
  },
}

/** `decoder_config` with `lstm_hidden_size`: outputs and gradients. */
export const lstmDecoder: CaseHandler = {
  kind: 'LSTM decoder for CTC',
  matches: ({ json }) => 'lstm_hidden_size' in ((json.decoder_config ?? {}) as object),
  run(golden, comparison, { runtime }) {
    const model = new LSTMDecoder(golden.json.decoder_config as LSTMDecoderConfig)
    return compareNetwork(golden, comparison, runtime, {
      model,
      draw: ({ encoder_output }) => ({
        log_probs: model.forward({ encoderOutput: encoder_output } as never).logprobs as Tensor,
      }),
    })
  },
}
