import { RNNTDecoder, type RNNTDecoderConfig, RNNTJoint, type RNNTJointConfig, RNNTLoss } from '@nemo/asr'
import { Module } from '@nemo/core'
import { compile, constant, full, type Runtime, type Tensor } from '@nemo/graph'
import type { CaseHandler } from '../caseHandler.js'
import type { Comparison } from '../comparison.js'
import type { GoldenCase } from '../goldenCase.js'
import { compareNetwork, loadState, type Names, type NetworkLoss } from '../network.js'

interface TransducerConfig {
  readonly decoder_config: Omit<RNNTDecoderConfig, 'vocab_size'>
  readonly joint_config: Omit<RNNTJointConfig, 'num_classes'>
  readonly vocab_size: number
}

/** Prediction and joint network of a transducer under one state dict. */
export class PredictionAndJoint extends Module {
  readonly decoder: RNNTDecoder
  readonly joint: RNNTJoint

  constructor({ decoder_config, joint_config, vocab_size }: TransducerConfig) {
    super()
    this.decoder = this.addModule('decoder', new RNNTDecoder({ ...decoder_config, vocab_size }))
    this.joint = this.addModule('joint', new RNNTJoint({ ...joint_config, num_classes: vocab_size }))
  }
}

/** `decoder_config` and `joint_config`: outputs, gradients, statistics, the loss through both, and single steps. */
export const rnntNet: CaseHandler = {
  kind: 'RNN-T prediction and joint network',
  matches: ({ json }) => 'decoder_config' in json && 'joint_config' in json && 'rnnt_loss' in json,
  async run(golden, comparison, { runtime }) {
    const json = golden.json as unknown as TransducerConfig & {
      readonly rnnt_loss: Omit<NetworkLoss, 'value'>
      readonly predict?: Names
    }
    const model = new PredictionAndJoint(json)
    const decode = ({ targets, target_lengths }: Readonly<Record<string, Tensor>>) =>
      model.decoder.forward({ targets, targetLength: target_lengths } as never).outputs as Tensor
    await compareNetwork(golden, comparison, runtime, {
      model,
      draw(inputs) {
        const decoderOutputs = decode(inputs)
        const joint = model.joint.forward({ encoderOutputs: inputs.encoder_outputs, decoderOutputs } as never)
        return { decoder_outputs: decoderOutputs, log_probs: joint.outputs as Tensor }
      },
      losses(inputs) {
        // The loss normalises logits itself.
        const logProbs = model.joint.logits({ encoderOutputs: inputs.encoder_outputs!, decoderOutputs: decode(inputs) })
        const value = new RNNTLoss({ num_classes: json.vocab_size }).forward({
          logProbs,
          targets: inputs.targets,
          inputLengths: inputs.encoded_lengths,
          targetLengths: inputs.target_lengths,
        } as never).loss as Tensor
        return [{ ...json.rnnt_loss, value }]
      },
    })
    loadState(golden, model)
    if (json.predict) await comparePredictions(golden, comparison, model, json.predict, runtime)
  },
}

// From no label and no state, then with each item's first target.
async function comparePredictions(
  golden: GoldenCase,
  comparison: Comparison,
  { decoder }: PredictionAndJoint,
  names: Names,
  runtime: Runtime,
): Promise<void> {
  const targets = golden.array('targets')
  const [B, U] = targets.shape as readonly [number, number]
  const first = Array.from({ length: B }, (_, b) => Number(targets.data[b * U]))
  const zeros = full([decoder.predRnnLayers, B, decoder.predHidden], 0)
  const steps = decoder.withMode(false, () => {
    const start = decoder.predict(full([B], decoder.blank, 'int64'), { hidden: zeros, cell: zeros })
    return { start, next: decoder.predict(constant(first, 'int64'), start.state) }
  })
  const outputs: Record<string, Tensor> = {}
  for (const [step, { output, state }] of Object.entries(steps)) {
    outputs[`${step}/g`] = output
    outputs[`${step}/h`] = state.hidden
    outputs[`${step}/c`] = state.cell
  }
  const program = await compile(outputs, { runtime })
  // NeMo keeps axes of size 1.
  for (const [key, value] of Object.entries(await program.run()))
    comparison.array(names[key]!, { ...value, shape: golden.spec(names[key]!).shape })
  await program.dispose()
}
