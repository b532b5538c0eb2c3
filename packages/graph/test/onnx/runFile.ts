import { InferenceSession, Tensor as OrtTensor, type TypedTensor } from 'onnxruntime-node'
import type { DType, TensorData } from '../../src/dtype.js'

/** Runs an ONNX file in a session of its own, as any user of ONNX Runtime would. */
export async function runFile(
  bytes: Uint8Array,
  feeds: Readonly<Record<string, TensorData>>,
  runs = 1,
): Promise<Record<string, TensorData>> {
  const session = await InferenceSession.create(bytes, { logSeverityLevel: 3, intraOpNumThreads: 1 })
  try {
    const values = Object.entries(feeds).map(
      ([name, { dtype, data, shape }]) =>
        [name, new OrtTensor(dtype as 'float32', data as Float32Array, shape)] as const,
    )
    let results = await session.run(Object.fromEntries(values))
    for (let run = 1; run < runs; run++) results = await session.run(Object.fromEntries(values))
    return Object.fromEntries(
      Object.entries(results).map(([name, value]) => {
        const { type, dims, data } = value as TypedTensor<'float32'>
        return [name, { dtype: type as DType, shape: [...dims], data }]
      }),
    )
  } finally {
    await session.release()
  }
}
