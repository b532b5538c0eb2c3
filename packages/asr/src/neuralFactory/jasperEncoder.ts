import { type DrawsForDeployment, type Inputs, registerTarget } from '@nemo/core'
import type { Tensor } from '@nemo/graph'
import { ConvASREncoder, type ConvASREncoderConfig } from '../modules/convASREncoder.js'

/**
 * `ConvASREncoder` under its first name: its checkpoints are `JasperEncoder-STEP-N.pt`. For deployment it leaves the
 * lengths and all masks out, as NeMo 0.9 does.
 *
 * Source: NeMo v0.9.0 `JasperEncoder`, which pads by dilation * k // 2 - 1 where dilation is above 1; we pad as 1.0 does, which
 * is the same for dilations up to 2 and odd kernels.
 */
export class JasperEncoder extends ConvASREncoder implements DrawsForDeployment {
  drawForDeployment(inputs: Readonly<Record<string, Tensor>>): { outputs: Tensor } {
    this.setConvMask(false)
    try {
      const { outputs } = this.forward(inputs as Inputs<typeof ConvASREncoder>)
      return { outputs }
    } finally {
      this.setConvMask(true)
    }
  }
}

registerTarget('nemo_asr.JasperEncoder', (args) => new JasperEncoder(args as ConvASREncoderConfig))
