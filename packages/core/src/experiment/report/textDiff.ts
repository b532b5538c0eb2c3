/** How a unit of the reference and one of the hypothesis belong together. */
export interface AlignedUnit {
  readonly kind: 'equal' | 'substitution' | 'deletion' | 'insertion'
  /** `undefined` for an insertion. */
  readonly reference: string | undefined
  /** `undefined` for a deletion. */
  readonly hypothesis: string | undefined
}

const MAX_CELLS = 4_000_000

/**
 * Aligns two texts unit by unit with the fewest insertions, deletions and substitutions (Levenshtein).
 *
 * @param unit - `word` splits at white space, `character` at code points.
 * @returns In order. Texts too long to align (more than 2,000 units each) give one substitution of everything.
 */
export function alignTexts(reference: string, hypothesis: string, unit: 'word' | 'character'): AlignedUnit[] {
  const split = (text: string): string[] =>
    unit === 'word' ? text.split(/\s+/).filter((word) => word !== '') : Array.from(text)
  const a = split(reference)
  const b = split(hypothesis)
  const columns = b.length + 1
  if ((a.length + 1) * columns > MAX_CELLS) return [{ kind: 'substitution', reference, hypothesis }]
  const cost = new Uint32Array((a.length + 1) * columns)
  for (let i = 0; i <= a.length; i += 1) {
    for (let j = 0; j <= b.length; j += 1) {
      const at = i * columns + j
      if (i === 0 || j === 0) cost[at] = i + j
      else {
        const replace = cost[at - columns - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
        cost[at] = Math.min(replace, cost[at - columns]! + 1, cost[at - 1]! + 1)
      }
    }
  }
  const aligned: AlignedUnit[] = []
  let i = a.length
  let j = b.length
  while (i > 0 || j > 0) {
    const at = i * columns + j
    const same = i > 0 && j > 0 && a[i - 1] === b[j - 1]
    if (i > 0 && j > 0 && cost[at] === cost[at - columns - 1]! + (same ? 0 : 1)) {
      aligned.push({ kind: same ? 'equal' : 'substitution', reference: a[i - 1], hypothesis: b[j - 1] })
      i -= 1
      j -= 1
    } else if (i > 0 && cost[at] === cost[at - columns]! + 1) {
      aligned.push({ kind: 'deletion', reference: a[i - 1], hypothesis: undefined })
      i -= 1
    } else {
      aligned.push({ kind: 'insertion', reference: undefined, hypothesis: b[j - 1] })
      j -= 1
    }
  }
  return aligned.reverse()
}
