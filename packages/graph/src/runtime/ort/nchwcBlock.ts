import { emitModel } from '../../onnx/emit.js'
import { encodeModel } from '../../onnx/proto/encode.js'
import { apply1 } from '../../op.js'
import { input } from '../../ops/leaves.js'
import { ReorderInput } from './contribOps.js'
import type { Host } from './ort.js'

let known: Promise<number> | undefined

/**
 * Channels in a block of MLAS' kernels for channel-blocked data on this machine (16 with AVX-512, 8 with AVX2), or 0 if
 * this build of ONNX Runtime has none. Asks once per process, by reordering a ramp.
 */
export function nchwcBlock(host: Host): Promise<number> {
  known ??= probe(host).catch((error: unknown) => {
    known = undefined
    throw error
  })
  return known
}

// Wide enough for any block, and a multiple of it.
const CHANNELS = 64

async function probe(host: Host): Promise<number> {
  const x = input('x', 'float32', [1, CHANNELS, 1, 2])
  const y = apply1(ReorderInput, [x])
  const model = encodeModel(emitModel({ inputs: [{ name: 'x', tensor: x }], outputs: [{ name: 'y', tensor: y }] }))
  let id: number
  try {
    id = await host.create({ model, optimization: 'basic', reads: [], writes: [], outputs: ['y'] }, { threads: 1 })
  } catch {
    return 0
  }
  try {
    const ramp = Float32Array.from({ length: 2 * CHANNELS }, (_, i) => i)
    const { y } = await host.run(id, [['x', { dtype: 'float32', shape: [1, CHANNELS, 1, 2], data: ramp }]])
    // Channel 0's second sample comes after the first samples of its whole block.
    return (y!.data as Float32Array).indexOf(1)
  } finally {
    await host.dispose(id)
  }
}
