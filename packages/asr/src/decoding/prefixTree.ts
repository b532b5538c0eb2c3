import type { WordRange } from './wordPrefixes.js'

const NOTHING = Number.NEGATIVE_INFINITY

/** A sequence of labels in a search, as a node of the tree of all that are in it. */
export class PrefixNode<State> {
  /** ln P of alignments that end with a blank, and with the last label, up to the present frame. */
  ended = NOTHING
  open = NOTHING
  /** The same with the frame that is being read. */
  nextEnded = NOTHING
  nextOpen = NOTHING
  /** Frame that `next...` belong to. */
  touched = -1
  /** Score by which prefixes are kept. */
  rank = NOTHING
  /** Whether it is in the beam. */
  live = false
  /** Frame in which the label is most probably first heard, and ln P of that. */
  frame = -1
  frameScore = NOTHING
  children: Map<number, PrefixNode<State>> | undefined

  /**
   * @param words - Score of what is complete: words and hot words, or tokens.
   * @param pending - Score of the word that is being spelt, which goes when it is complete.
   * @param state - History of the language model.
   * @param word - The word that is being spelt.
   * @param range - Known words that begin so.
   */
  constructor(
    readonly parent: PrefixNode<State> | undefined,
    readonly label: number,
    readonly words: number,
    readonly pending: number,
    readonly state: State | undefined,
    readonly word: string,
    readonly range: WordRange | undefined,
  ) {}

  /** Takes it, and what hangs on it alone, out of the tree. */
  unlink(): void {
    let node: PrefixNode<State> = this
    while (!node.live && node.parent && (node.children === undefined || node.children.size === 0)) {
      node.parent.children?.delete(node.label)
      node = node.parent
    }
  }

  /** Nodes from the first label to this one. */
  path(): PrefixNode<State>[] {
    const path: PrefixNode<State>[] = []
    for (let node: PrefixNode<State> = this; node.parent; node = node.parent) path.push(node)
    return path.reverse()
  }
}
