import { AsrError } from '../errors.js'
import { inOrderOfAppearance, kMeans } from './kMeans.js'
import { symmetricEigen } from './symmetricEigen.js'

/** Options of `clusterSpeakers`. */
export interface SpeakerClusteringOptions {
  /** How many speakers there are. Default: it is estimated. */
  readonly oracleNumSpeakers?: number | null | undefined
  /** Most speakers to estimate. Default 8. */
  readonly maxNumSpeakers?: number
  /** Largest share of all embeddings that each one is joined to. Default 0.25. */
  readonly maxNeighbourShare?: number
  /** How many numbers of neighbours are tried. Default 20. */
  readonly searchVolume?: number
}

/** Whom each embedding belongs to. */
export interface SpeakerClusters {
  /** For each embedding a speaker, numbered from 0 in the order of appearance. */
  readonly labels: number[]
  readonly numSpeakers: number
  /** How many of its most similar each embedding was joined to. */
  readonly neighbours: number
}

/**
 * Groups embeddings by speaker: a graph joins each embedding to its most similar ones, as many as give the clearest gap
 * between the eigenvalues of the graph's Laplacian (NME); the place of the gap estimates how many speakers there are; spectral
 * clustering divides the graph among them.
 *
 * @param embeddings - At least one, of equal size.
 * @throws AsrError for no embeddings, or a number of speakers that cannot be.
 *
 * Source: NeMo v1.0.0 `COSclustering`; Park et al. 2020, "Auto-tuning spectral clustering for speaker diarization using
 * normalized maximum eigengap". k-means differs: its starts are drawn otherwise than scikit-learn's.
 */
export function clusterSpeakers(
  embeddings: readonly ArrayLike<number>[],
  options: SpeakerClusteringOptions = {},
): SpeakerClusters {
  const { oracleNumSpeakers, maxNumSpeakers = 8, maxNeighbourShare = 0.25, searchVolume = 20 } = options
  const n = embeddings.length
  const wanted = oracleNumSpeakers ?? maxNumSpeakers
  if (n === 0)
    throw new AsrError('NEMO_DIARIZATION_EMPTY', 'clusterSpeakers: expected at least one embedding, found none.')
  if (!Number.isInteger(wanted) || wanted < 1)
    throw new AsrError(
      'NEMO_DIARIZATION_SPEAKERS',
      `clusterSpeakers: expected a number of speakers of at least 1, found ${wanted}.`,
    )
  if (n === 1) return { labels: [0], numSpeakers: 1, neighbours: 1 }
  const similarity = columnScaled(cosineSimilarity(embeddings), n)
  const ranks = similarityRanks(similarity, n)
  const most = Math.max(1, Math.trunc(n * maxNeighbourShare))
  const tried = evenly(most, Math.min(most, searchVolume))
  const analyses = tried.map((neighbours) => analyse(neighbourGraph(ranks, n, neighbours), n, neighbours, wanted))
  let chosen = analyses.reduce((best, one) => (one.ratio < best.ratio ? one : best))
  if (!isConnected(chosen.graph, n)) chosen = fewestThatConnect(analyses, n)
  const numSpeakers = Math.min(n, oracleNumSpeakers ?? chosen.speakers)
  return { labels: spectralClusters(chosen.graph, n, numSpeakers), numSpeakers, neighbours: chosen.neighbours }
}

interface Analysis {
  readonly neighbours: number
  readonly graph: Float64Array
  readonly speakers: number
  /** Share of neighbours over the largest gap: the lower, the clearer. */
  readonly ratio: number
}

function analyse(graph: Float64Array, n: number, neighbours: number, mostSpeakers: number): Analysis {
  const { values } = symmetricEigen(laplacian(graph, n), n)
  const gaps = Array.from({ length: Math.min(mostSpeakers, n - 1) }, (_, i) => values[i + 1]! - values[i]!)
  const largest = Math.max(...gaps)
  const ratio = neighbours / n / (largest / (values[n - 1]! + 1e-10) + 1e-10)
  return { neighbours, graph, speakers: gaps.indexOf(largest) + 1, ratio }
}

// One step past the first graph that is connected, as NeMo searches.
function fewestThatConnect(analyses: readonly Analysis[], n: number): Analysis {
  const first = analyses.findIndex(({ graph }) => isConnected(graph, n))
  return analyses[first < 0 ? analyses.length - 1 : Math.min(first + 1, analyses.length - 1)]!
}

