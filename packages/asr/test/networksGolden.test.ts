import { Module } from '@nemo/core'
import type { Tensor } from '@nemo/graph'
import {
  ConformerEncoder,
  type ConformerEncoderConfig,
  LSTMDecoder,
  type LSTMDecoderConfig,
  RNNTDecoder,
  type RNNTDecoderConfig,
  RNNTJoint,
  type RNNTJointConfig,
  SpeakerDecoder,
  type SpeakerDecoderConfig,
} from '../src/index.js'
import { describeNetwork } from './networkGolden.js'

interface TransducerCase {
  readonly decoder_config: Omit<RNNTDecoderConfig, 'vocab_size'>
  readonly joint_config: Omit<RNNTJointConfig, 'num_classes'>
  readonly vocab_size: number
}

class PredictionAndJoint extends Module {
  readonly decoder: RNNTDecoder
  readonly joint: RNNTJoint

  constructor({ decoder_config, joint_config, vocab_size }: TransducerCase) {
    super()
    this.decoder = this.addModule('decoder', new RNNTDecoder({ ...decoder_config, vocab_size }))
    this.joint = this.addModule('joint', new RNNTJoint({ ...joint_config, num_classes: vocab_size }))
  }
}

for (const name of ['rnnt-net', 'rnnt-net-batchnorm']) {
  describeNetwork<TransducerCase>(name, (json) => {
    const model = new PredictionAndJoint(json)
    return {
      model,
      draw({ encoder_outputs, targets, target_lengths }) {
        const { outputs } = model.decoder.forward({ targets, targetLength: target_lengths } as never)
        const joint = model.joint.forward({ encoderOutputs: encoder_outputs, decoderOutputs: outputs } as never)
        return { decoder_outputs: outputs as Tensor, log_probs: joint.outputs as Tensor }
      },
    }
  })
}

for (const name of ['encoder-conformer-abs', 'encoder-conformer-context']) {
  describeNetwork<{ readonly encoder_config: ConformerEncoderConfig }>(name, ({ encoder_config }) => {
    const model = new ConformerEncoder(encoder_config)
    return {
      model,
      draw({ audio_signal, length }) {
        const { outputs, encodedLengths } = model.forward({ audioSignal: audio_signal, length } as never)
        return { encoded: outputs as Tensor, encoded_lengths: encodedLengths as Tensor }
      },
    }
  })
}

for (const name of ['speaker-decoder-gram', 'speaker-decoder-supervector', 'speaker-decoder-xvector']) {
  describeNetwork<{ readonly decoder_config: SpeakerDecoderConfig }>(name, ({ decoder_config }) => {
    const model = new SpeakerDecoder(decoder_config)
    return {
      model,
      draw: ({ encoder_output }) => model.forward({ encoderOutput: encoder_output } as never) as Record<string, Tensor>,
    }
  })
}

describeNetwork<{ readonly decoder_config: LSTMDecoderConfig }>('lstm-ctc', ({ decoder_config }) => {
  const model = new LSTMDecoder(decoder_config)
  return {
    model,
    draw: ({ encoder_output }) => ({
      log_probs: model.forward({ encoderOutput: encoder_output } as never).logprobs as Tensor,
    }),
  }
})
