/**
 * Number of single-character insertions, deletions, substitutions and swaps of neighbours between two strings
 * (optimal string alignment distance).
 */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1
      let best = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + cost)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, beforeLast[j - 2]! + 1)
      row.push(best)
    }
    beforeLast = last
    last = row
  }
  return last[b.length]!
}

/**
 * The known names that a mistyped one most likely meant, best first.
 *
 * @param name - What was written.
 * @param known - All legal names.
 * @param options.limit - At most this many. Default 1.
 * @param options.cutoff - Largest accepted distance as a share of the longer name. Default 0.4. Names that differ only
 *   in case, `_` or `-`, and names that contain the other, always count as near.
 */
export function nearestNames(
  name: string,
  known: Iterable<string>,
  { limit = 1, cutoff = 0.4 }: { limit?: number; cutoff?: number } = {},
): string[] {
  const plain = (text: string): string => text.toLowerCase().replace(/[_-]/g, '')
  const wanted = plain(name)
  const scored: { candidate: string; score: number }[] = []
  for (const candidate of new Set(known)) {
    if (candidate === name) continue
    const other = plain(candidate)
    const longer = Math.max(wanted.length, other.length)
    if (longer === 0) continue
    let score = editDistance(wanted, other) / longer
    const shorter = Math.min(wanted.length, other.length)
    if (shorter >= 3 && (other.includes(wanted) || wanted.includes(other))) score = Math.min(score, cutoff)
    if (score <= cutoff) scored.push({ candidate, score })
  }
  scored.sort((a, b) => a.score - b.score || (a.candidate < b.candidate ? -1 : 1))
  return scored.slice(0, limit).map(({ candidate }) => candidate)
}