/** Whole numbers from 1 to `most`, `count` of them, evenly. */
const evenly = (most: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => Math.trunc(count === 1 ? 1 : 1 + (i * (most - 1)) / (count - 1) + 1e-9))

/** Cosines between all pairs. */
export function cosineSimilarity(embeddings: readonly ArrayLike<number>[]): Float64Array {
  const n = embeddings.length
  const unit = embeddings.map((embedding) => {
    const values = Float64Array.from(embedding)
    const length = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0))
    return length === 0 ? values : values.map((value) => value / length)
  })
  const cosines = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      const [a, b] = [unit[i]!, unit[j]!]
      let dot = 0
      for (let k = 0; k < a.length; k++) dot += a[k]! * b[k]!
      cosines[i * n + j] = dot
      cosines[j * n + i] = dot
    }
  }
  return cosines
}

/** Each column stretched to reach from 0 to 1. */
function columnScaled(matrix: Float64Array, n: number): Float64Array {
  const scaled = new Float64Array(n * n)
  for (let j = 0; j < n; j++) {
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
    for (let i = 0; i < n; i++) {
      low = Math.min(low, matrix[i * n + j]!)
      high = Math.max(high, matrix[i * n + j]!)
    }
    for (let i = 0; i < n; i++) scaled[i * n + j] = (matrix[i * n + j]! - low) / (high > low ? high - low : 1)
  }
  return scaled
}

/** For each row the columns from the most similar to the least. */
function similarityRanks(similarity: Float64Array, n: number): Uint32Array[] {
  return Array.from({ length: n }, (_, i) => {
    const row = similarity.subarray(i * n, (i + 1) * n)
    return Uint32Array.from({ length: n }, (_, j) => j).sort((a, b) => row[b]! - row[a]! || b - a)
  })
}

/** 1 between two embeddings that are both among the other's most similar, 0.5 where only one is. */
function neighbourGraph(ranks: readonly Uint32Array[], n: number, neighbours: number): Float64Array {
  const graph = new Float64Array(n * n)
  for (const [i, order] of ranks.entries()) {
    for (const j of order.subarray(0, neighbours)) {
      graph[i * n + j]! += 0.5
      graph[j * n + i]! += 0.5
    }
  }
  return graph
}

function laplacian(graph: Float64Array, n: number): Float64Array {
  const result = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    let degree = 0
    for (let j = 0; j < n; j++) {
      if (i === j) continue
      degree += graph[i * n + j]!
      result[i * n + j] = -graph[i * n + j]!
    }
    result[i * n + i] = degree
  }
  return result
}

function isConnected(graph: Float64Array, n: number): boolean {
  const reached = new Uint8Array(n)
  reached[0] = 1
  const open = [0]
  let count = 1
  for (let i = open.pop(); i !== undefined; i = open.pop()) {
    for (let j = 0; j < n; j++) {
      if (reached[j] || graph[i * n + j] === 0) continue
      reached[j] = 1
      count++
      open.push(j)
    }
  }
  return count === n
}

/**
 * Divides a graph into `k` groups by the first eigenvectors of its normalised Laplacian.
 *
 * @param graph - Weights of n x n edges, symmetric; the diagonal does not count.
 *
 * Source: scikit-learn `SpectralClustering` with a given affinity; Shi & Malik 2000.
 */
export function spectralClusters(graph: Float64Array, n: number, k: number): number[] {
  if (k <= 1) return new Array<number>(n).fill(0)
  if (k >= n) return inOrderOfAppearance(Array.from({ length: n }, (_, i) => i))
  const scale = new Float64Array(n)
  for (let i = 0; i < n; i++) {
    let degree = 0
    for (let j = 0; j < n; j++) if (i !== j) degree += graph[i * n + j]!
    scale[i] = degree === 0 ? 1 : Math.sqrt(degree)
  }
  const normalized = new Float64Array(n * n)
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) normalized[i * n + j] = i === j ? 1 : -graph[i * n + j]! / (scale[i]! * scale[j]!)
  const { vectors } = symmetricEigen(normalized, n, { vectors: true })
  const points = Array.from({ length: n }, (_, i) => vectors.slice(0, k).map((vector) => vector[i]! / scale[i]!))
  return kMeans(points, k)
}
