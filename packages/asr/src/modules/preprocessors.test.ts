import { AudioSignal, ConfigValidationError, NeuralPortNmTensorMismatchError, port, withNeuralType } from '@nemo/core'
import { input } from '@nemo/graph'
import { describe, expect, it } from 'vitest'
import { AudioToMelSpectrogramPreprocessor } from './audioToMelSpectrogramPreprocessor.js'
import { AudioToMFCCPreprocessor } from './audioToMFCCPreprocessor.js'
import { AudioToSpectrogramPreprocessor } from './audioToSpectrogramPreprocessor.js'

const signal = (samples: number) =>
  Float32Array.from({ length: samples }, (_, i) => 0.2 * Math.sin(i * 0.05 + i * i * 1e-4))
const feeds = (samples: number) => ({
  inputSignal: { dtype: 'float32', shape: [1, samples], data: signal(samples) } as const,
  length: [samples],
})

describe('AudioToMelSpectrogramPreprocessor', () => {
  it('has NeMo’s buffers under NeMo’s names', () => {
    const named = [...new AudioToMelSpectrogramPreprocessor().namedTensors()].map(
      ([name, tensor]) => `${name} ${tensor}`,
    )
    expect(named).toEqual(['featurizer.window float32[320]', 'featurizer.fb float32[1, 64, 257]'])
  })

  it('has no window buffer for a rectangular window', () => {
    const plain = new AudioToMelSpectrogramPreprocessor({ window: 'none' })
    expect([...plain.namedTensors().keys()]).toEqual(['featurizer.fb'])
  })

  it('uses the filterbank of a checkpoint, also where its own is zero', async () => {
    const preprocessor = new AudioToMelSpectrogramPreprocessor({
      normalize: null,
      log: false,
      pad_to: 0,
      features: 2,
    }).eval()
    const state = await preprocessor.stateDict()
    const data = new Float32Array(2 * 257)
    data[256] = 1
    state.set('featurizer.fb', { dtype: 'float32', shape: [1, 2, 257], data })
    preprocessor.loadStateDict(state)
    const { processedSignal } = await preprocessor.run(feeds(800))
    expect(processedSignal!.data[2]).toBeGreaterThan(0)
    expect(processedSignal!.data[8]).toBe(0)
  })

  it('dithers while training only, and not after dither is set to 0', async () => {
    const preprocessor = new AudioToMelSpectrogramPreprocessor({ dither: 0.1, pad_to: 0 })
    const draw = () =>
      preprocessor.forward({ inputSignal: input('x', 'float32', ['B', 'T']), length: input('n', 'int64', ['B']) })
    const loud = await preprocessor.train().run(feeds(800), { seed: 1 })
    const clean = await preprocessor.eval().run(feeds(800))
    expect(loud.processedSignal!.data).not.toEqual(clean.processedSignal!.data)
    preprocessor.train().featurizer.dither = 0
    await preprocessor.clearPrograms()
    const silent = await preprocessor.run(feeds(800))
    expect(silent.processedSignal!.data).toEqual(clean.processedSignal!.data)
    expect(draw().processedSignal.shape).toEqual(['B', 64, 'floor((T)/160)+1'])
  })

  it('pads to the frames of max_duration when pad_to is max', async () => {
    const { processedSignal } = await new AudioToMelSpectrogramPreprocessor({ pad_to: 'max', max_duration: 0.5 })
      .eval()
      .run(feeds(800))
    expect(processedSignal!.shape).toEqual([1, 64, 51])
  })

  it('takes samples instead of seconds, but not both', () => {
    expect(
      new AudioToMelSpectrogramPreprocessor({ window_size: null, n_window_size: 400 }).featurizer.window!.shape,
    ).toEqual([400])
    expect(
      new AudioToMelSpectrogramPreprocessor({ window_size: false as never, n_window_size: 400 }).featurizer.window!
        .shape,
    ).toEqual([400])
    expect(() => new AudioToMelSpectrogramPreprocessor({ n_window_size: 400 })).toThrow(
      /window_size: is given in seconds \(0.02\) and in samples \(400\); set window_size: null/,
    )
    expect(() => new AudioToMelSpectrogramPreprocessor({ window_stride: null })).toThrow(
      /window_stride: .*both are null/,
    )
    expect(() => new AudioToMelSpectrogramPreprocessor({ n_fft: 256 })).toThrow(
      /n_fft: expected at least the window's 320 samples, found 256/,
    )
  })

  it('names unknown keys with the nearest known one, and wrong values with what is allowed', () => {
    const build = () => new AudioToMelSpectrogramPreprocessor({ normalise: 'per_feature', window: 'han' } as never)
    expect(build).toThrow(ConfigValidationError)
    expect(build).toThrow(/normalise: .*did you mean "?normalize/)
    expect(build).toThrow(/window: .*"hann".*"han"/)
  })

  it('refuses audio of another sampling rate', () => {
    const preprocessor = new AudioToMelSpectrogramPreprocessor({ sample_rate: 16000 })
    const other = withNeuralType(input('x', 'float32', ['B', 'T']), port('B T', AudioSignal({ freq: 8000 })))
    expect(() => preprocessor.forward({ inputSignal: other as never, length: input('n', 'int64', ['B']) })).toThrow(
      NeuralPortNmTensorMismatchError,
    )
  })
})

describe('AudioToMFCCPreprocessor', () => {
  it('has torchaudio’s buffers under its names', () => {
    const named = [...new AudioToMFCCPreprocessor({ n_mfcc: 20 }).namedTensors()].map(
      ([name, tensor]) => `${name} ${tensor}`,
    )
    expect(named).toEqual([
      'featurizer.dct_mat float32[64, 20]',
      'featurizer.MelSpectrogram.spectrogram.window float32[320]',
      'featurizer.MelSpectrogram.mel_scale.fb float32[257, 64]',
    ])
  })

  it('tells ceil(samples / hop) frames', async () => {
    const { processedLength, processedSignal } = await new AudioToMFCCPreprocessor().eval().run(feeds(800))
    expect([processedLength!.data[0], processedSignal!.shape[2]]).toEqual([5n, 6])
  })

  it('refuses more coefficients than mel bins', () => {
    expect(() => new AudioToMFCCPreprocessor({ n_mels: 20, n_mfcc: 21 })).toThrow(
      /n_mfcc: expected at most n_mels, 20, found 21/,
    )
  })
})

describe('AudioToSpectrogramPreprocessor', () => {
  it.each([true, false])('is the power of the transform by its definition; normalized %s', async (normalized) => {
    const preprocessor = new AudioToSpectrogramPreprocessor({
      sample_rate: 1000,
      window_size: 0.03,
      window_stride: 0.01,
      normalized,
    }).eval()
    const { processedSignal, processedLength } = await preprocessor.run(feeds(95))
    expect(processedSignal!.shape).toEqual([1, 17, 10])
    expect(processedLength!.data).toEqual(new BigInt64Array([10n]))
    const samples = signal(95)
    const hann = Float64Array.from({ length: 30 }, (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / 30))
    const energy = normalized ? hann.reduce((sum, w) => sum + w * w, 0) : 1
    // The frame in the middle of the signal; the window stands in the middle of the transform's 32 samples.
    const t = 5
    for (const k of [0, 3, 16]) {
      let [real, imaginary] = [0, 0]
      for (let n = 0; n < 30; n++) {
        const at = (2 * Math.PI * k * (n + 1)) / 32
        real += hann[n]! * samples[t * 10 - 16 + n + 1]! * Math.cos(at)
        imaginary -= hann[n]! * samples[t * 10 - 16 + n + 1]! * Math.sin(at)
      }
      expect(processedSignal!.data[k * 10 + t]).toBeCloseTo((real ** 2 + imaginary ** 2) / energy, 6)
    }
  })

  it('has the buffer of torchaudio under its name', () => {
    expect([...new AudioToSpectrogramPreprocessor().namedTensors().keys()]).toEqual(['featurizer.window'])
  })
})
