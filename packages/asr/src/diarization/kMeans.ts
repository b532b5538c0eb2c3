import { RandomGenerator } from '@nemo/audio'

/** Options of `kMeans`. */
export interface KMeansOptions {
  /** Starts, of which the best result counts. Default 10. */
  readonly starts?: number
  /** Most rounds of one start. Default 300. */
  readonly rounds?: number
  /** Default 0. */
  readonly seed?: number
}

/**
 * Groups points around `k` centres: Lloyd's rounds from several starts drawn by k-means++.
 *
 * @returns a number from 0 to k - 1 for each point; numbers rise in the order in which groups first appear.
 */
export function kMeans(points: readonly ArrayLike<number>[], k: number, options: KMeansOptions = {}): number[] {
  const { starts = 10, rounds = 300, seed = 0 } = options
  if (k <= 1 || points.length <= 1) return points.map(() => 0)
  let best: { labels: number[]; spread: number } | undefined
  for (let start = 0; start < starts; start++) {
    const found = lloyd(points, spreadOut(points, k, new RandomGenerator(seed, start)), rounds)
    if (best === undefined || found.spread < best.spread * (1 - 1e-12)) best = found
  }
  return inOrderOfAppearance(best!.labels)
}

/** Numbers groups by where they first appear. */
export function inOrderOfAppearance(labels: readonly number[]): number[] {
  const order = new Map<number, number>()
  return labels.map((label) => {
    if (!order.has(label)) order.set(label, order.size)
    return order.get(label)!
  })
}

/** Centres far from one another: each is drawn with a chance that grows as the square of the distance to the nearest. */
function spreadOut(points: readonly ArrayLike<number>[], k: number, random: RandomGenerator): Float64Array[] {
  const centres = [Float64Array.from(random.choice(points))]
  const nearest = points.map((point) => squaredDistance(point, centres[0]!))
  while (centres.length < k) {
    const total = nearest.reduce((sum, distance) => sum + distance, 0)
    let place = random.random() * total
    let chosen = nearest.findIndex((distance) => {
      place -= distance
      return place < 0
    })
    if (chosen < 0) chosen = random.integer(0, points.length - 1)
    const centre = Float64Array.from(points[chosen]!)
    centres.push(centre)
    for (const [i, point] of points.entries()) nearest[i] = Math.min(nearest[i]!, squaredDistance(point, centre))
  }
  return centres
}

function lloyd(
  points: readonly ArrayLike<number>[],
  centres: Float64Array[],
  rounds: number,
): { labels: number[]; spread: number } {
  let labels: number[] = []
  for (let round = 0; round < rounds; round++) {
    const next = points.map((point) => nearestCentre(point, centres))
    if (labels.length > 0 && next.every((label, i) => label === labels[i])) break
    labels = next
    for (const [id, centre] of centres.entries()) {
      const own = points.filter((_, i) => labels[i] === id)
      // A centre without points moves to the point that lies worst.
      if (own.length === 0) centre.set(Float64Array.from(farthestPoint(points, labels, centres)))
      else
        for (let axis = 0; axis < centre.length; axis++)
          centre[axis] = own.reduce((sum, point) => sum + point[axis]!, 0) / own.length
    }
  }
  const spread = points.reduce((sum, point, i) => sum + squaredDistance(point, centres[labels[i]!]!), 0)
  return { labels, spread }
}

function nearestCentre(point: ArrayLike<number>, centres: readonly Float64Array[]): number {
  let [best, least] = [0, Number.POSITIVE_INFINITY]
  for (const [id, centre] of centres.entries()) {
    const distance = squaredDistance(point, centre)
    if (distance < least) [best, least] = [id, distance]
  }
  return best
}

function farthestPoint(
  points: readonly ArrayLike<number>[],
  labels: readonly number[],
  centres: readonly Float64Array[],
): ArrayLike<number> {
  const distances = points.map((point, i) => squaredDistance(point, centres[labels[i]!]!))
  return points[distances.indexOf(Math.max(...distances))]!
}

function squaredDistance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < b.length; i++) sum += (a[i]! - b[i]!) ** 2
  return sum
}
