import { ChannelType, Dropout, Linear, NeuralModule, port, xavierUniform, zeros } from '@nemo/core'
import type { Tensor } from '@nemo/graph'
import { z } from 'zod'
import { activationField } from './multiLayerPerceptron.js'

/** Keys that all heads on an encoder share, with NeMo's names and defaults. */
export const classifierFields = {
  /** Width of the encoder's output. */
  hidden_size: z.int().min(1),
  activation: activationField,
  /** Of the encoder's output, while training. */
  dropout: z.number().min(0).max(1).default(0),
  /** Xavier-uniform weights and zero biases; else PyTorch's defaults. */
  use_transformer_init: z.boolean().default(true),
}

/** A head on an encoder's hidden states. Source: NeMo v1.0.0 `Classifier`. */
export abstract class Classifier extends NeuralModule {
  static readonly inputTypes = { hiddenStates: port('B T D', ChannelType) }

  readonly dropout: Dropout
  readonly hiddenSize: number

  constructor(config: { readonly hidden_size: number; readonly dropout: number }) {
    super()
    this.hiddenSize = config.hidden_size
    this.dropout = this.addModule('dropout', new Dropout(config.dropout))
  }

  /** Call once all layers are there. */
  protected initialize(useTransformerInit: boolean): void {
    if (!useTransformerInit) return
    for (const module of this.modules()) {
      if (!(module instanceof Linear)) continue
      module.weight.set(xavierUniform(module.weight.shape))
      module.bias?.set(zeros(module.bias.shape))
    }
  }

  protected dropped(hiddenStates: Tensor): Tensor {
    return this.within('dropout', () => this.dropout.forward(hiddenStates))
  }
}
