import { type ConfigObject, ConfigValidationError } from '@nemo/core'

/** What the classes of a recogniser stand for: characters, or the sub-words of a tokenizer. */
export interface LabelVocabulary {
  /** Names of the classes; the blank comes after them. */
  readonly labels: readonly string[]
  /** Classes as decoders of other programs spell them: with U+2581 for spaces. */
  readonly symbols: readonly string[]
  idsToText(ids: readonly number[]): string
  /** A class's part of a text: begins with a space where a word begins. */
  pieceOf(id: number): string
}

/** Characters, one a class. */
export class CharacterVocabulary implements LabelVocabulary {
  constructor(readonly labels: readonly string[]) {}

  get symbols(): readonly string[] {
    return this.labels.map((label) => (label === ' ' ? '\u2581' : label))
  }

  idsToText(ids: readonly number[]): string {
    return ids.map((id) => this.labels[id]!).join('')
  }

  pieceOf(id: number): string {
    return this.labels[id]!
  }
}

/** A vocabulary, and what of it is kept with the model. */
export interface OpenedVocabulary {
  readonly vocabulary: LabelVocabulary
  /** Changes of the model's config that say it. */
  readonly config: ConfigObject
  /** Files for `.nemo` archives. */
  readonly artifacts: ReadonlyMap<string, Uint8Array>
}

/** Opens a model's vocabulary. `archive` has the files of the `.nemo` that it is restored from. */
export type OpenVocabulary = (cfg: ConfigObject, archive: ReadonlyMap<string, Uint8Array>) => OpenedVocabulary

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
