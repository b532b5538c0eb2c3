import { sizeOf } from '@nemo/graph'
import { buffersOf, weightOf } from '../expression.js'
import type { Emitted, KernelBuilder } from '../kernelBuilder.js'
import type { OpContext } from '../planner.js'
import { broadcast, reshaped, type Value } from '../value.js'
import type { Convolution } from './convDirect.js'
import { multiply, type Operand, operand, together, transposed, valueOperand } from './matMul.js'
import { isPointwise, type Planar, uniforms } from './planar.js'

/** y = x * w as a product of the weight `[O, C taps]` and the data's patches, which are never stored. */
export function productForward({ op, planar, target }: Convolution, x: Value, w: Value): void {
  const { batch, yChannels, xChannels } = planar
  const inner = xChannels * sizeOf(planar.kernel)
  const weight = reshaped(op.planner.dense(w), [yChannels, inner])!
  const [data, filter] = operands(op, planar, x, weight)
  multiply(op.planner, {
    label: isPointwise(planar) ? 'ConvPointwise' : 'ConvProduct',
    batch: [batch],
    rows: yChannels,
    columns: sizeOf(planar.y),
    inner,
    a: valueOperand(broadcast(filter, [batch, yChannels, inner])),
    b: isPointwise(planar) ? valueOperand(transposed(data)) : patches(data, planar, 'depth'),
    target,
  })
}

/** dx from dy and w: a product of the weight `[C, O taps]` and what reaches each element of dx. */
export function productInputGradient({ op, planar, target }: Convolution, dy: Value, w: Value): void {
  const { batch, yChannels, xChannels } = planar
  const taps = sizeOf(planar.kernel)
  const dense = op.planner.dense(w)
  const pointwise = isPointwise(planar)
  const [flow, weight] = operands(op, planar, dy, reshaped(dense, [yChannels, xChannels, taps])!)
  multiply(op.planner, {
    label: pointwise ? 'ConvPointwiseInputGradient' : 'ConvProductInputGradient',
    batch: [batch],
    rows: xChannels,
    columns: sizeOf(planar.x),
    inner: yChannels * taps,
    a: pointwise
      ? valueOperand(broadcast(transposed(reshaped(dense, [yChannels, xChannels])!), [batch, xChannels, yChannels]))
      : turned(weight, taps),
    b: pointwise ? valueOperand(transposed(flow)) : arrivals(flow, planar),
    target,
  })
}

/** dw from x and dy: a product that runs over the batch. */
export function productWeightGradient({ op, planar, target }: Convolution, x: Value, dy: Value): void {
  const { batch, yChannels, xChannels } = planar
  const pointwise = isPointwise(planar)
  const flowed = asRows(op, dy)
  const [first, second] = pointwise ? [asRows(op, x), flowed] : [operand(op.planner, x), flowed]
  const [data, flow] = together(op.planner, first, second)
  multiply(op.planner, {
    label: pointwise ? 'ConvPointwiseWeightGradient' : 'ConvProductWeightGradient',
    batch: [],
    rows: yChannels,
    columns: xChannels * sizeOf(planar.kernel),
    inner: sizeOf(planar.y),
    runs: batch,
    a: valueOperand(flow),
    b: pointwise ? valueOperand(data) : patches(data, planar, 'row'),
    target,
  })
}

// The data's side, as rows where each place has one tap, and the weight, with no more buffers than a kernel binds.
function operands(op: OpContext, planar: Planar, data: Value, weight: Value): [Value, Value] {
  return together(op.planner, isPointwise(planar) ? asRows(op, data) : operand(op.planner, data), weight)
}

/** `[B, C, L]` of a value `[B, C, ...L]`. */
function asRows(op: OpContext, value: Value): Value {
  const [batch, channels, ...lengths] = value.shape as [number, number, ...number[]]
  const shape = [batch, channels, sizeOf(lengths)]
  return reshaped(operand(op.planner, value), shape) ?? reshaped(op.planner.dense(value), shape)!
}

// Splits a number into place and remainder; nothing to do for size 1.
const split = (name: string, size: number, bound: string): [string, string] =>
  size === 1 ? [name, '0'] : [`(${name} / ${bound})`, `(${name} % ${bound})`]

