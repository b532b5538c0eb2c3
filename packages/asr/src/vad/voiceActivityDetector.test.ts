import { join } from 'node:path'
import { RandomGenerator, writeWav } from '@nemo/audio'
import { seedInitialisation } from '@nemo/core'
import { ort, type TensorData } from '@nemo/graph'
import { afterAll, describe, expect, it } from 'vitest'
import { scratchFolder, tinyConfig } from '../../test/tinyRecogniser.js'
import { AsrError, EncDecClassificationModel, VoiceActivityDetector } from '../index.js'

const runtime = ort({ threads: 1 })
afterAll(() => runtime.dispose())
const folder = await scratchFolder()
const sampleRate = 8000

function vadModel(): EncDecClassificationModel {
  seedInitialisation(5)
  const { labels: _, decoder: __, preprocessor: ___, ...rest } = tinyConfig()
  const model = new EncDecClassificationModel({
    ...rest,
    labels: ['background', 'speech'],
    preprocessor: {
      _target_: 'nemo.collections.asr.modules.AudioToMFCCPreprocessor',
      sample_rate: sampleRate,
      n_mels: 16,
      n_mfcc: 16,
      n_fft: 256,
      window_size: 0.025,
      window_stride: 0.01,
      window: 'hann',
    },
    decoder: { _target_: 'nemo.collections.asr.modules.ConvASRDecoderClassification', feat_in: 16 },
  })
  return model.eval() as EncDecClassificationModel
}
const model = vadModel()

function noise(seconds: number): Float32Array {
  const random = new RandomGenerator(1, 2)
  return Float32Array.from(
    { length: Math.round(seconds * sampleRate) },
    (_, t) => random.uniform(-1, 1) * ((t >> 11) & 1),
  )
}

describe('frames', () => {
  it('are the softmax of the window around each', async () => {
    const audio = noise(0.5)
    const detector = new VoiceActivityDetector(model, { windowLengthInSec: 0.15, shiftLengthInSec: 0.02, runtime })
    const frames = await detector.frames(audio)
    expect(frames.length).toBe(25)
    // Frame 10 is the middle of 1200 samples that begin at 10 * 160 - 600.
    const window = audio.slice(1000, 2200)
    const [{ data }] = (await model.transcribe([window], { logprobs: true })) as [TensorData<'float32'>]
    const [background, speech] = [Math.exp(data[0]!), Math.exp(data[1]!)]
    expect(frames[10]).toBeCloseTo(speech / (background + speech), 5)
  })

  it('do not depend on the parts that a recording is read in, or how many are computed together', async () => {
    const path = join(folder, 'noise.wav')
    await writeWav(path, { sampleRate, channels: [noise(2.503)] }, { encoding: 'float32' } as never)
    // An odd and an even number of frames in a window.
    for (const windowLengthInSec of [0.15, 0.16]) {
      const whole = new VoiceActivityDetector(model, { windowLengthInSec, runtime })
      const expected = await whole.frames(path)
      expect(expected.length).toBe(250)
      for (const [splitDuration, batchSize] of [
        [0.2, 7],
        [0.31, 64],
        [1, 20],
        [2.5, 64],
        [2.503, 64],
      ] as const) {
        const detector = new VoiceActivityDetector(model, { windowLengthInSec, splitDuration, batchSize, runtime })
        const frames = await detector.frames(path)
        expect(frames.length).toBe(250)
        for (const [i, frame] of frames.entries()) expect(frame).toBeCloseTo(expected[i]!, 5)
      }
    }
  })

  it('of a recording of another rate are as many', async () => {
    const path = join(folder, 'other.wav')
    await writeWav(path, { sampleRate: 11025, channels: [new Float32Array(11025 * 3).fill(0.1)] })
    const detector = new VoiceActivityDetector(model, { windowLengthInSec: 0.15, splitDuration: 0.7, runtime })
    expect((await detector.frames(path)).length).toBe(300)
  })

  it('of nothing are none', async () => {
    expect((await new VoiceActivityDetector(model, { runtime }).frames(new Float32Array(0))).length).toBe(0)
  })
})

describe('decisions', () => {
  const detector = new VoiceActivityDetector(model, { windowLengthInSec: 0.05, shiftLengthInSec: 0.01, runtime })
  const frames = [0, 0, 0, 1, 1, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0]

  it('have a threshold, and more if wanted', () => {
    expect(detector.decide(frames).length).toBe(2)
    const [only, ...others] = detector.decide(frames, { minDurationOff: 0.02 })
    expect(others).toEqual([])
    expect(only!.start).toBeCloseTo(0.03)
    expect(only!.duration).toBeCloseTo(0.09)
  })

  it('may be of smoothed probabilities', () => {
    const smoothing = { method: 'median', overlap: 0.5 } as const
    expect(detector.smooth(frames, smoothing).length).toBe(frames.length)
    expect(detector.decide(frames, { smoothing }).length).toBe(1)
    expect(detector.smooth([], smoothing)).toEqual([])
  })

  it('smoothing does not move speech', () => {
    const pulse = Array.from({ length: 101 }, (_, i) => (Math.abs(i - 50) <= 20 ? 1 : 0))
    for (const method of ['median', 'mean'] as const) {
      for (const windowLengthInSec of [0.1, 0.2, 0.31]) {
        const wide = new VoiceActivityDetector(model, { windowLengthInSec, runtime })
        const [{ start, duration }] = wide.decide(pulse, { smoothing: { method, overlap: 0.875 } }) as [
          { start: number; duration: number },
        ]
        expect(Math.abs(start + duration / 2 - 0.505)).toBeLessThan(0.021)
        expect(Math.abs(duration - 0.41)).toBeLessThan(0.061)
      }
    }
  })
})

it('options that cannot be are refused', () => {
  for (const options of [
    { shiftLengthInSec: 0 },
    { windowLengthInSec: 0.001 },
    { splitDuration: 0.1 },
    { batchSize: 0 },
    { speechClass: 2 },
  ])
    expect(() => new VoiceActivityDetector(model, options), JSON.stringify(options)).toThrow(AsrError)
})
