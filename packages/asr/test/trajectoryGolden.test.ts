import { type Batch, type ConfigObject, DataLoader, Dataset, MetricsHistory, Trainer } from '@nemo/core'
import type { TensorData } from '@nemo/graph'
import { useSoftwareVulkan } from '@nemo-tools/software-vulkan'
import { expect, it } from 'vitest'
import { audioToCharOutputTypes, EncDecCTCModel, type UtteranceInfo } from '../src/index.js'
import { goldenFixture } from './goldenFixture.js'

interface Trajectory {
  readonly model_config: ConfigObject
  readonly loss: readonly number[]
  readonly loss_tolerance: readonly number[]
  readonly lr: readonly number[]
  readonly grad_norm: readonly number[]
}

/** Batches that were made before; each is a sample of the loader. */
class FixedBatches extends Dataset<Batch<UtteranceInfo>, UtteranceInfo> {
  readonly outputTypes = audioToCharOutputTypes
  constructor(readonly batches: readonly Batch<UtteranceInfo>[]) {
    super()
  }
  get length(): number {
    return this.batches.length
  }
  async get({ index }: { readonly index: number }): Promise<Batch<UtteranceInfo>> {
    return this.batches[index]!
  }
  collate([batch]: readonly Batch<UtteranceInfo>[]): Batch<UtteranceInfo> {
    return batch!
  }
}

function fixedBatch(name: string): Batch<UtteranceInfo> {
  const golden = goldenFixture<{ readonly texts: readonly string[] }>(name)
  const { shape, data } = golden.array('audio_signal')
  const audioSignal: TensorData = {
    dtype: 'float32',
    shape,
    data: Float32Array.from(data as Int16Array, (sample) => sample / 32768),
  }
  return {
    arrays: {
      audioSignal,
      aSigLength: golden.array('a_sig_length'),
      transcripts: golden.array('transcripts'),
      transcriptLength: golden.array('transcript_length'),
    },
    samples: golden.json.texts.map((text) => ({ text, entry: { audioFile: name } as UtteranceInfo['entry'] })),
  }
}

it.each(['cpu', 'webgpu'] as const)(
  'the first steps of a training on %s are NeMo’s',
  async (accelerator) => {
    if (accelerator === 'webgpu') useSoftwareVulkan()
    const golden = goldenFixture<Trajectory>('trajectory-state')
    const { model_config, loss, loss_tolerance, lr, grad_norm } = golden.json
    const model = new EncDecCTCModel(model_config)
    model.loadStateDict(new Map([...model.namedTensors().keys()].map((key) => [key, golden.array(key)])))
    const batches = loss.map((_, step) => fixedBatch(`trajectory-batch${step}`))
    model.trainingLoader = new DataLoader(new FixedBatches(batches))
    const history = new MetricsHistory()
    const trainer = new Trainer(
      { max_steps: loss.length, log_every_n_steps: 1, accelerator, num_threads: 1 },
      { callbacks: [history] },
    )
    await trainer.fit(model)
    const curve = (name: string): readonly number[] => history.series.get(name)!.values
    for (const [step, want] of loss.entries()) {
      expect(Math.abs(curve('train_loss')[step]! - want)).toBeLessThan(loss_tolerance[step]!)
      expect(curve('learning_rate')[step]).toBeCloseTo(lr[step]!, 12)
      expect(Math.abs(curve('grad_norm')[step]! / grad_norm[step]! - 1)).toBeLessThan(1e-4)
    }
    await trainer.dispose()
  },
  300_000,
)
