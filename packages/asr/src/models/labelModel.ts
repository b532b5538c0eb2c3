import {
  type ConfigObject,
  ConfigValidationError,
  type DataLoader,
  type Dataset,
  isConfigObject,
  type MetricAccumulator,
  type NeuralModule,
  type TrainingStep,
  validateConfig,
} from '@nemo/core'
import type { Tensor } from '@nemo/graph'
import {
  type AudioToLabelConfig,
  audioToLabelConfigSchema,
  type LabelledAudio,
  type LabelledAudioInfo,
} from '../data/audioToLabelDataset.js'
import { sectionLoader } from '../data/sectionLoader.js'
import { LabelMetrics } from '../metrics/labelMetrics.js'
import { AudioEncoderModel } from './audioEncoderModel.js'

/** What a section of data is for. */
export type DataPurpose = 'train' | 'validation' | 'test'

/** What models that give audio a class have in common: labelled manifests, loss and accuracy. */
export abstract class LabelModel extends AudioEncoderModel {
  /** What the classes stand for. */
  abstract readonly labels: readonly string[]
  /** Takes logits `[B, C]` and labels `[B]`. */
  abstract readonly loss: NeuralModule
  /** What accuracies of evaluations are called before `top@k`: NeMo names them differently for each model. */
  protected abstract readonly accuracyPrefix: string
  #topK: readonly number[] = [1]

  /** The values of k for which accuracy among the k best classes is measured. Default: 1. */
  get topK(): readonly number[] {
    return this.#topK
  }

  set topK(values: number | readonly number[]) {
    this.#topK = typeof values === 'number' ? [values] : [...values]
  }

  /** Draws scores `[B, C]` of the classes. */
  protected abstract logitsOf(audioSignal: Tensor, aSigLength: Tensor): Tensor

  #step({ audioSignal, aSigLength, label }: Readonly<Record<string, Tensor>>): { loss: Tensor; logits: Tensor } {
    const logits = this.logitsOf(audioSignal!, aSigLength!)
    const { loss } = this.within('loss', () => this.loss.forward({ logits, labels: label })) as { loss: Tensor }
    return { loss, logits }
  }

  trainingStep(batch: Readonly<Record<string, Tensor>>): TrainingStep {
    const { loss, logits } = this.#step(batch)
    return { loss, outputs: { logits } }
  }

  validationStep(batch: Readonly<Record<string, Tensor>>): Readonly<Record<string, Tensor>> {
    return this.#step(batch)
  }

  validationMetrics(): MetricAccumulator {
    return new LabelMetrics(this, { topK: this.topK, prefix: this.accuracyPrefix })
  }

  override trainingMetrics(): MetricAccumulator {
    return new LabelMetrics(this, { topK: this.topK, prefix: 'accuracy_' })
  }

  /** Opens the data set of a section. */
  protected abstract openDataset(
    settings: AudioToLabelConfig,
    purpose: DataPurpose,
  ): Promise<Dataset<LabelledAudio, LabelledAudioInfo>>

  async createDataLoader(config: ConfigObject, purpose: DataPurpose): Promise<DataLoader> {
    const source = `${purpose}_ds`
    const settings = validateConfig(audioToLabelConfigSchema, { sample_rate: this.sampleRate, ...config }, { source })
    if (settings.sample_rate !== this.sampleRate) {
      const message = `expected the model's sample rate, ${this.sampleRate} Hz, found ${settings.sample_rate}; audio of any rate is resampled`
      throw new ConfigValidationError([{ keyPath: 'sample_rate', message }], source)
    }
    const shuffle = settings.shuffle ?? purpose === 'train'
    return sectionLoader(settings, { shuffle, source }, (own) => this.openDataset(own, purpose))
  }
}

/**
 * The labels that a config gives at a key; numbers become text.
 *
 * @throws ConfigValidationError unless they are a list, each once.
 */
export function labelNames(labels: unknown, keyPath: string, source: string): readonly string[] {
  const problem = (message: string) => new ConfigValidationError([{ keyPath, message }], source)
  const isLabel = (label: unknown) => typeof label === 'string' || typeof label === 'number'
  if (!Array.isArray(labels) || labels.length === 0 || !labels.every(isLabel)) {
    const found = labels === undefined ? 'no such key' : JSON.stringify(labels)
    throw problem(`expected a list of labels, found ${found}`)
  }
  const names = labels.map(String)
  const repeated = names.find((label, id) => names.indexOf(label) !== id)
  if (repeated !== undefined) throw problem(`expected each label once, found ${JSON.stringify(repeated)} twice`)
  return names
}

/** The labels of data sections, where they have some, replaced. */
export function sectionsWithLabels(cfg: ConfigObject, labels: readonly string[]): ConfigObject {
  const sections = ['train_ds', 'validation_ds', 'test_ds'].filter((key) => isConfigObject(cfg[key]))
  return Object.fromEntries(sections.map((key) => [key, { labels: [...labels] }]))
}
