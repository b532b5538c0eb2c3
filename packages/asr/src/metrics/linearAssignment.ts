/**
 * Pairs rows with columns so that the sum of their scores is greatest (the Hungarian method, O(n³)).
 *
 * @param scores - Rows of equal length.
 * @returns the column of each row; -1 for rows without one, where there are more rows than columns.
 *
 * Source: Jonker & Volgenant 1987, shortest augmenting paths.
 */
export function linearAssignment(scores: readonly (readonly number[])[]): number[] {
  const [rows, columns] = [scores.length, scores[0]?.length ?? 0]
  if (columns === 0) return scores.map(() => -1)
  if (rows > columns) {
    const turned = Array.from({ length: columns }, (_, j) => scores.map((row) => row[j]!))
    const rowOf = linearAssignment(turned)
    return scores.map((_, i) => rowOf.indexOf(i))
  }
  // Potentials and partners; index 0 stands for "none".
  const u = new Array<number>(rows + 1).fill(0)
  const v = new Array<number>(columns + 1).fill(0)
  const partner = new Array<number>(columns + 1).fill(0)
  for (let i = 1; i <= rows; i++) augment(scores, i, { u, v, partner })
  const result = new Array<number>(rows).fill(-1)
  for (let j = 1; j <= columns; j++) if (partner[j]! > 0) result[partner[j]! - 1] = j - 1
  return result
}

interface Matching {
  readonly u: number[]
  readonly v: number[]
  readonly partner: number[]
}

/** Finds a partner for row `i`, moving others where that is better. */
function augment(scores: readonly (readonly number[])[], i: number, { u, v, partner }: Matching): void {
  const columns = v.length - 1
  const least = new Array<number>(columns + 1).fill(Number.POSITIVE_INFINITY)
  const from = new Array<number>(columns + 1).fill(0)
  const used = new Array<boolean>(columns + 1).fill(false)
  partner[0] = i
  let at = 0
  do {
    used[at] = true
    const row = partner[at]!
    let [next, delta] = [0, Number.POSITIVE_INFINITY]
    for (let j = 1; j <= columns; j++) {
      if (used[j]) continue
      const cost = -scores[row - 1]![j - 1]! - u[row]! - v[j]!
      if (cost < least[j]!) {
        least[j] = cost
        from[j] = at
      }
      if (least[j]! < delta) [next, delta] = [j, least[j]!]
    }
    for (let j = 0; j <= columns; j++) {
      if (used[j]) {
        u[partner[j]!]! += delta
        v[j]! -= delta
      } else least[j]! -= delta
    }
    at = next
  } while (partner[at] !== 0)
  while (at !== 0) {
    partner[at] = partner[from[at]!]!
    at = from[at]!
  }
}
