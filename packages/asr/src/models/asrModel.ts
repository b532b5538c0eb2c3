import {
  type ConfigObject,
  ConfigValidationError,
  type DataLoader,
  type Dataset,
  defaultRuntime,
  int64Vector,
  padRows,
  validateConfig,
} from '@nemo/core'
import { compile, input, type Program, type Tensor } from '@nemo/graph'
import { AudioToBPEDataset } from '../data/audioToBPEDataset.js'
import { AudioToCharDataset } from '../data/audioToCharDataset.js'
import {
  type AudioToCharConfig,
  type AudioToTextDataset,
  audioToCharConfigSchema,
  type FrameCount,
  SHORTEST_SIGNAL,
  type UtteranceInfo,
} from '../data/audioToTextDataset.js'
import { CachedFeaturesDataset } from '../data/cachedFeaturesDataset.js'
import type { Features } from '../data/featureCache.js'
import { sectionLoader } from '../data/sectionLoader.js'
import { AudioToMelSpectrogramPreprocessor } from '../modules/audioToMelSpectrogramPreprocessor.js'
import { SubwordVocabulary } from '../tokenizer/subwordVocabulary.js'
import { FrozenProgram } from '../transcription/frozenProgram.js'
import { AudioEncoderModel } from './audioEncoderModel.js'
import { type LabelVocabulary, type OpenedVocabulary, type OpenVocabulary, sameLabels } from './labelVocabulary.js'

/**
 * What recognisers have in common: manifests of speech and text to read, label ids to write as text.
 *
 * Source: NeMo v1.0.0 `ASRModel`.
 */
export abstract class ASRModel extends AudioEncoderModel {
  #frames: Promise<Program<'frames'>> | undefined
  #frameSeconds: Promise<number> | undefined

  #vocabulary: LabelVocabulary

  /**
   * @param sections - Sections of the config that the subclass knows besides the common ones.
   * @throws ConfigError for unknown or missing keys and values that cannot be, naming key and value.
   */
  constructor(cfg: ConfigObject, sections: readonly string[], open: OpenVocabulary) {
    super(cfg, sections)
    const opened = open(cfg, this.artifacts)
    this.#vocabulary = opened.vocabulary
    this.#keep(opened)
  }

  /** What the classes stand for. */
  get vocabulary(): LabelVocabulary {
    return this.#vocabulary
  }

  /** Names of the classes; the blank comes after them. */
  get labels(): readonly string[] {
    return this.#vocabulary.labels
  }

  /** Index of the blank: the last class. */
  get blank(): number {
    return this.labels.length
  }

  /** Text of label ids. */
  idsToText(ids: readonly number[]): string {
    return this.#vocabulary.idsToText(ids)
  }

  /**
   * A label's part of a text: joined pieces are the text, perhaps with a space before it. A piece that begins a word begins
   * with a space, so that words and their times can be found.
   */
  pieceOf(id: number): string {
    return this.#vocabulary.pieceOf(id)
  }

  /** Takes another vocabulary; the subclass then replaces what depends on it. */
  protected takeVocabulary(opened: OpenedVocabulary): void {
    const kept = new Set(opened.artifacts.keys())
    if (this.#vocabulary instanceof SubwordVocabulary)
      for (const name of Object.values(this.section('tokenizer')))
        if (typeof name === 'string' && name.startsWith('nemo:') && !kept.has(name.slice(5)))
          this.dropArtifact(name.slice(5))
    this.#vocabulary = opened.vocabulary
    this.#keep(opened)
  }

  #keep({ config, artifacts }: OpenedVocabulary): void {
    this.changeConfig(config)
    for (const [name, contents] of artifacts) this.registerArtifact(name, contents)
  }

  /** Frames that the encoder makes of so many samples, where a transcript needs at least some number of them. */
  protected framesNeeded(): FrameCount | undefined {
    return undefined
  }

  /** Opens the data set of a section. */
  protected openDataset(
    settings: AudioToCharConfig,
    purpose: 'train' | 'validation' | 'test',
  ): Promise<Dataset<unknown, UtteranceInfo>> {
    const frames = purpose === 'train' ? this.framesNeeded() : undefined
    if (this.#vocabulary instanceof SubwordVocabulary) return AudioToBPEDataset.open(settings, this.#vocabulary, frames)
    sameLabels(this.labels, settings.labels, `${purpose}_ds`)
    return AudioToCharDataset.open(settings, this.labels, frames)
  }

  async createDataLoader(config: ConfigObject, purpose: 'train' | 'validation' | 'test'): Promise<DataLoader> {
    const source = `${purpose}_ds`
    const settings = validateConfig(audioToCharConfigSchema, { sample_rate: this.sampleRate, ...config }, { source })
    if (settings.sample_rate !== this.sampleRate) {
      const message = `expected the model's sample rate, ${this.sampleRate} Hz, found ${settings.sample_rate}; audio of any rate is resampled`
      throw new ConfigValidationError([{ keyPath: 'sample_rate', message }], source)
    }
    const { shuffle } = settings
    return sectionLoader(settings, { shuffle, source }, async (own) => {
      const dataset = await this.openDataset(own, purpose)
      return own.feature_cache_dir === null ? dataset : this.#cached(dataset as AudioToTextDataset, own, source)
    })
  }

  #cached(dataset: AudioToTextDataset, settings: AudioToCharConfig, source: string): CachedFeaturesDataset {
    const contradiction = (message: string) =>
      new ConfigValidationError([{ keyPath: 'feature_cache_dir', message }], source)
    if (settings.is_tarred) throw contradiction('expected null with is_tarred, found a folder')
    if (settings.augmentor !== null)
      throw contradiction('expected null with an augmentor, which changes waveforms, found a folder')
    const { preprocessor } = this
    const featurizer = preprocessor instanceof AudioToMelSpectrogramPreprocessor ? preprocessor.featurizer : undefined
    // Of the preprocessor alone: the network's weights change while it is trained.
    const frozen = new FrozenProgram(
      preprocessor,
      () => {
        const [inputSignal, length] = [input('input_signal', 'float32', ['B', 'T']), input('length', 'int64', ['B'])]
        return preprocessor.forward({ inputSignal, length } as never) as Record<
          'processedSignal' | 'processedLength',
          Tensor
        >
      },
      'preprocessor.',
    )
    let turn: Promise<unknown> = Promise.resolve()
    const make = (samples: Float32Array): Promise<Features> => {
      const made = turn.then(async () => {
        const program = await frozen.get(defaultRuntime())
        const feeds = {
          input_signal: padRows([samples], 'float32', 0, SHORTEST_SIGNAL),
          length: int64Vector([samples.length]),
        }
        const { processedSignal, processedLength } = await program.run(feeds)
        const [, size, padded] = processedSignal!.shape as readonly [number, number, number]
        const frames = Number(processedLength!.data[0])
        const data = new Float32Array(size * frames)
        for (let d = 0; d < size; d++)
          data.set((processedSignal!.data as Float32Array).subarray(d * padded, d * padded + frames), d * frames)
        return { size, frames, data }
      })
      turn = made.catch(() => undefined)
      return made
    }
    const padTo = typeof featurizer?.padTo === 'number' ? featurizer.padTo : 0
    const dir = settings.feature_cache_dir!
    return new CachedFeaturesDataset(dataset, { dir, preprocessor: this.section('preprocessor'), padTo }, make)
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
