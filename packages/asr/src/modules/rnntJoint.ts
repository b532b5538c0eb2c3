import {
  AcousticEncodedRepresentation,
  activation,
  Dropout,
  EmbeddedTextType,
  type Inputs,
  type Layer,
  Linear,
  LogprobsType,
  NeuralModule,
  type Outputs,
  port,
  registerTarget,
  Sequential,
  typecheck,
  validateConfig,
} from '@nemo/core'
import { add, logSoftmax, swapAxes, type Tensor, unsqueeze } from '@nemo/graph'
import { z } from 'zod'

/** Keys of an `RNNTJoint`, with NeMo's names, defaults and meanings. */
export const rnntJointConfigSchema = z.strictObject({
  jointnet: z.object({
    /** Channels of the encoder's output. */
    encoder_hidden: z.int().min(1),
    pred_hidden: z.int().min(1),
    joint_hidden: z.int().min(1),
    activation: z.enum(['relu', 'sigmoid', 'tanh']),
    dropout: z.number().min(0).max(1).nullable().default(0),
  }),
  /** Labels, without the blank. */
  num_classes: z.int().min(1),
  /** The labels themselves. */
  vocabulary: z.array(z.string()).readonly().nullable().default(null),
  /** False gives logits. Null, as on NeMo's CPU, gives log-probabilities. */
  log_softmax: z.boolean().nullable().default(null),
  /** NeMo empties PyTorch's cache here; there is none. */
  preserve_memory: z.boolean().default(false),
  /** NeMo computes joint and loss in parts to save memory; here they are computed at once, with the same result. */
  experimental_fuse_loss_wer: z.boolean().default(false),
  /** The same, as NeMo calls it since 1.2. */
  fuse_loss_wer: z.boolean().default(false),
  fused_batch_size: z.int().min(1).nullable().default(null),
})

/** Keys of an `RNNTJoint`. */
export type RNNTJointConfig = z.input<typeof rnntJointConfigSchema>

/**
 * Joint network of a transducer: scores of the next label for every pair of a frame and a number of labels said.
 *
 * State dict: `pred.*`, `enc.*`, `joint_net.1.*` (`joint_net.2.*` with dropout). Source: NeMo v1.0.0 `RNNTJoint`.
 */
export class RNNTJoint extends NeuralModule {
  static readonly inputTypes = {
    encoderOutputs: port('B D T', AcousticEncodedRepresentation),
    decoderOutputs: port('B D T', EmbeddedTextType),
  }
  static readonly outputTypes = { outputs: port('B T D D', LogprobsType) }

  readonly pred: Linear
  readonly enc: Linear
  readonly jointNet: Sequential
  /** The labels, if the config has them. */
  readonly vocabulary: readonly string[] | null
  readonly numClassesWithBlank: number
  readonly #normalized: boolean

  /** @throws ConfigValidationError naming each wrong key, its value and what is allowed. */
  constructor(config: RNNTJointConfig) {
    super()
    const valid = validateConfig(rnntJointConfigSchema, config, { source: 'RNNTJoint' })
    const { jointnet } = valid
    this.vocabulary = valid.vocabulary
    this.numClassesWithBlank = valid.num_classes + 1
    this.#normalized = valid.log_softmax ?? true
    this.pred = this.addModule('pred', new Linear(jointnet.pred_hidden, jointnet.joint_hidden))
    this.enc = this.addModule('enc', new Linear(jointnet.encoder_hidden, jointnet.joint_hidden))
    const layers: Layer[] = [activation(jointnet.activation)]
    if (jointnet.dropout) layers.push(new Dropout(jointnet.dropout))
    layers.push(new Linear(jointnet.joint_hidden, this.numClassesWithBlank))
    this.jointNet = this.addModule('joint_net', new Sequential(layers))
  }

  /** `[B, encoderHidden, T]` and `[B, predHidden, U + 1]` -> log-probabilities `[B, T, U + 1, classes + 1]` */
  @typecheck()
  forward(inputs: Inputs<typeof RNNTJoint>): Outputs<typeof RNNTJoint> {
    const logits = this.logits(inputs)
    return { outputs: this.#normalized ? logSoftmax(logits, -1) : logits }
  }

  /** What `forward` gives, not normalised: the transducer loss does that itself. */
  logits({ encoderOutputs, decoderOutputs }: { encoderOutputs: Tensor; decoderOutputs: Tensor }): Tensor {
    const frames = this.projectFrames(swapAxes(encoderOutputs, 1, 2))
    const labels = this.projectLabels(swapAxes(decoderOutputs, 1, 2))
    return this.combine(unsqueeze(frames, 2), unsqueeze(labels, 1))
  }

  /** The encoder's part of the sum: `[..., encoderHidden]` -> `[..., jointHidden]` */
  projectFrames(encoded: Tensor): Tensor {
    return this.within('enc', () => this.enc.forward(encoded))
  }

  /** The prediction network's part of the sum: `[..., predHidden]` -> `[..., jointHidden]` */
  projectLabels(predicted: Tensor): Tensor {
    return this.within('pred', () => this.pred.forward(predicted))
  }

  /** Logits `[..., classes + 1]` of projected frames and labels, which broadcast. */
  combine(frames: Tensor, labels: Tensor): Tensor {
    return this.within('joint_net', () => this.jointNet.forward(add(frames, labels)))
  }
}

registerTarget(
  ['nemo.collections.asr.modules.RNNTJoint', 'nemo.collections.asr.modules.rnnt.RNNTJoint'],
  (args) => new RNNTJoint(args as RNNTJointConfig),
)
