import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { encodeWav, RandomGenerator } from '@nemo/audio'
import { type CorpusFile, sha256 } from './corpusFolder.js'
import { type DigitUtterance, makeDigitUtterance, speakBabble } from './digitUtterance.js'
import { Espeak } from './espeak.js'
import type { CorpusSplit, SpokenDigitsChunk, SpokenDigitsParameters } from './spokenDigits.js'
import {
  foreignDigits,
  heldOutAccent,
  heldOutVariants,
  type InventedSpeaker,
  introduceSpeakers,
  inventSpeaker,
  trainingAccents,
  trainingVariants,
  type Voice,
} from './voices.js'

/** One line of a manifest, with NeMo's keys. */
export interface ManifestLine {
  audio_filepath: string
  /** In seconds. */
  duration: number
  text: string
  speaker: string
}

/** What a worker answers for a chunk. */
export interface ChunkResult {
  files: CorpusFile[]
  lines: ManifestLine[]
}

/** Second keys of the random streams: what is drawn for one purpose never shifts another. */
const streams = { train: 1, dev: 2, test: 3, speaker: 4, babble: 5 } as const

/** Makes chunks of a spoken-digits corpus, in a worker thread or in the calling one. */
export class SpokenDigitsMaker {
  readonly #dir: string
  readonly #parameters: SpokenDigitsParameters
  readonly #espeak: Espeak
  readonly #invented: readonly InventedSpeaker[]
  readonly #babble: readonly Float32Array[]

  private constructor(dir: string, parameters: SpokenDigitsParameters, espeak: Espeak) {
    this.#dir = dir
    this.#parameters = parameters
    this.#espeak = espeak
    this.#invented = Array.from({ length: parameters.invented_speakers }, (_, at) =>
      inventSpeaker(`invented-${at}`, new RandomGenerator(parameters.seed, streams.speaker, at)),
    )
    introduceSpeakers(espeak, this.#invented)
    const random = new RandomGenerator(parameters.seed, streams.babble)
    const talkers = Array.from({ length: 6 }, (_, at) => {
      const sex = at % 2 === 0 ? ('female' as const) : ('male' as const)
      return voiceOf(random.choice(trainingAccents), random.choice(trainingVariants[sex]), sex)
    })
    this.#babble = speakBabble(espeak, talkers, parameters.acoustics.sample_rate)
  }

  /** @param dir - The corpus folder; `wavs/train`, `wavs/dev` and `wavs/test` must exist. */
  static async create(dir: string, parameters: SpokenDigitsParameters): Promise<SpokenDigitsMaker> {
    return new SpokenDigitsMaker(dir, parameters, await Espeak.load())
  }

  /** Makes the utterances of a chunk and writes their WAV files. */
  async makeChunk({ split, from, to }: SpokenDigitsChunk): Promise<ChunkResult> {
    const { sample_rate: sampleRate } = this.#parameters.acoustics
    const result: ChunkResult = { files: [], lines: [] }
    for (let index = from; index < to; index++) {
      const { samples, text, voice } = this.#make(split, index)
      const bytes = encodeWav({ sampleRate, channels: [samples] })
      const path = `wavs/${split}/${String(index).padStart(6, '0')}.wav`
      await writeFile(join(this.#dir, path), bytes)
      result.files.push({ path, bytes: bytes.length, sha256: sha256(bytes) })
      result.lines.push({
        audio_filepath: path,
        duration: Number((samples.length / sampleRate).toFixed(4)),
        text,
        speaker: voice.speaker,
      })
    }
    return result
  }

  #make(split: CorpusSplit, index: number): DigitUtterance {
    const { seed, digits, single_share, acoustics } = this.#parameters
    const random = new RandomGenerator(seed, streams[split], index)
    const voice = split === 'train' ? this.#drawTrainingVoice(random) : drawHeldOutVoice(split, random)
    const length = random.random() < single_share ? 1 : random.integer(...digits)
    const text = Array.from({ length }, () => random.integer(0, 9))
    return makeDigitUtterance(this.#espeak, voice, text, acoustics, this.#babble, random)
  }

  #drawTrainingVoice(random: RandomGenerator): Voice {
    const { invented_share, foreign_share } = this.#parameters
    const sex = random.choice(['female', 'male'] as const)
    const accent =
      random.random() < foreign_share ? random.choice(Object.keys(foreignDigits)) : random.choice(trainingAccents)
    const invented = this.#invented.filter((speaker) => speaker.sex === sex)
    return invented.length > 0 && random.random() < invented_share
      ? voiceOf(accent, random.choice(invented).name, sex)
      : voiceOf(accent, random.choice(trainingVariants[sex]), sex)
  }
}

function drawHeldOutVoice(split: 'dev' | 'test', random: RandomGenerator): Voice {
  const sex = random.choice(['female', 'male'] as const)
  const accent = random.random() < 0.5 ? heldOutAccent : random.choice(trainingAccents)
  return voiceOf(accent, random.choice<string>(heldOutVariants[split][sex]), sex)
}

function voiceOf(accent: string, variant: string, sex: 'female' | 'male'): Voice {
  return { speaker: `${accent}+${variant}`, accent, variant, sex }
}
