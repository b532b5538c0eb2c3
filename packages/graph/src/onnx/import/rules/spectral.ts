import { addDims, type Dim, floorDivideDims, subtractDims } from '../../../dim.js'
import { type DType, isFloat } from '../../../dtype.js'
import { add, mul, sub } from '../../../ops/arithmetic.js'
import { cast } from '../../../ops/cast.js'
import { concat } from '../../../ops/concat.js'
import { range } from '../../../ops/fill.js'
import { gather } from '../../../ops/gather.js'
import { constant } from '../../../ops/leaves.js'
import { matMul } from '../../../ops/matMul.js'
import { unsqueeze } from '../../../ops/reshape.js'
import { dimTensor } from '../../../ops/shape.js'
import { narrow } from '../../../ops/slice.js'
import { swapAxes } from '../../../ops/transpose.js'
import type { Tensor } from '../../../tensor.js'
import type { ImportedNode } from '../importedNode.js'
import { type RuleTable, rule } from '../importRule.js'
import { castTarget } from './castTarget.js'

// Larger transforms by matrices would take more memory than anybody has in mind.
const LONGEST = 4096

/** Real and imaginary part of a signal; the latter may be absent. */
interface Complex {
  readonly real: Tensor
  readonly imaginary: Tensor | undefined
}

const partsOf = (x: Tensor): Complex => ({
  real: gather(x, constant(0, 'int64'), -1),
  imaginary: x.shape.at(-1) === 2 ? gather(x, constant(1, 'int64'), -1) : undefined,
})

function matrix(rows: number, columns: number, dtype: DType, element: (row: number, column: number) => number): Tensor {
  const values = Float64Array.from({ length: rows * columns }, (_, i) => element(Math.floor(i / columns), i % columns))
  return cast(constant(values, 'float64', [rows, columns]), dtype)
}

/** e^(-2 pi i t k / n) for t rows and k columns, or its conjugate, as cosines and sines. */
function twiddles(rows: number, columns: number, n: number, inverse: boolean, dtype: DType): [Tensor, Tensor] {
  const angle = (t: number, k: number) => (2 * Math.PI * ((t * k) % n)) / n
  const sign = inverse ? 1 : -1
  return [
    matrix(rows, columns, dtype, (t, k) => Math.cos(angle(t, k))),
    matrix(rows, columns, dtype, (t, k) => sign * Math.sin(angle(t, k))),
  ]
}

// (a + ib)(c + is) over the last axis.
function transformed({ real, imaginary }: Complex, [cosine, sine]: [Tensor, Tensor]): [Tensor, Tensor] {
  const [re, im] = [matMul(real, cosine), matMul(real, sine)]
  if (!imaginary) return [re, im]
  return [sub(re, matMul(imaginary, sine)), add(im, matMul(imaginary, cosine))]
}

const stacked = (real: Tensor, imaginary: Tensor): Tensor =>
  concat([unsqueeze(real, real.rank), unsqueeze(imaginary, real.rank)], -1)

function checkLength(node: ImportedNode, n: Dim): number {
  if (typeof n !== 'number') return node.unsupported(`its length is ${n}; expected a number.`)
  if (n < 1 || n > LONGEST) return node.unsupported(`its length is ${n}; lengths up to ${LONGEST} are supported.`)
  return n
}

function dft(node: ImportedNode): Tensor {
  const x = node.input(0)
  const given = node.version < 20 ? node.int('axis', 1) : (node.number(2, 'axis') ?? -2)
  const axis = given < 0 ? given + x.rank : given
  if (!(axis >= 0 && axis < x.rank - 1)) return node.fail(`axis ${given} is no axis of the signal ${x}.`)
  const [inverse, oneSided] = [node.int('inverse', 0) !== 0, node.int('onesided', 0) !== 0]
  const size = checkLength(node, x.shape[axis]!)
  const irfft = inverse && oneSided
  const n = checkLength(node, node.number(1, 'dft_length') ?? (irfft ? 2 * (size - 1) : size))
  const parts = partsOf(x)
  const last = (t: Tensor) => swapAxes(t, axis, -1)
  // Only the first n values count; missing ones are zeros, which need no rows.
  const half = Math.floor(n / 2) + 1
  const used = Math.min(size, irfft ? half : n)
  const cut = (t: Tensor) => (used < size ? narrow(last(t), -1, 0, used) : last(t))
  const signal: Complex = { real: cut(parts.real), imaginary: parts.imaginary && cut(parts.imaginary) }
  const columns = oneSided && !inverse ? half : n
  const [cosine, sine] = twiddles(used, columns, n, inverse, x.dtype)
  if (irfft) {
    // Frequencies between the ends stand for their mirror images too.
    const weight = matrix(1, used, x.dtype, (_, k) => (k === 0 || 2 * k === n ? 1 / n : 2 / n))
    const [real] = transformed(
      { real: mul(signal.real, weight), imaginary: signal.imaginary && mul(signal.imaginary, weight) },
      [cosine, sine],
    )
    return unsqueeze(last(real), x.rank - 1)
  }
  const [real, imaginary] = transformed(signal, [cosine, sine])
  const scaled = (t: Tensor) => last(inverse ? mul(t, 1 / n) : t)
  return stacked(scaled(real), scaled(imaginary))
}

