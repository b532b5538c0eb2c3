import { melFilterbank } from '@nemo/audio'

/** Log mel features of one utterance, `[1, bands, frames]`, and its frames as sherpa-onnx counts the network's output. */
export interface SherpaFeatures {
  readonly data: Float32Array
  readonly bands: number
  readonly frames: number
}

const SHIFT = 160
const WINDOW = 400
const FFT = 512
const BINS = FFT / 2 + 1
const PRE_EMPHASIS = 0.97
/** kaldi-native-fbank's floor under the mel energies: the machine epsilon of float32. */
const FLOOR = 2 ** -23

/**
 * The features that sherpa-onnx 1.13 computes for NeMo's CTC models from 16 kHz audio, so that texts can be compared on the same
 * input. They are not NeMo's: frames are centred half a hop later and repeat the edge sample when reflected, the Hann window
 * is periodic, a floor stands in place of the log guard, and the normalising deviation is the population's.
 *
 * Source: what kaldi-native-fbank 1.22 does with sherpa-onnx's options for NeMo's CTC models.
 */
export function sherpaFeatures(samples: Float32Array, bands: number): SherpaFeatures {
  const filters = melFilterbank({ sampleRate: 16000, fftSize: FFT, melBins: bands }).data
  const frames = Math.floor((samples.length + SHIFT / 2) / SHIFT)
  const data = new Float32Array(bands * frames)
  const frame = new Float64Array(WINDOW)
  for (let t = 0; t < frames; t++) {
    const start = t * SHIFT + SHIFT / 2 - WINDOW / 2
    const at = (k: number): number => samples[reflected(start + k, samples.length)]!
    for (let k = 0; k < WINDOW; k++) {
      const hann = 0.5 - 0.5 * Math.cos((2 * Math.PI * k) / WINDOW)
      frame[k] = (at(k) - PRE_EMPHASIS * at(Math.max(k - 1, 0))) * hann
    }
    const power = powerSpectrum(frame)
    for (let b = 0; b < bands; b++) {
      let energy = 0
      for (let k = 0; k < BINS; k++) energy += filters[b * BINS + k]! * power[k]!
      data[b * frames + t] = Math.log(Math.max(energy, FLOOR))
    }
  }
  for (let b = 0; b < bands; b++) normalize(data.subarray(b * frames, (b + 1) * frames))
  return { data, bands, frames }
}

/** Kaldi's reflection: -1 is 0, -2 is 1. */
function reflected(index: number, length: number): number {
  let at = index
  while (at < 0 || at >= length) at = at < 0 ? -at - 1 : 2 * length - 1 - at
  return at
}

const cosines = Float64Array.from({ length: FFT }, (_, i) => Math.cos((2 * Math.PI * i) / FFT))

/** By definition: few files need it, and no speed is claimed. */
function powerSpectrum(frame: Float64Array): Float64Array {
  return Float64Array.from({ length: BINS }, (_, k) => {
    let real = 0
    let imaginary = 0
    for (let n = 0; n < frame.length; n++) {
      const turn = (k * n) % FFT
      real += frame[n]! * cosines[turn]!
      imaginary += frame[n]! * cosines[(turn + (3 * FFT) / 4) % FFT]!
    }
    return real * real + imaginary * imaginary
  })
}

function normalize(row: Float32Array): void {
  const mean = row.reduce((sum, x) => sum + x, 0) / row.length
  const variance = row.reduce((sum, x) => sum + (x - mean) ** 2, 0) / row.length
  const deviation = Math.sqrt(variance) + 1e-5
  for (let t = 0; t < row.length; t++) row[t] = (row[t]! - mean) / deviation
}
