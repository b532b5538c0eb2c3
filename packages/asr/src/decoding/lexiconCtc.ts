/** Best words for a row of log-probabilities, and how probable their best alignment is. */
export interface LexiconHypothesis {
  readonly words: readonly string[]
  /** Natural logarithm of the probability of the best alignment; -Infinity if none fits into the frames. */
  readonly score: number
}

/** Log-probabilities of an utterance `[T, C]`. */
export interface FrameScores {
  readonly shape: readonly number[]
  readonly data: ArrayLike<number>
}

/** What a lexicon decoder is made from. */
export interface CtcLexiconOptions {
  /** Words that can be heard, spelled with the labels; none twice. */
  readonly words: readonly string[]
  /** The model's labels; the blank follows them. One of them is the space. */
  readonly labels: readonly string[]
}

interface State {
  /** Class that a frame in this state has. */
  readonly label: number
  /** States that a path may come from, itself excluded. */
  readonly from: readonly number[]
  /** Word that begins here, or -1. */
  readonly begins: number
}

/**
 * CTC decoding in which only known words can be heard: the most probable alignment of any sequence of these words, single
 * spaces between them (Viterbi search over the words' states in a loop; Graves et al. 2006 for the states of a word). It is
 * exact, and linear in frames and in the lexicon's letters. For a small vocabulary such as digits or commands it mends
 * what a greedy best path misspells.
 */
export class CtcLexiconDecoder {
  readonly #words: readonly string[]
  readonly #states: readonly State[]
  /** States in which an utterance may begin or end. */
  readonly #first: readonly number[]
  readonly #last: readonly number[]
  readonly #classes: number

  /** @throws RangeError for a word that is empty, twice there, or has a character that is no label. */
  constructor({ words, labels }: CtcLexiconOptions) {
    const space = labels.indexOf(' ')
    if (space < 0) throw new RangeError(`labels: a space is needed between words; found ${JSON.stringify(labels)}.`)
    if (words.length === 0) throw new RangeError('words: at least one is needed.')
    const twice = words.find((word, i) => words.indexOf(word) !== i)
    if (twice !== undefined) throw new RangeError(`words: '${twice}' is there twice.`)
    this.#words = words
    this.#classes = labels.length + 1
    const spellings = words.map((word) => spell(word, labels))
    const graph = wordLoop(spellings, space, labels.length)
    this.#states = graph.states
    this.#first = graph.first
    this.#last = graph.last
  }

  /**
   * The best words of an utterance.
   *
   * @param scores - Log-probabilities `[T, C]`, C being the labels and the blank.
   * @param length - Valid frames. Default: all.
   */
  decode({ shape, data }: FrameScores, length = shape[0]!): LexiconHypothesis {
    if (shape.length !== 2 || shape[1] !== this.#classes)
      throw new RangeError(`expected log-probabilities [T, ${this.#classes}], found [${shape.join(', ')}].`)
    const count = this.#states.length
    // Predecessor of each state at each frame; itself where a path stays.
    const cameFrom = new Int32Array(length * count).fill(-1)
    let scores = new Float64Array(count).fill(Number.NEGATIVE_INFINITY)
    for (let t = 0; t < length; t++) {
      const next = new Float64Array(count)
      for (let s = 0; s < count; s++) {
        const { label, from } = this.#states[s]!
        let best = t === 0 && this.#first.includes(s) ? 0 : scores[s]!
        let source = s
        for (const other of from) {
          if (scores[other]! > best) {
            best = scores[other]!
            source = other
          }
        }
        next[s] = best + data[t * this.#classes + label]!
        cameFrom[t * count + s] = source
      }
      scores = next
    }
    if (length === 0) return { words: [], score: 0 }
    const end = this.#last.reduce((best, s) => (scores[s]! > scores[best]! ? s : best))
    return { words: this.#wordsOf(cameFrom, end, length), score: scores[end]! }
  }

  #wordsOf(cameFrom: Int32Array, end: number, length: number): string[] {
    const words: string[] = []
    let state = end
    for (let t = length - 1; t >= 0; t--) {
      const source = t === 0 ? -1 : cameFrom[t * this.#states.length + state]!
      const { begins } = this.#states[state]!
      if (begins >= 0 && source !== state) words.push(this.#words[begins]!)
      if (source >= 0) state = source
    }
    return words.reverse()
  }
}

function spell(word: string, labels: readonly string[]): number[] {
  const ids = [...word].map((character) => labels.indexOf(character))
  const unknown = [...word].filter((_, i) => ids[i]! < 0)
  if (unknown.length > 0) throw new RangeError(`words: '${word}' has no label for ${JSON.stringify(unknown.join(''))}.`)
  if (word === '' || word.includes(' ')) throw new RangeError(`words: '${word}' is not one word.`)
  return ids
}

// States: a blank before everything; for each word its letters with blanks between; a blank after each word; a space and
// a blank after it, from which the next word begins.
function wordLoop(spellings: readonly (readonly number[])[], space: number, blank: number) {
  const states: { label: number; from: number[]; begins: number }[] = []
  const put = (label: number, from: number[], begins = -1) => states.push({ label, from, begins }) - 1
  const silence = put(blank, [])
  const gap = put(space, [])
  const behindGap = put(blank, [gap])
  const starts: number[] = []
  const ends: number[] = [silence]
  spellings.forEach((letters, word) => {
    let previous: number | undefined
    let between: number | undefined
    letters.forEach((label, i) => {
      const from = previous === undefined ? [silence, gap, behindGap] : [between!]
      if (previous !== undefined && letters[i - 1] !== label) from.push(previous)
      const at = put(label, from, i === 0 ? word : -1)
      if (i === 0) starts.push(at)
      previous = at
      between = put(blank, [at])
    })
    states[gap]!.from.push(previous!, between!)
    ends.push(previous!, between!)
  })
  return { states: states as readonly State[], first: [silence, ...starts], last: ends }
}
