import { compile } from '../src/compile.js'
import type { TensorData } from '../src/dtype.js'
import { simplify } from '../src/rewrite/simplify.js'
import { type LoweringTarget, lowerForOrt } from '../src/runtime/ort/lower.js'
import { ort } from '../src/runtime/ort/ort.js'
import type { Tensor } from '../src/tensor.js'
import { expectClose, type Tolerance } from './opCheck.js'
import { sizeOfShape } from './referenceArray.js'

const fast = ort({ threads: 1 })
const plain = ort({ threads: 1, lowerings: false })

/** Runs graphs with and without ONNX Runtime's lowerings, and fails unless they agree. */
export async function expectLoweringAgrees(
  outputs: Readonly<Record<string, Tensor>>,
  feedsOfRuns: readonly Readonly<Record<string, TensorData>>[],
  tolerance: Tolerance = { absolute: 1e-5, relative: 1e-5 },
): Promise<void> {
  const programs = [await compile(outputs, { runtime: fast }), await compile(outputs, { runtime: plain })] as const
  try {
    for (const feeds of feedsOfRuns) {
      const [found, expected] = [await programs[0].run(feeds), await programs[1].run(feeds)]
      for (const name of Object.keys(outputs)) {
        const { shape, data } = expected[name]!
        const reference = { shape, data: Float64Array.from(data as Iterable<number | bigint>, Number) }
        expectClose(found[name]!, reference, tolerance, `${name} at ${JSON.stringify(shapes(feeds))}`)
      }
    }
  } finally {
    await Promise.all(programs.map((program) => program.dispose()))
  }
}

const shapes = (feeds: Readonly<Record<string, TensorData>>): Record<string, readonly number[]> =>
  Object.fromEntries(Object.entries(feeds).map(([name, { shape }]) => [name, shape]))

/** Lowers as for a training program on a machine with blocks of 16 channels, unless told otherwise. */
export function lowered(outputs: readonly Tensor[], target: Partial<LoweringTarget> = {}): Tensor[] {
  return lowerForOrt(simplify(outputs), { fast: true, nchwcBlock: 16, frozen: false, ...target })
}

/** A float32 tensor of uniform numbers in [-1, 1). */
export function uniform(shape: readonly number[], random: () => number): TensorData<'float32'> {
  return { dtype: 'float32', shape, data: Float32Array.from({ length: sizeOfShape(shape) }, () => 2 * random() - 1) }
}
