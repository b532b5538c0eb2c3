import type { Dim } from '../dim.js'
import { apply1, defineOp, stopsGradient } from '../op.js'
import type { Node, Tensor } from '../tensor.js'
import { add, div, mul, sub } from './arithmetic.js'
import { bitwiseXor, shiftRight } from './bitwise.js'
import { cast } from './cast.js'
import { greaterOrEqual } from './comparison.js'
import { log, sqrt } from './exponential.js'
import { range } from './fill.js'
import { gather } from './gather.js'
import { constant, input } from './leaves.js'
import { reduceProd } from './reduction.js'
import { Reshape } from './reshape.js'
import { shapeTensor } from './shape.js'
import { cos } from './trigonometric.js'

/** Name of the feed that random ops read: int64 `[2]`, the seed and the step. */
export const RANDOM_KEY = 'random_key'

let key: Tensor | undefined

/** The program input that all random ops share; `Program.run` feeds it from its `seed` and `step` options. */
export function randomKey(): Tensor {
  key ??= input(RANDOM_KEY, 'int64', [2])
  return key
}

let nextStream = 0

/**
 * Numbers random ops from `first` on while building, so that a graph that is built again (in another process, after a
 * resume) draws the same numbers.
 */
export function withRandomStreams<T>(build: () => T, first = 0): T {
  const outer = nextStream
  nextStream = first
  try {
    return build()
  } finally {
    nextStream = outer
  }
}

/**
 * Uniform 32-bit integers, a pure function of (seed, step, stream, position): inputs are a key int64 `[2]` and a shape.
 *
 * The generator is a counter passed through a multiply-xorshift finaliser keyed in two places; all arithmetic is modulo
 * 2^32, so that every executor gives the same bits. Constants: C. Wellons' lowbias32.
 */
export const RandomBits = defineOp({
  type: 'RandomBits',
  domain: 'nemo',
  since: 1,
  attributes: { stream: { kind: 'int' } },
  infer: (context) => {
    const target = context.input(1)
    if (!target.known) context.fail('the sizes of the shape must be known while building.')
    return [{ dtype: 'uint32', shape: target.known! }]
  },
  decompose: (node, inputs) => [randomBitsDefinition(node, inputs[0]!, inputs[1]!)],
  grad: stopsGradient('random'),
})

// Signed multipliers: ONNX Runtime multiplies int32, which wraps exactly like uint32.
const GOLDEN = 0x9e3779b9 | 0
const FIRST = 0x7feb352d | 0
const SECOND = 0x846ca68b | 0

const scramble = (x: Tensor, bits: number, multiplier: number, addend?: Tensor): Tensor => {
  const mixed = mul(cast(bitwiseXor(x, shiftRight(x, bits)), 'int32'), multiplier)
  return cast(addend ? add(mixed, addend) : mixed, 'uint32')
}
const finish = (x: Tensor, addend?: Tensor): Tensor => {
  const x2 = scramble(scramble(x, 16, FIRST, addend), 15, SECOND)
  return bitwiseXor(x2, shiftRight(x2, 16))
}

function randomBitsDefinition(node: Node, keyTensor: Tensor, shape: Tensor): Tensor {
  const stream = node.attribute<number>('stream')
  const word = (i: number) => cast(gather(keyTensor, constant(i, 'int64')), 'int32')
  const wordBits = (t: Tensor) => cast(t, 'uint32')
  const first = finish(wordBits(add(mul(word(0), GOLDEN), Math.imul(stream, SECOND))))
  const second = finish(bitwiseXor(first, wordBits(mul(word(1), FIRST))))
  const counter = cast(range(reduceProd(shape)), 'int32')
  const start = cast(add(mul(counter, GOLDEN), cast(second, 'int32')), 'uint32')
  const bits = finish(start, cast(first, 'int32'))
  return apply1(Reshape, [bits, shape], { allowzero: 1 })
}

/** Random 32-bit words of the given shape. Each call draws from a stream of its own. */
export function randomBits(dims: readonly Dim[], sources: readonly Tensor[] = []): Tensor {
  return apply1(RandomBits, [randomKey(), shapeTensor(dims, sources)], { stream: nextStream++ })
}

// 24 bits fill a float32's mantissa; the result is below 1.
const unit = (bits: Tensor): Tensor => mul(cast(cast(shiftRight(bits, 8), 'int32'), 'float32'), 2 ** -24)

/** float32 numbers uniform in [low, high). */
export function randomUniform(dims: readonly Dim[], low = 0, high = 1, sources: readonly Tensor[] = []): Tensor {
  const u = unit(randomBits(dims, sources))
  return low === 0 && high === 1 ? u : add(mul(u, high - low), low)
}

/** float32 standard normal numbers by Box-Muller. */
export function randomNormal(dims: readonly Dim[], sources: readonly Tensor[] = []): Tensor {
  const radius = sqrt(mul(log(sub(1, randomUniform(dims, 0, 1, sources))), -2))
  return mul(radius, cos(mul(randomUniform(dims, 0, 1, sources), 2 * Math.PI)))
}

/** int64 numbers uniform in [0, limit] inclusive; `limit` is an int64 tensor that broadcasts to `dims`. */
export function randomIntegers(dims: readonly Dim[], limit: Tensor, sources: readonly Tensor[] = []): Tensor {
  // Multiply-shift in 64 bits: unbiased to one part in 2^32 / limit, and no modulo.
  const words = cast(randomBits(dims, sources), 'int64')
  return div(mul(words, add(limit, 1)), constant(2 ** 32, 'int64'))
}

/**
 * Dropout: each element is kept with probability 1 - ratio and scaled by 1 / (1 - ratio).
 *
 * The mask is a pure function of (seed, step, place in the graph), unlike ONNX Dropout's.
 */
export function dropout(x: Tensor, ratio: number): Tensor {
  if (ratio === 0) return x
  if (!(ratio > 0 && ratio <= 1)) throw new RangeError(`dropout: expected a ratio in [0, 1], found ${ratio}.`)
  if (ratio === 1) return mul(x, 0)
  const bits = shiftRight(randomBits(x.shape, [x]), 8)
  const keep = cast(greaterOrEqual(cast(bits, 'int32'), Math.round(ratio * 2 ** 24)), x.dtype)
  return mul(x, mul(keep, 1 / (1 - ratio)))
}
