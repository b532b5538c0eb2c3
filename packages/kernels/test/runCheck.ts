import {
  compile,
  type DType,
  evaluateDim,
  input,
  type Runtime,
  type Shape,
  type Tensor,
  type TensorData,
  tensorData,
  vjp,
  withRandomStreams,
} from '@nemo/graph'

/** Sizes of symbols. */
export type Sizes = Readonly<Record<string, number>>

/** One input of a checked graph. */
export interface CheckedInput {
  readonly shape: Shape
  /** Default float32. */
  readonly dtype?: DType
  /** Range of the random elements, integers rounded down, or a rule. Default [-2, 2]. */
  readonly values?: readonly [number, number] | ((random: () => number, index: number, sizes: Sizes) => number)
}

/** A graph that must give the same on WebGPU as on ONNX Runtime. */
export interface KernelCheck {
  readonly inputs: readonly CheckedInput[]
  /** The program is compiled once and run for each of these. Default: one run without symbols. */
  readonly sizes?: readonly Sizes[]
  readonly build: (inputs: readonly Tensor[]) => Tensor | readonly Tensor[]
  /** Absolute and relative tolerance. Default 1e-5 and 2e-5. */
  readonly tolerance?: readonly [number, number]
  /** False compares the outputs alone. Default true. */
  readonly gradient?: boolean
  /** Seed for graphs with random ops. */
  readonly seed?: number
}

/** Sizes that find mistakes: ordinary, all ones, long enough for several workgroups. */
export const SIZES: readonly Sizes[] = [
  { B: 2, T: 5 },
  { B: 1, T: 1 },
  { B: 3, T: 67 },
]

/** Uniform numbers in [0, 1) from a seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** Runs the graph, and its gradient with random weights on the outputs, at all its sizes. */
export async function runCheck(check: KernelCheck, runtime: Runtime): Promise<Record<string, TensorData>[]> {
  const tensors = check.inputs.map(({ shape, dtype }, i) => input(`x${i}`, dtype ?? 'float32', shape))
  const built = withRandomStreams(() => check.build(tensors))
  const outputs = Array.isArray(built) ? (built as readonly Tensor[]) : [built as Tensor]
  const named: Record<string, Tensor> = {}
  outputs.forEach((tensor, i) => {
    named[`y${i}`] = tensor
  })
  const smooth = outputs.filter(({ dtype }) => dtype === 'float32')
  const wrt = tensors.filter(({ dtype }) => dtype === 'float32')
  const weights = smooth.map((tensor, i) => input(`w${i}`, 'float32', tensor.shape))
  if (check.gradient !== false && smooth.length > 0) {
    vjp(smooth, weights, wrt).forEach((gradient, i) => {
      if (gradient) named[`g${i}`] = gradient
    })
  }
  const program = await compile(named, { runtime })
  try {
    const results: Record<string, TensorData>[] = []
    for (const [index, sizes] of (check.sizes ?? [{}]).entries()) {
      const random = seededRandom(index + 1)
      const bindings = new Map(Object.entries(sizes))
      const feeds: Record<string, TensorData> = {}
      check.inputs.forEach((spec, i) => {
        const { values = [-2, 2] } = spec
        feeds[`x${i}`] = filled(spec.dtype ?? 'float32', spec.shape, bindings, (at) =>
          typeof values === 'function' ? values(random, at, sizes) : values[0] + (values[1] - values[0]) * random(),
        )
      })
      smooth.forEach((tensor, i) => {
        feeds[`w${i}`] = filled('float32', tensor.shape, bindings, () => random() * 2 - 1)
      })
      const wanted = program.inputs.flatMap(({ name }) => (feeds[name] ? [[name, feeds[name]] as const] : []))
      const options = check.seed === undefined ? {} : { seed: check.seed, step: index }
      results.push(await program.run(Object.fromEntries(wanted), options))
    }
    return results
  } finally {
    await program.dispose()
  }
}

function filled(
  dtype: DType,
  shape: Shape,
  bindings: ReadonlyMap<string, number>,
  draw: (at: number) => number,
): TensorData {
  const sizes = shape.map((dim) => evaluateDim(dim, bindings))
  const count = sizes.reduce((n, size) => n * size, 1)
  const whole = dtype !== 'float32'
  const numbers = Array.from({ length: count }, (_, i) => (whole ? Math.floor(draw(i)) : Math.fround(draw(i))))
  return tensorData(numbers, dtype, sizes)
}
