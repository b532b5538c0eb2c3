/** Eigenvalues in rising order, and their vectors if asked for. */
export interface EigenDecomposition {
  readonly values: Float64Array
  /** `vectors[i]` belongs to `values[i]` and has unit length. Empty unless asked for. */
  readonly vectors: readonly Float64Array[]
}

// Sweeps of the QL iteration for one eigenvalue; two or three are usual.
const MOST_SWEEPS = 60

/**
 * Eigenvalues of a symmetric matrix: Householder's reduction to three diagonals, then QL with implicit shifts. About 4/3 n³
 * multiplications for values, three times as many with vectors.
 *
 * @param matrix - n rows of n numbers, row after row; only the lower triangle is read. It is not changed.
 *
 * Source: Golub & Van Loan, Matrix Computations, 8.3.
 */
export function symmetricEigen(
  matrix: ArrayLike<number>,
  n: number,
  options: { readonly vectors?: boolean } = {},
): EigenDecomposition {
  if (matrix.length !== n * n)
    throw new RangeError(`symmetricEigen: expected ${n} x ${n} numbers, found ${matrix.length}.`)
  const { vectors = false } = options
  const a = Float64Array.from(matrix)
  const diagonal = new Float64Array(n)
  const below = new Float64Array(n)
  const reflections = tridiagonalize(a, n, diagonal, below)
  // Row i of q is to become vector i: rotations then work on whole rows.
  const q = vectors ? accumulated(reflections, n) : undefined
  implicitQL(diagonal, below, q)
  const order = Array.from(diagonal, (_, i) => i).sort((i, j) => diagonal[i]! - diagonal[j]!)
  return { values: Float64Array.from(order, (i) => diagonal[i]!), vectors: q ? order.map((i) => q[i]!) : [] }
}

/** A reflection I - 2 v vᵀ of the axes from `first` on; v has unit length. */
interface Reflection {
  readonly first: number
  readonly v: Float64Array
}

function tridiagonalize(a: Float64Array, n: number, diagonal: Float64Array, below: Float64Array): Reflection[] {
  const reflections: Reflection[] = []
  const p = new Float64Array(n)
  for (let k = 0; k < n; k++) {
    diagonal[k] = a[k * n + k]!
    const size = n - k - 1
    if (size === 0) break
    if (size === 1) {
      below[k] = a[(k + 1) * n + k]!
      continue
    }
    const v = new Float64Array(size)
    let length = 0
    for (let i = 0; i < size; i++) {
      v[i] = a[(k + 1 + i) * n + k]!
      length += v[i]! ** 2
    }
    length = Math.sqrt(length)
    const alpha = v[0]! > 0 ? -length : length
    below[k] = alpha
    v[0] = v[0]! - alpha
    let norm = 0
    for (const x of v) norm += x * x
    norm = Math.sqrt(norm)
    if (norm === 0) continue
    for (let i = 0; i < size; i++) v[i] = v[i]! / norm
    reflections.push({ first: k + 1, v })
    reflectBoth(a, n, k + 1, v, p)
  }
  return reflections
}

/** A becomes H A H for the lower right block from `first` on, by p = A v, w = 2 (p - (pᵀ v) v), A -= v wᵀ + w vᵀ. */
function reflectBoth(a: Float64Array, n: number, first: number, v: Float64Array, p: Float64Array): void {
  const size = v.length
  p.fill(0, 0, size)
  for (let i = 0; i < size; i++) {
    const row = (first + i) * n + first
    let sum = a[row + i]! * v[i]!
    const vi = v[i]!
    for (let j = 0; j < i; j++) {
      const x = a[row + j]!
      sum += x * v[j]!
      p[j] = p[j]! + x * vi
    }
    p[i] = p[i]! + sum
  }
  let product = 0
  for (let i = 0; i < size; i++) product += p[i]! * v[i]!
  for (let i = 0; i < size; i++) p[i] = 2 * (p[i]! - product * v[i]!)
  for (let i = 0; i < size; i++) {
    const row = (first + i) * n + first
    const [vi, wi] = [v[i]!, p[i]!]
    for (let j = 0; j <= i; j++) a[row + j] = a[row + j]! - vi * p[j]! - wi * v[j]!
  }
}

/** The transpose of the product of the reflections, as rows. */
function accumulated(reflections: readonly Reflection[], n: number): Float64Array[] {
  const rows = Array.from({ length: n }, (_, i) => {
    const row = new Float64Array(n)
    row[i] = 1
    return row
  })
  // (H1 H2 ... )ᵀ = ... H2 H1: each row is multiplied by H1 last, so the last reflection comes first.
  for (const { first, v } of reflections.toReversed()) {
    for (const row of rows) {
      let dot = 0
      for (let i = 0; i < v.length; i++) dot += row[first + i]! * v[i]!
      if (dot === 0) continue
      for (let i = 0; i < v.length; i++) row[first + i] = row[first + i]! - 2 * dot * v[i]!
    }
  }
  return rows
}

function implicitQL(d: Float64Array, e: Float64Array, rows: Float64Array[] | undefined): void {
  const n = d.length
  for (let l = 0; l < n; l++) {
    for (let sweep = 0; ; sweep++) {
      let m = l
      for (; m < n - 1; m++) {
        const size = Math.abs(d[m]!) + Math.abs(d[m + 1]!)
        if (Math.abs(e[m]!) <= Number.EPSILON * size) break
      }
      if (m === l) break
      if (sweep === MOST_SWEEPS)
        throw new RangeError('symmetricEigen: no convergence; the matrix has numbers that are not finite.')
      chaseBulge(d, e, l, m, rows)
    }
  }
}

function chaseBulge(d: Float64Array, e: Float64Array, l: number, m: number, rows: Float64Array[] | undefined): void {
  let g = (d[l + 1]! - d[l]!) / (2 * e[l]!)
  let r = Math.hypot(g, 1)
  g = d[m]! - d[l]! + e[l]! / (g + (g >= 0 ? r : -r))
  let [s, c, p] = [1, 1, 0]
  for (let i = m - 1; i >= l; i--) {
    const f = s * e[i]!
    const b = c * e[i]!
    r = Math.hypot(f, g)
    e[i + 1] = r
    if (r === 0) {
      d[i + 1] = d[i + 1]! - p
      e[m] = 0
      return
    }
    s = f / r
    c = g / r
    g = d[i + 1]! - p
    r = (d[i]! - g) * s + 2 * c * b
    p = s * r
    d[i + 1] = g + p
    g = c * r - b
    if (rows) rotate(rows[i]!, rows[i + 1]!, c, s)
  }
  d[l] = d[l]! - p
  e[l] = g
  e[m] = 0
}

function rotate(low: Float64Array, high: Float64Array, c: number, s: number): void {
  for (let k = 0; k < low.length; k++) {
    const [x, y] = [low[k]!, high[k]!]
    high[k] = s * x + c * y
    low[k] = c * x - s * y
  }
}
