import type { NeuralModule } from '@nemo/core'
import type { TensorData } from '@nemo/graph'
import { describe, expect, it } from 'vitest'
import { AudioToMelSpectrogramPreprocessor, AudioToMFCCPreprocessor } from '../src/index.js'
import { expectClose, goldenFixture } from './goldenFixture.js'

interface MelCase {
  readonly variants: readonly {
    readonly name: string
    readonly type: string
    readonly config: object
    readonly outputs: readonly [string, string]
    /** Every how manieth frame is stored. */
    readonly frameStep: number
  }[]
}

const input = goldenFixture('mel-input')
const samples = input.array('input_signal')
const inputSignal: TensorData = {
  dtype: 'float32',
  shape: samples.shape,
  data: Float32Array.from(samples.data as Int16Array, (v) => v / 32768),
}
const length = input.array('length')

function everyFrame(x: TensorData, step: number): TensorData {
  const frames = x.shape[2]!
  const data = (x.data as Float32Array).filter((_, i) => (i % frames) % step === 0)
  return { dtype: 'float32', shape: [x.shape[0]!, x.shape[1]!, Math.ceil(frames / step)], data }
}

describe('preprocessors equal NeMo v1.0.0', () => {
  for (const file of ['mel-output-1', 'mel-output-2']) {
    const golden = goldenFixture<MelCase>(file)
    for (const { name, type, config, outputs, frameStep } of golden.json.variants) {
      it(`${name} (${type})`, async () => {
        const preprocessor: NeuralModule =
          type === 'AudioToMFCCPreprocessor'
            ? new AudioToMFCCPreprocessor(config)
            : new AudioToMelSpectrogramPreprocessor(config)
        const { processedSignal, processedLength } = await preprocessor.eval().run({ inputSignal, length })
        const { atol = 0, rtol = 0 } = golden.json.arrays[outputs[0]]!
        expectClose(outputs[0], everyFrame(processedSignal!, frameStep), golden.array(outputs[0]), atol, rtol)
        golden.expectClose(outputs[1], processedLength)
      })
    }
  }

  it('covers all ten variants', () => {
    const count = ['mel-output-1', 'mel-output-2'].map((file) => goldenFixture<MelCase>(file).json.variants.length)
    expect(count).toEqual([5, 5])
  })
})
