/** Pieces that fit a text, by place: `[start, end, id]` after one another, in the order of starts and then of ends. */
export type Matches = Int32Array

/** Places where a text can be cut, and the scores of the pieces between them. */
export interface Lattice {
  readonly length: number
  readonly matches: Matches
  readonly scores: Float64Array
  /** Score of a character that no piece covers; it counts for piece 0, as in SentencePiece. */
  readonly unknownScore: number
}

interface Edge {
  readonly start: number
  readonly id: number
  readonly score: number
}

const UNKNOWN = 0

/** For each place but the first, the pieces that end there; characters without a piece of their own get an unknown. */
function edgesByEnd({ length, matches, scores, unknownScore }: Lattice): Edge[][] {
  const edges: Edge[][] = Array.from({ length: length + 1 }, () => [])
  const covered = new Uint8Array(length)
  for (let i = 0; i < matches.length; i += 3) {
    const [start, end, id] = [matches[i]!, matches[i + 1]!, matches[i + 2]!]
    edges[end]!.push({ start, id, score: scores[id]! })
    if (end === start + 1) covered[start] = 1
  }
  for (let start = 0; start < length; start++)
    if (!covered[start]) edges[start + 1]!.push({ start, id: UNKNOWN, score: unknownScore })
  return edges
}

/** Adds to each piece's expected count, over all ways to cut, its share in a text that occurs `times`. */
export function addExpectedCounts(lattice: Lattice, times: number, expected: Float64Array): void {
  const { length } = lattice
  const edges = edgesByEnd(lattice)
  const forward = new Float64Array(length + 1).fill(Number.NEGATIVE_INFINITY)
  const backward = new Float64Array(length + 1).fill(Number.NEGATIVE_INFINITY)
  forward[0] = 0
  backward[length] = 0
  for (let end = 1; end <= length; end++)
    for (const { start, score } of edges[end]!) forward[end] = logAdd(forward[end]!, forward[start]! + score)
  for (let end = length; end > 0; end--)
    for (const { start, score } of edges[end]!) backward[start] = logAdd(backward[start]!, backward[end]! + score)
  const total = forward[length]!
  for (let end = 1; end <= length; end++) {
    for (const { start, id, score } of edges[end]!)
      expected[id]! += times * Math.exp(forward[start]! + score + backward[end]! - total)
  }
}

/** The best cut, as ids. */
export function bestCut(lattice: Lattice): number[] {
  return bestCuts(lattice, 1)[0]!
}

interface Path {
  readonly score: number
  readonly id: number
  readonly previous: Path | undefined
}

/** The `count` best cuts, best first. */
export function bestCuts(lattice: Lattice, count: number): number[][] {
  const edges = edgesByEnd(lattice)
  const paths: Path[][] = [[{ score: 0, id: -1, previous: undefined }]]
  for (let end = 1; end <= lattice.length; end++) {
    const arriving: Path[] = []
    for (const { start, id, score } of edges[end]!)
      for (const path of paths[start]!) arriving.push({ score: path.score + score, id, previous: path })
    paths.push(arriving.sort((a, b) => b.score - a.score).slice(0, count))
  }
  return paths.at(-1)!.map((last) => {
    const ids: number[] = []
    for (let path = last; path.previous; path = path.previous) ids.push(path.id)
    return ids.reverse()
  })
}

function logAdd(a: number, b: number): number {
  const [larger, smaller] = a > b ? [a, b] : [b, a]
  return larger === Number.NEGATIVE_INFINITY ? larger : larger + Math.log1p(Math.exp(smaller - larger))
}
