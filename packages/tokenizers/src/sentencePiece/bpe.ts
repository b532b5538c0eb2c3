import { Heap } from './heap.js'
import { characterLength } from './normalizer.js'
import type { Segment, Vocabulary } from './vocabulary.js'

/** A part of the text; linked, so that merging two is cheap. */
interface Symbol {
  /** Empty once merged into the one before. */
  text: string
  previous: number
  next: number
  /** User-defined: merges with nothing. */
  readonly frozen: boolean
}

interface Merge {
  readonly left: number
  readonly right: number
  readonly score: number
  readonly length: number
}

/**
 * Byte-pair encoding: starts from characters and joins, over and over, the two neighbours whose union has the highest
 * score; the leftmost of equals.
 */
export function encodeBpe(text: string, vocabulary: Vocabulary): Segment[] {
  const symbols: Symbol[] = []
  for (let at = 0; at < text.length; ) {
    const userDefined = vocabulary.userDefined.longestMatch(text, at)
    const length = userDefined || characterLength(text, at)
    const index = symbols.length
    const next = at + length < text.length ? index + 1 : -1
    symbols.push({ text: text.slice(at, at + length), previous: index - 1, next, frozen: userDefined > 0 })
    at += length
  }

  const agenda = new Heap(precedes)
  // How pieces came about that must not be used in the end.
  const partsOfUnused = new Map<string, readonly [string, string]>()
  const propose = (left: number, right: number): void => {
    const [a, b] = [symbols[left], symbols[right]]
    if (!a || !b || a.frozen || b.frozen) return
    const joined = a.text + b.text
    const id = vocabulary.textPieces.get(joined)
    if (id === undefined) return
    const { score, type } = vocabulary.pieces[id]!
    agenda.push({ left, right, score, length: joined.length })
    if (type === 'unused') partsOfUnused.set(joined, [a.text, b.text])
  }
  for (let i = 1; i < symbols.length; i++) propose(i - 1, i)
  for (let merge = agenda.pop(); merge; merge = agenda.pop()) {
    const [left, right] = [symbols[merge.left]!, symbols[merge.right]!]
    // A merge on the way may have taken one of the two.
    if (left.text === '' || right.text === '' || left.text.length + right.text.length !== merge.length) continue
    left.text += right.text
    right.text = ''
    left.next = right.next
    if (right.next >= 0) symbols[right.next]!.previous = merge.left
    propose(left.previous, merge.left)
    propose(merge.left, left.next)
  }

  const segments: Segment[] = []
  const emit = (piece: string): void => {
    const id = vocabulary.idOf(piece)
    const parts = vocabulary.pieces[id]!.type === 'unused' ? partsOfUnused.get(piece) : undefined
    if (parts) parts.forEach(emit)
    else segments.push({ text: piece, id })
  }
  for (let i = symbols.length > 0 ? 0 : -1; i >= 0; i = symbols[i]!.next) emit(symbols[i]!.text)
  return segments
}

const precedes = (a: Merge, b: Merge): boolean => a.score > b.score || (a.score === b.score && a.left < b.left)
