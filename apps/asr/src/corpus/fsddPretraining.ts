import {
  makeSpokenDigits,
  type SpokenDigitsCorpus,
  type SpokenDigitsOptions,
  type SpokenDigitsOverrides,
} from './spokenDigits.js'

/**
 * What differs from `spokenDigitsDefaults` when synthesised voices prepare a recogniser for the real people of FSDD: speech as
 * sampled at 8 kHz, digits mostly one at a time and trimmed so closely that fricatives go, 400 invented speakers, and in two fifths of the
 * utterances English read by the sounds of another language, since most of FSDD's speakers are no native ones.
 */
export const fsddPretrainingParameters = {
  utterances: { train: 3000, dev: 200, test: 200 },
  digits: [1, 6],
  single_share: 0.4,
  invented_speakers: 400,
  invented_share: 0.75,
  foreign_share: 0.4,
  acoustics: {
    bandwidth_hz: 4000,
    rate_wpm: [105, 240],
    isolated: 0.7,
    trim_db: [10, 45],
    clean: 0.25,
    snr_db: [5, 35],
    echo: 0.25,
    telephone: 0.3,
    padding_seconds: [0, 0.08],
    level_db: [-34, -12],
  },
} as const satisfies SpokenDigitsOverrides

/**
 * Makes the corpus of synthesised voices for pretraining before FSDD, or reuses it. Options, result, errors, determinism and
 * speed are those of `makeSpokenDigits`; `parameters` differ from `fsddPretrainingParameters` as given.
 */
export async function makeFsddPretraining(options: SpokenDigitsOptions): Promise<SpokenDigitsCorpus> {
  const { parameters = {} } = options
  return makeSpokenDigits({
    ...options,
    parameters: {
      ...fsddPretrainingParameters,
      ...parameters,
      utterances: { ...fsddPretrainingParameters.utterances, ...parameters.utterances },
      acoustics: { ...fsddPretrainingParameters.acoustics, ...parameters.acoustics },
    },
  })
}
