import { z } from 'zod'
import type { AudioSegment } from '../audioSegment.js'
import { decodeALaw, decodeMuLaw } from '../g711.js'
import type { RandomGenerator } from '../randomGenerator.js'
import { resample } from '../resample.js'
import { type Perturbation, parsePerturbationConfig } from './perturbation.js'

const codecNames = ['g711', 'g711-mulaw', 'adpcm'] as const

const transcodeConfig = z.strictObject({
  /** Codecs of which one is drawn. */
  codecs: z.array(z.enum(codecNames)).min(1).default(['g711', 'adpcm']),
})

/** Options of {@link TranscodePerturbation}. */
export type TranscodeConfig = z.input<typeof transcodeConfig>

/** A telephone codec: G.711 A-law, G.711 mu-law, or 4-bit ADPCM. */
export type TelephoneCodec = (typeof codecNames)[number]

/** What telephones transmit, in Hz. */
const TELEPHONE_RATE = 8000
/** The loudest sample before coding, of full scale, as in NeMo. */
const PEAK = 0.8

/**
 * The audio as it sounds after a telephone line: 8 kHz, coded and decoded, at its own rate and level again.
 *
 * Source: NeMo v1.0.0 TranscodePerturbation, which runs sox with A-law and AMR. For AMR, which has no free encoder, stands IMA
 * ADPCM here: it too codes differences from a prediction in few bits. NeMo leaves the audio at a peak of 0.8.
 */
export function transcodeAudio(segment: AudioSegment, codec: TelephoneCodec): AudioSegment {
  const peak = segment.samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0)
  if (peak === 0) return segment
  const scale = (PEAK * 0x7fff) / peak
  const narrow = resample(segment.samples, segment.sampleRate, TELEPHONE_RATE)
  const coded = codecs[codec](narrow.map((sample) => Math.round(Math.min(0x7fff, Math.max(-0x8000, sample * scale)))))
  const wide = resample(coded, TELEPHONE_RATE, segment.sampleRate)
  return segment.withSamples(wide.subarray(0, segment.numSamples).map((sample) => sample / scale))
}

/** 16-bit samples after coding and decoding. */
type Codec = (samples: Float32Array) => Float32Array

const codecs: Readonly<Record<TelephoneCodec, Codec>> = {
  g711: companded(decodeALaw),
  'g711-mulaw': companded(decodeMuLaw),
  adpcm,
}

/** Coding by companding is choosing the nearest of 256 levels. */
function companded(decode: (code: number) => number): Codec {
  const levels = Float32Array.from({ length: 256 }, (_, code) => decode(code)).sort()
  return (samples) =>
    samples.map((sample) => {
      let [low, high] = [0, levels.length - 1]
      while (high - low > 1) {
        const middle = (low + high) >> 1
        if (levels[middle]! <= sample) low = middle
        else high = middle
      }
      return sample - levels[low]! <= levels[high]! - sample ? levels[low]! : levels[high]!
    })
}

const STEP_COUNT = 89
const stepChanges = [-1, -1, -1, -1, 2, 4, 6, 8]

/** Source: IMA Digital Audio Focus and Technical Working Groups, recommended practices 3.00: steps grow by a tenth. */
function adpcm(samples: Float32Array): Float32Array {
  let [predicted, index] = [0, 0]
  return samples.map((sample) => {
    const step = Math.floor(7 * 1.1 ** index)
    const difference = sample - predicted
    const code = Math.min(7, Math.floor((4 * Math.abs(difference)) / step))
    const change = ((2 * code + 1) * step) / 8
    predicted = Math.min(0x7fff, Math.max(-0x8000, Math.round(predicted + Math.sign(difference) * change)))
    index = Math.min(STEP_COUNT - 1, Math.max(0, index + stepChanges[code]!))
    return predicted
  })
}

/** Transcodes with a random codec; see {@link transcodeAudio}. */
export class TranscodePerturbation implements Perturbation {
  readonly #codecs: readonly TelephoneCodec[]

  /** @throws AudioArgumentError for a wrong configuration. */
  constructor(config: TranscodeConfig = {}) {
    this.#codecs = parsePerturbationConfig('transcode_aug', transcodeConfig, config).codecs
  }

  maxAugmentationLength(length: number): number {
    return length
  }

  perturb(segment: AudioSegment, random: RandomGenerator): AudioSegment {
    return transcodeAudio(segment, random.choice(this.#codecs))
  }
}