function stft(node: ImportedNode): Tensor {
  const given = node.input(0)
  const signal = given.rank === 2 ? { real: given, imaginary: undefined } : partsOf(given)
  const step = node.number(1, 'frame_step') ?? node.fail('its frame_step is missing.')
  const window = node.optional(2)
  const n = checkLength(
    node,
    node.number(3, 'frame_length') ?? window?.shape[0] ?? node.fail('it has neither a window nor a frame_length.'),
  )
  if (!(Number.isInteger(step) && step > 0)) return node.fail(`expected a frame_step of 1 or more, found ${step}.`)
  const oneSided = node.int('onesided', 1) !== 0
  const frames = addDims(floorDivideDims(subtractDims(given.shape[1]!, n), step), 1)
  const starts = mul(range(typeof frames === 'number' ? Math.max(0, frames) : dimTensor(frames, [given])), step)
  const places = add(unsqueeze(starts, 1), range(n))
  const framed = (t: Tensor) => {
    const rows = gather(t, places, 1)
    return window ? mul(rows, window) : rows
  }
  const columns = oneSided ? Math.floor(n / 2) + 1 : n
  const parts: Complex = { real: framed(signal.real), imaginary: signal.imaginary && framed(signal.imaginary) }
  return stacked(...transformed(parts, twiddles(n, columns, n, false, given.dtype)))
}

/** Triangles over DFT bins, even on the mel scale 2595 log10(1 + f / 700), as ONNX rounds their corners to bins. */
function melWeightMatrix(node: ImportedNode): Tensor {
  const [bands, length, rate, low, high] = [
    'num_mel_bins',
    'dft_length',
    'sample_rate',
    'lower_edge_hertz',
    'upper_edge_hertz',
  ].map((name, i) => node.number(i, name) ?? node.fail(`its ${name} is missing.`)) as [
    number,
    number,
    number,
    number,
    number,
  ]
  const bins = Math.floor(length / 2) + 1
  if (!(bands >= 1 && bands <= LONGEST && length >= 1 && length * bands <= LONGEST * LONGEST && rate > 0))
    return node.fail(`${bands} bands of ${length} samples at ${rate} Hz are impossible.`)
  const mel = (hertz: number) => 2595 * Math.log10(1 + hertz / 700)
  const hertz = (value: number) => 700 * (10 ** (value / 2595) - 1)
  const width = (mel(high) - mel(low)) / (bands + 2)
  const corner = (i: number) => Math.floor(((length + 1) * hertz(mel(low) + i * width)) / rate)
  const corners = Array.from({ length: bands + 2 }, (_, i) => corner(i))
  const dtype = castTarget(node, node.int('output_datatype', 1))
  if (!isFloat(dtype)) return node.unsupported(`weights of ${dtype} are not supported.`)
  return matrix(bins, bands, dtype, (bin, band) => {
    const [left, centre, right] = corners.slice(band, band + 3) as [number, number, number]
    if (bin === centre) return 1
    if (bin > left && bin < centre) return (bin - left) / (centre - left)
    return bin > centre && bin < right ? (right - bin) / (right - centre) : 0
  })
}

/** Fourier transforms, as matrix products. */
export const spectralRules: RuleTable = {
  DFT: rule(17, [1, 3], dft),
  MelWeightMatrix: rule(17, 5, melWeightMatrix),
  STFT: rule(17, [2, 4], stft),
}
