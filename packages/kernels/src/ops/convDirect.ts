import { sizeOf } from '@nemo/graph'
import { KernelBuilder, spread, THREADS } from '../kernelBuilder.js'
import type { OpContext } from '../planner.js'
import type { DenseValue, Value } from '../value.js'
import { flopsOf, type Planar, uniforms } from './planar.js'

/** What the kernels of a convolution get. */
export interface Convolution {
  readonly op: OpContext
  readonly planar: Planar
  readonly target: DenseValue
}

/** y = x * w: one thread per result, which walks its group's channels and the taps that fall inside the data. */
export function directForward({ op, planar, target }: Convolution, x: Value, w: Value): void {
  const [data, weight] = [op.planner.dense(x), op.planner.dense(w)]
  const kernel = new KernelBuilder('Conv')
  const result = kernel.write(target.expression.storage, 'f32')
  const xs = kernel.read(data.expression.storage, 'f32')
  const ws = kernel.read(weight.expression.storage, 'f32')
  const count = sizeOf(target.shape)
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
}

/**
 * dx from dy and w: one thread per element of dx, which gathers the results that it took part in, so that nothing is added
 * up out of order.
 */
export function directInputGradient({ op, planar, target }: Convolution, dy: Value, w: Value): void {
  const [flow, weight] = [op.planner.dense(dy), op.planner.dense(w)]
  const kernel = new KernelBuilder('ConvInputGradient')
  const result = kernel.write(target.expression.storage, 'f32')
  const ys = kernel.read(flow.expression.storage, 'f32')
  const ws = kernel.read(weight.expression.storage, 'f32')
  const count = sizeOf(target.shape)
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
}

// Threads that fold one tap's gradient together.
const FOLD_THREADS = 64

/**
 * dw from x and dy: a workgroup per tap strides over the batch and the results and folds in a tree (4 bytes of workgroup
 * memory a thread).
 */
export function directWeightGradient({ op, planar, target }: Convolution, x: Value, dy: Value): void {
  const [data, flow] = [op.planner.dense(x), op.planner.dense(dy)]
  const kernel = new KernelBuilder('ConvWeightGradient')
  const result = kernel.write(target.expression.storage, 'f32')
  const xs = kernel.read(data.expression.storage, 'f32')
  const ys = kernel.read(flow.expression.storage, 'f32')
  const taps = sizeOf(target.shape)
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
}
