import { geometryOf, sizeOf } from '@nemo/graph'
import { KernelBuilder, spread, THREADS } from '../kernelBuilder.js'
import type { OpKernel } from '../opKernel.js'
import type { OpContext } from '../planner.js'
import { broadcast, type DenseValue, map, reshaped, type Value } from '../value.js'
import { multiply, operand, transposed } from './matMul.js'

/** A convolution over two axes; over one, the first of them has size 1. `x` is the data's side, `y` the result's. */
interface Planar {
  readonly batch: number
  readonly group: number
  /** Channels of x and y per group. */
  readonly xChannels: number
  readonly yChannels: number
  readonly x: readonly [number, number]
  readonly y: readonly [number, number]
  readonly kernel: readonly [number, number]
  readonly strides: readonly [number, number]
  readonly dilations: readonly [number, number]
  /** At the begin of each axis. */
  readonly pads: readonly [number, number]
}

function planarOf(op: OpContext, x: readonly number[], w: readonly number[], y: readonly number[]): Planar {
  const spatial = x.length - 2
  if (spatial > 2) op.refuse('convolutions over more than two axes are not there.')
  if (op.value(0).dtype !== 'float32') op.refuse(`convolutions of ${op.value(0).dtype} are not there; cast to float32.`)
  const geometry = geometryOf(op.node.attributes, spatial)
  const pair = (list: readonly number[], fill: number) =>
    (spatial === 1 ? [fill, list[0]!] : [list[0]!, list[1]!]) as [number, number]
  return {
    batch: x[0]!,
    group: geometry.group,
    xChannels: w[1]!,
    yChannels: w[0]! / geometry.group,
    x: pair(x.slice(2), 1),
    y: pair(y.slice(2), 1),
    kernel: pair(w.slice(2), 1),
    strides: pair(geometry.strides, 1),
    dilations: pair(geometry.dilations, 1),
    pads: pair(geometry.pads, 0),
  }
}

// Forward and both gradients pair the same elements: each result's taps in all channels of its group.
const flopsOf = ({ batch, group, xChannels, yChannels, y, kernel }: Planar): number =>
  2 * batch * group * yChannels * sizeOf(y) * xChannels * sizeOf(kernel)

// One tap, nothing skipped or padded: a matrix product per item.
const isPointwise = ({ group, kernel, strides, pads, x, y }: Planar): boolean =>
  group === 1 &&
  kernel.every((taps) => taps === 1) &&
  strides.every((stride) => stride === 1) &&
  pads.every((pad) => pad === 0) &&
  x.every((size, axis) => size === y[axis])

/** `[B, C, L]` of a value `[B, C, ...L]`. */
function asRows(op: OpContext, value: Value): Value {
  const [batch, channels, ...lengths] = value.shape as [number, number, ...number[]]
  const shape = [batch, channels, sizeOf(lengths)]
  return reshaped(operand(op.planner, value), shape) ?? reshaped(op.planner.dense(value), shape)!
}

/** The weight `[yChannels, xChannels]` of a pointwise convolution. */
const asMatrix = (op: OpContext, weight: Value, { yChannels, xChannels }: Planar): Value =>
  reshaped(op.planner.dense(weight), [yChannels, xChannels])!

function uniforms(kernel: KernelBuilder, planar: Planar) {
  const pair = (values: readonly [number, number]) => values.map((value) => kernel.integer(value)) as [string, string]
  return {
    group: kernel.integer(planar.group),
    xChannels: kernel.integer(planar.xChannels),
    yChannels: kernel.integer(planar.yChannels),
    x: pair(planar.x),
    y: pair(planar.y),
    kernel: pair(planar.kernel),
    strides: pair(planar.strides),
    dilations: pair(planar.dilations),
    pads: pair(planar.pads),
  }
}

/**
 * y = x * w, no bias. With one tap a matrix product; else one thread per result, which walks its group's channels and the
 * taps that fall inside the data.
 */
