import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { atomicWriteFile } from '@nemo/core'
import { exportOnnx, input, type Tensor } from '@nemo/graph'
import type { LabelModel } from '../models/labelModel.js'
import { featureCount } from './ctcOnnx.js'

/**
 * Writes a model of labels as an ONNX file with its labels as metadata.
 *
 * @param draw - Draws the outputs from the inputs of `forward`: features, or audio with `preprocessor`.
 */
export async function writeLabelOnnx(
  model: LabelModel,
  path: string,
  options: { readonly preprocessor?: boolean },
  draw: (inputs: Readonly<Record<string, Tensor>>) => Record<string, Tensor>,
): Promise<void> {
  model.nameParameters()
  const length = input('length', 'int64', ['B'])
  const outputs = model.withMode(false, () =>
    draw(
      options.preprocessor
        ? { inputSignal: input('input_signal', 'float32', ['B', 'T']), inputSignalLength: length }
        : {
            processedSignal: input('audio_signal', 'float32', ['B', featureCount(model), 'T']),
            processedSignalLength: length,
          },
    ),
  )
  const name = model.target.split('.').at(-1)!
  const bytes = await exportOnnx(outputs, {
    graphName: name,
    inputs: [options.preprocessor ? 'input_signal' : 'audio_signal', 'length'],
    metadata: {
      model_type: name,
      version: '1',
      sample_rate: String(model.sampleRate),
      labels: JSON.stringify(model.labels),
      target: model.target,
    },
  })
  await mkdir(dirname(path), { recursive: true })
  await atomicWriteFile(path, bytes)
}