// An element of `[B, C, rows, columns]` or `[B, C, columns]` if it is inside, else 0.
function inside(kernel: KernelBuilder, value: Value, at: Inside): Emitted {
  const [element, r, t] = [kernel.variable(), kernel.variable(), kernel.variable()]
  const planes = value.shape.length === 4
  const places = planes ? [at.item, at.channel, r, t] : [at.item, at.channel, t]
  const emitted = kernel.emit(value.expression, value.shape, places)
  const within = [
    ...(planes ? [`${r} >= 0 && ${r} < ${at.sizes[0]}`] : []),
    `${t} >= 0 && ${t} < ${at.sizes[1]}`,
    ...at.conditions,
  ]
  return {
    statements: `let ${r} = ${at.row};
let ${t} = ${at.column};
var ${element} = 0.0;
if (${within.join(' && ')}) {
${emitted.statements}${element} = ${emitted.value};
}
`,
    value: element,
  }
}

interface Inside {
  readonly item: string
  readonly channel: string
  readonly row: string
  readonly column: string
  readonly sizes: readonly [string, string]
  readonly conditions: readonly string[]
}

// Element (channel and tap, place of y) of the data's patches; taps lie along one axis of the product, places along the other.
function patches(x: Value, planar: Planar, taps: 'row' | 'depth'): Operand {
  return {
    buffers: buffersOf(x.expression),
    weight: weightOf(x.expression),
    inner: taps === 'row',
    emit: (kernel, before, row, depth) => {
      const u = uniforms(kernel, planar)
      const [tap, place] = taps === 'row' ? [row, depth] : [depth, row]
      const [above, j] = split(tap, planar.kernel[1], u.kernel[1])
      const [channel, i] = split(above, planar.kernel[0], u.kernel[0])
      const [line, column] = planar.y[0] === 1 ? ['0', place] : [`(${place} / ${u.y[1]})`, `(${place} % ${u.y[1]})`]
      return inside(kernel, x, {
        item: before[0]!,
        channel,
        row: `${line} * ${u.strides[0]} - ${u.pads[0]} + ${i} * ${u.dilations[0]}`,
        column: `${column} * ${u.strides[1]} - ${u.pads[1]} + ${j} * ${u.dilations[1]}`,
        sizes: u.x,
        conditions: [],
      })
    },
  }
}

// Element (place of x, channel and tap of y) of what flows back to that place.
function arrivals(dy: Value, planar: Planar): Operand {
  return {
    buffers: buffersOf(dy.expression),
    weight: weightOf(dy.expression),
    inner: false,
    emit: (kernel, before, row, depth) => {
      const u = uniforms(kernel, planar)
      const [above, j] = split(depth, planar.kernel[1], u.kernel[1])
      const [channel, i] = split(above, planar.kernel[0], u.kernel[0])
      const [line, column] = planar.x[0] === 1 ? ['0', row] : [`(${row} / ${u.x[1]})`, `(${row} % ${u.x[1]})`]
      const [far, long] = [kernel.variable(), kernel.variable()]
      const emitted = inside(kernel, dy, {
        item: before[0]!,
        channel,
        row: planar.strides[0] === 1 ? far : `${far} / ${u.strides[0]}`,
        column: planar.strides[1] === 1 ? long : `${long} / ${u.strides[1]}`,
        sizes: u.y,
        conditions: [
          ...(planar.strides[0] === 1 ? [] : [`${far} >= 0 && ${far} % ${u.strides[0]} == 0`]),
          ...(planar.strides[1] === 1 ? [] : [`${long} >= 0 && ${long} % ${u.strides[1]} == 0`]),
        ],
      })
      return {
        statements: `let ${far} = ${line} + ${u.pads[0]} - ${i} * ${u.dilations[0]};
let ${long} = ${column} + ${u.pads[1]} - ${j} * ${u.dilations[1]};
${emitted.statements}`,
        value: emitted.value,
      }
    },
  }
}

// Element (channel of x, channel and tap of y) of a weight `[O, C, taps]`.
function turned(weight: Value, taps: number): Operand {
  return {
    buffers: buffersOf(weight.expression),
    weight: weightOf(weight.expression),
    inner: true,
    emit: (kernel, _before, row, depth) => {
      const [channel, tap] = split(depth, taps, kernel.integer(taps))
      return kernel.emit(weight.expression, weight.shape, [channel, row, tap])
    },
  }
}