function convolve(op: OpContext, x: Value, w: Value, shape: readonly number[]): DenseValue {
  const planar = planarOf(op, x.shape, w.shape, shape)
  const target = op.planner.allocate('float32', shape, op.node.describe())
  if (isPointwise(planar)) {
    const { batch, yChannels, xChannels } = planar
    const length = sizeOf(planar.x)
    multiply(op.planner, {
      label: 'ConvPointwise',
      batch: [batch],
      rows: yChannels,
      columns: length,
      inner: xChannels,
      a: broadcast(asMatrix(op, w, planar), [batch, yChannels, xChannels]),
      b: transposed(asRows(op, x)),
      target,
    })
    return target
  }
  const [data, weight] = [op.planner.dense(x), op.planner.dense(w)]
  const kernel = new KernelBuilder('Conv')
  const result = kernel.write(target.expression.storage, 'f32')
  const xs = kernel.read(data.expression.storage, 'f32')
  const ws = kernel.read(weight.expression.storage, 'f32')
  const count = sizeOf(shape)
  const total = kernel.integer(count)
  const u = uniforms(kernel, planar)
  op.record(
    kernel.finish({
      body: `if (index >= ${total}) { return; }
let column = index % ${u.y[1]};
let row = (index / ${u.y[1]}) % ${u.y[0]};
let plane = index / (${u.y[1]} * ${u.y[0]});
let channel = plane % (${u.yChannels} * ${u.group});
let item = plane / (${u.yChannels} * ${u.group});
let first = (item * ${u.group} + channel / ${u.yChannels}) * ${u.xChannels};
let row0 = row * ${u.strides[0]} - ${u.pads[0]};
let column0 = column * ${u.strides[1]} - ${u.pads[1]};
var sum = 0.0;
for (var c = 0; c < ${u.xChannels}; c++) {
  for (var i = 0; i < ${u.kernel[0]}; i++) {
    let r = row0 + i * ${u.dilations[0]};
    if (r < 0 || r >= ${u.x[0]}) { continue; }
    let line = ((first + c) * ${u.x[0]} + r) * ${u.x[1]};
    let taps = ((channel * ${u.xChannels} + c) * ${u.kernel[0]} + i) * ${u.kernel[1]};
    for (var j = 0; j < ${u.kernel[1]}; j++) {
      let t = column0 + j * ${u.dilations[1]};
      if (t >= 0 && t < ${u.x[1]}) { sum += ${xs}[line + t] * ${ws}[taps + j]; }
    }
  }
}
${result}[index] = sum;
`,
      workgroups: spread(Math.ceil(count / THREADS)),
      flops: flopsOf(planar),
    }),
  )
  return target
}

/**
 * dx from dy and w, also the transposed convolution. With one tap a matrix product; else one thread per element of dx,
 * which gathers the results that it took part in, so that nothing is added up out of order.
 */
function convolveBack(op: OpContext, dy: Value, w: Value, shape: readonly number[]): DenseValue {
  const planar = planarOf(op, shape, w.shape, dy.shape)
  const target = op.planner.allocate('float32', shape, op.node.describe())
  if (isPointwise(planar)) {
    const { batch, yChannels, xChannels } = planar
    multiply(op.planner, {
      label: 'ConvPointwiseInputGradient',
      batch: [batch],
      rows: xChannels,
      columns: sizeOf(planar.x),
      inner: yChannels,
      a: broadcast(transposed(asMatrix(op, w, planar)), [batch, xChannels, yChannels]),
      b: transposed(asRows(op, dy)),
      target,
    })
    return target
  }
  const [flow, weight] = [op.planner.dense(dy), op.planner.dense(w)]
  const kernel = new KernelBuilder('ConvInputGradient')
  const result = kernel.write(target.expression.storage, 'f32')
  const ys = kernel.read(flow.expression.storage, 'f32')
  const ws = kernel.read(weight.expression.storage, 'f32')
  const count = sizeOf(shape)
  const total = kernel.integer(count)
  const u = uniforms(kernel, planar)
  op.record(
    kernel.finish({
      body: `if (index >= ${total}) { return; }
let column = index % ${u.x[1]};
let row = (index / ${u.x[1]}) % ${u.x[0]};
let plane = index / (${u.x[1]} * ${u.x[0]});
let channel = plane % (${u.xChannels} * ${u.group});
let item = plane / (${u.xChannels} * ${u.group});
let member = channel % ${u.xChannels};
let first = (channel / ${u.xChannels}) * ${u.yChannels};
var sum = 0.0;
for (var o = first; o < first + ${u.yChannels}; o++) {
  for (var i = 0; i < ${u.kernel[0]}; i++) {
    let r = row + ${u.pads[0]} - i * ${u.dilations[0]};
    if (r < 0 || r % ${u.strides[0]} != 0 || r / ${u.strides[0]} >= ${u.y[0]}) { continue; }
    let line = ((item * ${u.yChannels} * ${u.group} + o) * ${u.y[0]} + r / ${u.strides[0]}) * ${u.y[1]};
    let taps = ((o * ${u.xChannels} + member) * ${u.kernel[0]} + i) * ${u.kernel[1]};
    for (var j = 0; j < ${u.kernel[1]}; j++) {
      let t = column + ${u.pads[1]} - j * ${u.dilations[1]};
      if (t >= 0 && t % ${u.strides[1]} == 0 && t / ${u.strides[1]} < ${u.y[1]}) {
        sum += ${ys}[line + t / ${u.strides[1]}] * ${ws}[taps + j];
      }
    }
  }
}
${result}[index] = sum;
`,
      workgroups: spread(Math.ceil(count / THREADS)),
      flops: flopsOf(planar),
    }),
  )
  return target
}

