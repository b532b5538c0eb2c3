import { compile, type RunOptions } from '../src/compile.js'
import type { TensorData, TensorLike } from '../src/dtype.js'
import { ort } from '../src/runtime/ort/ort.js'
import type { Tensor } from '../src/tensor.js'

const runtime = ort({ threads: 1 })

/** Compiles, runs once and frees a program. */
export async function runOnce<Names extends string>(
  outputs: Readonly<Record<Names, Tensor>>,
  feeds: Readonly<Record<string, TensorLike>> = {},
  options: RunOptions = {},
): Promise<Record<Names, TensorData>> {
  const program = await compile(outputs, { runtime })
  try {
    return await program.run(feeds, options)
  } finally {
    await program.dispose()
  }
}
