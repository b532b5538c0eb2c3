import { weightOf } from '../expression.js'
import { KernelBuilder, spread } from '../kernelBuilder.js'
import type { Value } from '../value.js'
import type { Convolution } from './convDirect.js'
import { operand, together } from './matMul.js'
import { flopsOf, isDepthwise, type Planar, uniforms } from './planar.js'

// Results of a workgroup; each of its threads computes four.
const TILE = 256
const TILE_THREADS = 64
const SHARE = TILE / TILE_THREADS
// Threads that compute a channel's weight gradient.
const WEIGHT_THREADS = 256
// Floats of workgroup memory that every device has.
const SHARED_FLOATS = 4096
// Arrays in workgroup memory have one of few sizes, so that kernels of equal length share code.
const GRANULE = 256

const rounded = (size: number): number => Math.ceil(size / GRANULE) * GRANULE

// How far a tile of results reaches over the data.
const reachOf = ({ kernel, strides, dilations }: Planar): number =>
  (TILE - 1) * strides[1] + (kernel[1] - 1) * dilations[1] + 1

/** Whether the kernels' tiles of a depthwise convolution fit into workgroup memory. */
export const fitsDepthwise = (planar: Planar): boolean =>
  isDepthwise(planar) &&
  planar.kernel[1] <= WEIGHT_THREADS &&
  rounded(reachOf(planar)) + rounded(planar.kernel[1]) + TILE + WEIGHT_THREADS <= SHARED_FLOATS

// Coordinates of an element of `[B, C, T]` or `[B, C, 1, T]`.
const placesIn = (value: Value, item: string, channel: string, column: string): string[] =>
  value.shape.length === 4 ? [item, channel, '0', column] : [item, channel, column]

// Brings part of a row to workgroup memory, zeros where it ends.
function stage(
  kernel: KernelBuilder,
  value: Value,
  part: { name: string; item: string; channel: string; start: string; reach: string; length: string },
): string {
  const emitted = kernel.emit(value.expression, value.shape, placesIn(value, part.item, part.channel, 'column'))
  return `for (var e = local; e < ${part.reach}; e += THREADS) {
  let column = ${part.start} + e;
  var element = 0.0;
  if (column >= 0 && column < ${part.length}) {
${emitted.statements}element = ${emitted.value};
  }
  ${part.name}[e] = element;
}
`
}

/**
 * y = x * w, one data channel per group: a workgroup computes 256 neighbours of a channel. Data and taps pass through
 * workgroup memory, so that an expression is evaluated once for each tile.
 */
export function depthwiseForward({ op, planar, target }: Convolution, x: Value, w: Value): void {
  const [data, filter] = together(op.planner, operand(op.planner, x), op.planner.dense(w))
  const kernel = new KernelBuilder('Depthwise')
  const result = kernel.write(target.expression.storage, 'f32')
  const u = uniforms(kernel, planar)
  const channels = planar.group * planar.yChannels
  const tiles = Math.ceil(planar.y[1] / TILE)
  const groups = planar.batch * channels * tiles
  const [total, tileCount, reach, allChannels] = [groups, tiles, reachOf(planar), channels].map((n) =>
    kernel.integer(n),
  ) as [string, string, string, string]
  const taps = kernel.emit(filter.expression, filter.shape, tapPlaces(filter, 'channel', '0'))
  op.record(
    kernel.finish({
      threads: TILE_THREADS,
      shared: `var<workgroup> data: array<f32, ${rounded(reachOf(planar))}>;
var<workgroup> taps: array<f32, ${rounded(planar.kernel[1])}>;
`,
      body: `if (group >= ${total}) { return; }
let first = (group % ${tileCount}) * ${TILE};
let plane = group / ${tileCount};
let channel = plane % ${allChannels};
let item = plane / ${allChannels};
let source = channel / ${u.yChannels};
let start = first * ${u.strides[1]} - ${u.pads[1]};
${stage(kernel, data, { name: 'data', item: 'item', channel: 'source', start: 'start', reach, length: u.x[1] })}for (var e = local; e < ${u.kernel[1]}; e += THREADS) {
${taps.statements}taps[e] = ${taps.value};
}
workgroupBarrier();
var sums: array<f32, ${SHARE}>;
for (var j = 0; j < ${u.kernel[1]}; j++) {
  let tap = taps[j];
  let at = j * ${u.dilations[1]} + local * ${u.strides[1]};
${each((i) => `  sums[${i}] += tap * data[at + ${i * TILE_THREADS} * ${u.strides[1]}];\n`)}}
let line = plane * ${u.y[1]} + first + local;
${each((i) => `if (first + local + ${i * TILE_THREADS} < ${u.y[1]}) { ${result}[line + ${i * TILE_THREADS}] = sums[${i}]; }\n`)}`,
      workgroups: spread(groups),
      flops: flopsOf(planar) + groups * reachOf(planar) * weightOf(data.expression),
    }),
  )
}

// Coordinates of tap `e` of a channel's weight `[O, 1, K]` or `[O, 1, 1, K]`.
const tapPlaces = (filter: Value, channel: string, zero: string): string[] =>
  filter.shape.length === 4 ? [channel, zero, zero, 'e'] : [channel, zero, 'e']

const each = (text: (i: number) => string): string => Array.from({ length: SHARE }, (_, i) => text(i)).join('')

