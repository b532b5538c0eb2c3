import { AudioToMelSpectrogramPreprocessor, AudioToMFCCPreprocessor } from '@nemo/asr'
import type { NeuralModule } from '@nemo/core'
import type { CaseHandler } from '../caseHandler.js'

interface MelVariant {
  readonly name: string
  readonly type: string
  readonly config: Record<string, unknown>
  readonly inputs: readonly [string, string]
  readonly outputs: readonly [string, string]
  /** The mel filterbank. */
  readonly fb?: string
}

const preprocessors: Readonly<Record<string, new (config: never) => NeuralModule>> = {
  AudioToMelSpectrogramPreprocessor,
  AudioToMFCCPreprocessor,
}

/** Preprocessors on waveforms: `variants` with type, config, inputs and outputs. */
export const mel: CaseHandler = {
  kind: 'audio preprocessor',
  matches: (golden) => {
    const variants = golden.list<MelVariant>('variants')
    return variants.length > 0 && variants.every(({ type }) => type in preprocessors)
  },
  async run(golden, comparison, { runtime }) {
    for (const variant of golden.list<MelVariant>('variants')) {
      const preprocessor = new preprocessors[variant.type]!(variant.config as never)
      preprocessor.eval()
      const [signal, length] = variant.inputs
      const outputs = await preprocessor.run(
        { inputSignal: golden.array(signal), length: golden.array(length) },
        { runtime },
      )
      comparison.array(variant.outputs[0], outputs.processedSignal!)
      comparison.array(variant.outputs[1], outputs.processedLength!)
      if (variant.fb) {
        const state = await preprocessor.stateDict()
        comparison.array(variant.fb, state.get('featurizer.fb')!)
      }
      await preprocessor.clearPrograms()
    }
  },
}
