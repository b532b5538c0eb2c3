import { ConformerEncoder, type ConformerEncoderConfig } from '@nemo/asr'
import type { Tensor } from '@nemo/graph'
import type { CaseHandler } from '../caseHandler.js'
import { compareNetwork } from '../network.js'

/** `encoder_config` with `d_model`: outputs in both modes, gradients, running statistics. */
export const conformerEncoder: CaseHandler = {
  kind: 'Conformer encoder',
  matches: ({ json }) => typeof json.encoder_config === 'object' && 'd_model' in json.encoder_config!,
  run(golden, comparison, { runtime }) {
    const model = new ConformerEncoder(golden.json.encoder_config as ConformerEncoderConfig)
    return compareNetwork(golden, comparison, runtime, {
      model,
      draw({ audio_signal, length }) {
        const { outputs, encodedLengths } = model.forward({ audioSignal: audio_signal, length } as never)
        return { encoded: outputs as Tensor, encoded_lengths: encodedLengths as Tensor }
      },
    })
  },
}
