import { applyOp, defineOp, nonDifferentiable, ops, type RewriteRule, sizeOf } from '@nemo/graph'
import { KernelBuilder, spread, THREADS } from '../kernelBuilder.js'
import { elementwise, type OpKernel } from '../opKernel.js'

/** The high 32 bits of the product of a uint32 and a non-negative int64 below 2^31; made by lowering alone. */
export const MultiplyHigh = defineOp({
  type: 'MultiplyHigh',
  domain: 'nemo.webgpu',
  since: 1,
  infer: (context) => {
    const [words, limit] = [context.input(0), context.input(1)]
    const rank = Math.max(words.rank, limit.rank)
    const size = (shape: typeof words.shape, axis: number) => shape[axis - rank + shape.length] ?? 1
    const shape = Array.from({ length: rank }, (_, axis) =>
      size(words.shape, axis) === 1 ? size(limit.shape, axis) : size(words.shape, axis),
    )
    return [{ dtype: 'int64', shape }]
  },
  grad: nonDifferentiable('it exists only in lowered graphs'),
})

const TWO_TO_32 = 2 ** 32

/** Recognises int64(words) * limit / 2^32, which WGSL's 32-bit integers cannot say. */
export const multiplyHigh: RewriteRule = (node, inputs) => {
  if (node.op !== ops.Div || inputs[0]?.dtype !== 'int64') return undefined
  const divisor = inputs[1]?.constant
  const product = inputs[0].node
  if (divisor?.data.length !== 1 || Number(divisor.data[0]) !== TWO_TO_32 || product.op !== ops.Mul) return undefined
  for (const i of [0, 1]) {
    const words = product.inputs[i]!
    if (words.node.op === ops.Cast && words.node.inputs[0]?.dtype === 'uint32')
      return applyOp(MultiplyHigh, [words.node.inputs[0], product.inputs[1 - i]])
  }
  return undefined
}

/** See MultiplyHigh. */
export const multiplyHighKernel: OpKernel = elementwise(
  ([words, limit]) => `i32(multiply_high(${words}, u32(${limit})))`,
)

// The generator of @nemo/graph's RandomBits; its definition there is what both must equal.
const GOLDEN = '0x9e3779b9u'
const FIRST = '0x7feb352du'
const SECOND = '0x846ca68bu'

/**
 * Uniform 32-bit integers, the same bits as everywhere: one thread per element mixes its number with the key. All
 * arithmetic is modulo 2^32.
 */
export const RandomBits: OpKernel = (op) => {
  const target = op.allocateOutput()
  const key = op.dense(0)
  const kernel = new KernelBuilder('RandomBits')
  const result = kernel.write(target.expression.storage, 'u32')
  const words = kernel.read(key.expression.storage, 'i32')
  const count = sizeOf(target.shape)
  const total = kernel.integer(count)
  const stream = kernel.natural(Math.imul(op.attribute<number>('stream'), 0x846ca68b) >>> 0)
  op.record(
    kernel.finish({
      shared: `fn scramble(x: u32, bits: u32, multiplier: u32) -> u32 { return (x ^ (x >> bits)) * multiplier; }
fn finish(x: u32, addend: u32) -> u32 {
  let y = scramble(scramble(x, 16u, ${FIRST}) + addend, 15u, ${SECOND});
  return y ^ (y >> 16u);
}
`,
      body: `if (index >= ${total}) { return; }
let first = finish(u32(${words}[0]) * ${GOLDEN} + ${stream}, 0u);
let second = finish(first ^ (u32(${words}[1]) * ${FIRST}), 0u);
${result}[index] = finish(u32(index) * ${GOLDEN} + second, first);
`,
      workgroups: spread(Math.ceil(count / THREADS)),
    }),
  )
  return [target]
}