// Threads that fold one tap's gradient together.
const FOLD_THREADS = 64

/**
 * dw from x and dy. With one tap a matrix product that runs over the batch; else a workgroup per tap strides over the
 * batch and the results and folds in a tree (4 bytes of workgroup memory a thread).
 */
function weightGradient(op: OpContext, x: Value, dy: Value, shape: readonly number[]): DenseValue {
  const planar = planarOf(op, x.shape, shape, dy.shape)
  const target = op.planner.allocate('float32', shape, op.node.describe())
  if (isPointwise(planar)) {
    multiply(op.planner, {
      label: 'ConvPointwiseWeightGradient',
      batch: [],
      rows: planar.yChannels,
      columns: planar.xChannels,
      inner: sizeOf(planar.x),
      runs: planar.batch,
      a: asRows(op, dy),
      b: asRows(op, x),
      target,
    })
    return target
  }
  const [data, flow] = [op.planner.dense(x), op.planner.dense(dy)]
  const kernel = new KernelBuilder('ConvWeightGradient')
  const result = kernel.write(target.expression.storage, 'f32')
  const xs = kernel.read(data.expression.storage, 'f32')
  const ys = kernel.read(flow.expression.storage, 'f32')
  const taps = sizeOf(shape)
  const total = kernel.integer(taps)
  const steps = kernel.integer(planar.batch * planar.y[0] * planar.y[1])
  const u = uniforms(kernel, planar)
  op.record(
    kernel.finish({
      threads: FOLD_THREADS,
      shared: `var<workgroup> parts: array<f32, ${FOLD_THREADS}>;\n`,
      body: `if (group >= ${total}) { return; }
let j = group % ${u.kernel[1]};
let i = (group / ${u.kernel[1]}) % ${u.kernel[0]};
let pair = group / (${u.kernel[1]} * ${u.kernel[0]});
let member = pair % ${u.xChannels};
let o = pair / ${u.xChannels};
let channel = (o / ${u.yChannels}) * ${u.xChannels} + member;
let row_shift = i * ${u.dilations[0]} - ${u.pads[0]};
let column_shift = j * ${u.dilations[1]} - ${u.pads[1]};
var sum = 0.0;
for (var e = local; e < ${steps}; e += THREADS) {
  let column = e % ${u.y[1]};
  let line = e / ${u.y[1]};
  let row = line % ${u.y[0]};
  let item = line / ${u.y[0]};
  let r = row * ${u.strides[0]} + row_shift;
  let t = column * ${u.strides[1]} + column_shift;
  if (r >= 0 && r < ${u.x[0]} && t >= 0 && t < ${u.x[1]}) {
    sum += ${xs}[((item * ${u.xChannels} * ${u.group} + channel) * ${u.x[0]} + r) * ${u.x[1]} + t]
      * ${ys}[((item * ${u.yChannels} * ${u.group} + o) * ${u.y[0]} + row) * ${u.y[1]} + column];
  }
}
parts[local] = sum;
workgroupBarrier();
for (var half = THREADS / 2; half > 0; half /= 2) {
  if (local < half) { parts[local] += parts[local + half]; }
  workgroupBarrier();
}
if (local == 0) { ${result}[group] = parts[0]; }
`,
      workgroups: spread(taps),
      flops: flopsOf(planar),
    }),
  )
  return target
}

function withBias(op: OpContext, y: Value): Value {
  if (!op.has(2)) return y
  const bias =
    reshaped(op.value(2), [1, y.shape[1]!, ...y.shape.slice(2).map(() => 1)]) ??
    reshaped(op.dense(2), [1, y.shape[1]!, ...y.shape.slice(2).map(() => 1)])!
  return map(y.dtype, y.shape, [y, bias], ([a, b]) => `${a} + ${b}`)
}

/** Convolution over one or two axes, with groups, strides, dilations, pads and an optional bias. */
export const Conv: OpKernel = (op) => [withBias(op, convolve(op, op.value(0), op.value(1), op.outputShape()))]

/** Gradient of Conv with respect to its data: inputs dy, weight and x. */
export const ConvInputGradient: OpKernel = (op) => [convolveBack(op, op.value(0), op.value(1), op.outputShape())]

/** Gradient of Conv with respect to its weight: inputs x, dy and weight. */
export const ConvWeightGradient: OpKernel = (op) => [weightGradient(op, op.value(0), op.value(1), op.outputShape())]

/** Transposed convolution: the adjoint of Conv, with an optional bias. */
export const ConvTranspose: OpKernel = (op) => [
  withBias(op, convolveBack(op, op.value(0), op.value(1), op.outputShape())),
]
