import {
  type ConfigObject,
  ConfigValidationError,
  DataLoader,
  type Dataset,
  defaultRuntime,
  validateConfig,
} from '@nemo/core'
import { compile, input, type Program } from '@nemo/graph'
import { type AudioToCharConfig, audioToCharConfigSchema, type UtteranceInfo } from '../data/audioToCharDataset.js'
import { AudioEncoderModel } from './audioEncoderModel.js'

/**
 * What recognisers have in common: manifests of speech and text to read, label ids to write as text.
 *
 * Source: NeMo v1.0.0 `ASRModel`.
 */
export abstract class ASRModel extends AudioEncoderModel {
  #frames: Promise<Program<'frames'>> | undefined
  #frameSeconds: Promise<number> | undefined

  /** Text of label ids. */
  abstract idsToText(ids: readonly number[]): string

  /**
   * A label's part of a text: joined pieces are the text, perhaps with a space before it. A piece that begins a word begins
   * with a space, so that words and their times can be found.
   */
  pieceOf(id: number): string {
    return this.idsToText([id])
  }

  /** Opens the data set of a section. */
  protected abstract openDataset(
    settings: AudioToCharConfig,
    purpose: 'train' | 'validation' | 'test',
  ): Promise<Dataset<unknown, UtteranceInfo>>

  async createDataLoader(config: ConfigObject, purpose: 'train' | 'validation' | 'test'): Promise<DataLoader> {
    const source = `${purpose}_ds`
    const settings = validateConfig(audioToCharConfigSchema, { sample_rate: this.sampleRate, ...config }, { source })
    if (settings.sample_rate !== this.sampleRate) {
      const message = `expected the model's sample rate, ${this.sampleRate} Hz, found ${settings.sample_rate}; audio of any rate is resampled`
      throw new ConfigValidationError([{ keyPath: 'sample_rate', message }], source)
    }
    return new DataLoader(await this.openDataset(settings, purpose), {
      batch_size: settings.batch_size,
      shuffle: settings.shuffle,
      drop_last: settings.drop_last,
      bucketing: settings.bucketing,
      num_workers: settings.num_workers,
      seed: settings.seed,
    })
  }

  /** Seconds from one frame of the encoder to the next. */
  frameSeconds(): Promise<number> {
    this.#frameSeconds ??= this.#measureFrame()
    return this.#frameSeconds
  }

  async #measureFrame(): Promise<number> {
    const config = this.section('preprocessor')
    const hop = Number(config.n_window_stride ?? Math.trunc(Number(config.window_stride || 0.01) * this.sampleRate))
    // So many hops are a whole number of frames for any subsampling by small factors.
    const samples = hop * 2 ** 8 * 3 ** 2 * 5 * 7
    const [one, two] = [await this.encodedFrames(samples), await this.encodedFrames(2 * samples)]
    return samples / (two - one) / this.sampleRate
  }

  /** Frames that the encoder makes of an utterance of so many samples. */
  async encodedFrames(samples: number): Promise<number> {
    // Only the arithmetic on lengths is compiled; nothing of the network is in the program.
    this.#frames ??= this.withMode(false, () => {
      const inputSignal = input('input_signal', 'float32', ['B', 'T'])
      const inputSignalLength = input('length', 'int64', ['B'])
      const { encodedLengths } = this.encode({ inputSignal, inputSignalLength } as never)
      return compile({ frames: encodedLengths }, { runtime: defaultRuntime() })
    })
    const { frames } = await (await this.#frames).run({ length: [samples] })
    return Number(frames.data[0])
  }
}

/**
 * The labels that a config gives at a key.
 *
 * @throws ConfigValidationError unless they are a list of texts, each once.
 */
export function validLabels(labels: unknown, keyPath: string, source: string): readonly string[] {
  if (!Array.isArray(labels) || labels.length === 0 || labels.some((label) => typeof label !== 'string')) {
    const message = `expected a list of characters, found ${labels === undefined ? 'no such key' : JSON.stringify(labels)}`
    throw new ConfigValidationError([{ keyPath, message }], source)
  }
  const repeated = labels.find((label, id) => labels.indexOf(label) !== id)
  if (repeated !== undefined) {
    const message = `expected each label once, found ${JSON.stringify(repeated)} twice`
    throw new ConfigValidationError([{ keyPath, message }], source)
  }
  return labels as string[]
}

/** Refuses a data section whose labels are not the model's. @throws ConfigValidationError */
export function sameLabels(own: readonly string[], given: readonly string[] | undefined, source: string): void {
  if (given === undefined || (given.length === own.length && given.every((label, id) => label === own[id]))) return
  const message = `expected the model's labels ${JSON.stringify(own)}, found ${JSON.stringify(given)}; leave the key out`
  throw new ConfigValidationError([{ keyPath: 'labels', message }], source)
}
