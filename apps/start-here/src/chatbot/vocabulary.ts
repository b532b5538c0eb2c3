/** Ids of the marks that every vocabulary begins with. */
export const PAD = 0
export const SOS = 1
export const EOS = 2
const MARKS = ['PAD', 'SOS', 'EOS'] as const

/** Lower case, no accents, punctuation apart: what the chatbot reads and says. */
export function normalizeSentence(text: string): string {
  return text
    .toLowerCase()
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .replace(/([.!?])/g, ' $1')
    .replace(/[^a-z0-9.!?']+/g, ' ')
    .trim()
}

/** Words with their ids. Source: NeMo v0.9.0 `Voc`. */
export class Vocabulary {
  readonly words: readonly string[]
  readonly #ids: ReadonlyMap<string, number>

  /** @param sentences - Normalised; every word of theirs gets an id, in order of appearance. */
  constructor(sentences: readonly string[]) {
    const found = new Set(sentences.flatMap((sentence) => sentence.split(' ')))
    this.words = [...MARKS, ...found]
    this.#ids = new Map(this.words.map((word, id) => [word, id]))
  }

  get size(): number {
    return this.words.length
  }

  /** Ids of a sentence's known words, closed by `EOS`. */
  encode(sentence: string): number[] {
    const ids = sentence.split(' ').map((word) => this.#ids.get(word))
    return [...ids.filter((id) => id !== undefined), EOS]
  }

  /** Words up to `EOS`. */
  decode(ids: readonly number[]): string {
    const end = ids.indexOf(EOS)
    const said = end < 0 ? ids : ids.slice(0, end)
    return said
      .filter((id) => id >= MARKS.length)
      .map((id) => this.words[id]!)
      .join(' ')
  }
}