/** dx from dy and w: the same with the taps turned around; where data was skipped, taps fall between results. */
export function depthwiseInputGradient({ op, planar, target }: Convolution, dy: Value, w: Value): void {
  const [flow, filter] = together(op.planner, operand(op.planner, dy), op.planner.dense(w))
  const kernel = new KernelBuilder('DepthwiseInputGradient')
  const result = kernel.write(target.expression.storage, 'f32')
  const u = uniforms(kernel, planar)
  const tiles = Math.ceil(planar.x[1] / TILE)
  const groups = planar.batch * planar.group * tiles
  const stride = planar.strides[1]
  const span = (planar.kernel[1] - 1) * planar.dilations[1]
  const reach = Math.floor((TILE - 1 + span) / stride) + 2
  const [total, tileCount, reached, allSpan] = [groups, tiles, reach, span].map((n) => kernel.integer(n)) as [
    string,
    string,
    string,
    string,
  ]
  const taps = kernel.emit(filter.expression, filter.shape, tapPlaces(filter, 'channel', '0'))
  const term = (i: number) =>
    stride === 1
      ? `  sums[${i}] += tap * data[at + ${i * TILE_THREADS}];\n`
      : `  if ((at + ${i * TILE_THREADS}) % ${u.strides[1]} == 0) { sums[${i}] += tap * data[(at + ${i * TILE_THREADS}) / ${u.strides[1]}]; }\n`
  op.record(
    kernel.finish({
      threads: TILE_THREADS,
      shared: `var<workgroup> data: array<f32, ${rounded(reach)}>;
var<workgroup> taps: array<f32, ${rounded(planar.kernel[1])}>;
fn divide_down(a: i32, b: i32) -> i32 { return select(a / b, -((b - 1 - a) / b), a < 0); }
`,
      body: `if (group >= ${total}) { return; }
let first = (group % ${tileCount}) * ${TILE};
let plane = group / ${tileCount};
let source = plane % ${u.group};
let item = plane / ${u.group};
let begin = first + ${u.pads[1]} - ${allSpan};
let start = divide_down(begin, ${u.strides[1]});
let shift = begin - start * ${u.strides[1]} + ${allSpan} + local;
var sums: array<f32, ${SHARE}>;
for (var member = 0; member < ${u.yChannels}; member++) {
let channel = source * ${u.yChannels} + member;
${stage(kernel, flow, { name: 'data', item: 'item', channel: 'channel', start: 'start', reach: reached, length: u.y[1] })}for (var e = local; e < ${u.kernel[1]}; e += THREADS) {
${taps.statements}taps[e] = ${taps.value};
}
workgroupBarrier();
for (var j = 0; j < ${u.kernel[1]}; j++) {
  let tap = taps[j];
  let at = shift - j * ${u.dilations[1]};
${each(term)}}
workgroupBarrier();
}
let line = plane * ${u.x[1]} + first + local;
${each((i) => `if (first + local + ${i * TILE_THREADS} < ${u.x[1]}) { ${result}[line + ${i * TILE_THREADS}] = sums[${i}]; }\n`)}`,
      workgroups: spread(groups),
      flops: flopsOf(planar) + groups * reach * weightOf(flow.expression),
    }),
  )
}

/**
 * dw from x and dy: a workgroup per channel. Tiles of both pass through workgroup memory; each thread follows one tap over
 * its share of the tile, and the shares of a tap are added up in order at the end.
 */
export function depthwiseWeightGradient({ op, planar, target }: Convolution, x: Value, dy: Value): void {
  const [data, flow] = together(op.planner, operand(op.planner, x), operand(op.planner, dy))
  const kernel = new KernelBuilder('DepthwiseWeightGradient')
  const result = kernel.write(target.expression.storage, 'f32')
  const u = uniforms(kernel, planar)
  const channels = planar.group * planar.yChannels
  // A power of two, so that threads split into equal shares.
  const columns = 2 ** Math.ceil(Math.log2(planar.kernel[1]))
  const shares = WEIGHT_THREADS / columns
  const [total, reach] = [kernel.integer(channels), kernel.integer(reachOf(planar))]
  op.record(
    kernel.finish({
      threads: WEIGHT_THREADS,
      shared: `var<workgroup> data: array<f32, ${rounded(reachOf(planar))}>;
var<workgroup> flow: array<f32, ${TILE}>;
var<workgroup> sums: array<f32, ${WEIGHT_THREADS}>;
`,
      body: `if (group >= ${total}) { return; }
let channel = group;
let source = channel / ${u.yChannels};
let tap = local % ${columns};
let share = local / ${columns};
var sum = 0.0;
for (var item = 0; item < ${kernel.integer(planar.batch)}; item++) {
for (var first = 0; first < ${u.y[1]}; first += ${TILE}) {
let start = first * ${u.strides[1]} - ${u.pads[1]};
${stage(kernel, data, { name: 'data', item: 'item', channel: 'source', start: 'start', reach, length: u.x[1] })}${stage(kernel, flow, { name: 'flow', item: 'item', channel: 'channel', start: 'first', reach: String(TILE), length: u.y[1] })}workgroupBarrier();
if (tap < ${u.kernel[1]}) {
  for (var t = share; t < ${TILE}; t += ${shares}) {
    sum += flow[t] * data[t * ${u.strides[1]} + tap * ${u.dilations[1]}];
  }
}
workgroupBarrier();
}
}
sums[local] = sum;
workgroupBarrier();
if (local < ${u.kernel[1]}) {
  for (var other = 1; other < ${shares}; other++) { sum += sums[other * ${columns} + local]; }
  ${result}[channel * ${u.kernel[1]} + local] = sum;
}
`,
      workgroups: spread(channels),
      flops:
        flopsOf(planar) +
        planar.batch * channels * (planar.x[1] * weightOf(data.expression) + planar.y[1] * weightOf(flow.expression)),
    }),
  )
}
