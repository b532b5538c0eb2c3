import { sizeOf } from '@nemo/graph'
import { collapse } from '../expression.js'
import { KernelBuilder, spread } from '../kernelBuilder.js'
import type { OpKernel } from '../opKernel.js'
import type { Planner } from '../planner.js'
import { type LoadValue, map, numberOf, permute, reshaped, type Value } from '../value.js'

/**
 * Normalises each channel of `[B, C, ...]`. Training takes one kernel for mean and variance; the normalisation itself is an
 * element-wise expression that fuses with what follows.
 */
export const BatchNormalization: OpKernel = (op) => {
  const planner = op.planner
  const training = op.attribute<number>('training_mode') !== 0
  const momentum = op.attribute<number>('momentum')
  const x = training ? planner.load(op.value(0)) : op.value(0)
  const channels = x.shape[1]!
  const column = [channels, ...new Array<number>(x.shape.length - 2).fill(1)]
  const perChannel = (value: Value) => reshaped(planner.load(value), column)!
  const statistics = training ? moments(planner, x as LoadValue) : [op.value(3), op.value(4)]
  const [centre, variance] = statistics.map(perChannel) as [Value, Value]
  const epsilon = numberOf(op.attribute<number>('epsilon'))
  const gain = map(
    x.dtype,
    variance.shape,
    [perChannel(op.value(1)), variance, epsilon],
    ([s, v, e]) => `${s} / sqrt(${v} + ${e})`,
  )
  const y = map(
    x.dtype,
    x.shape,
    [x, centre, gain, perChannel(op.value(2))],
    ([a, m, g, b]) => `(${a} - ${m}) * ${g} + ${b}`,
  )
  if (!training) return [y]
  const statistic = (running: number, batch: Value) => {
    if (momentum === 0) return batch
    return map(
      x.dtype,
      [channels],
      [op.value(running), batch, numberOf(momentum)],
      ([old, found, m]) => `${old} * ${m} + ${found} * (1.0 - ${m})`,
    )
  }
  return [y, statistic(3, statistics[0]!), statistic(4, statistics[1]!)]
}

const MOMENT_THREADS = 256

/**
 * Mean and population variance of each channel, `[C]`, in one pass: a workgroup per channel. Each thread follows its own
 * elements by Welford's update, which loses no digits to a large mean, and the threads meet in a tree by Chan's formula (16
 * bytes of workgroup memory a thread).
 */
function moments(planner: Planner, x: LoadValue): [Value, Value] {
  const [batch, channels, ...lengths] = x.shape as [number, number, ...number[]]
  const both = planner.allocate('float32', [2, channels], 'Statistics of a batch')
  const kernel = new KernelBuilder('Moments')
  const result = kernel.write(both.expression.storage, 'f32')
  const ordered = permute(x, [1, 0, ...lengths.map((_, axis) => axis + 2)])
  const { shape, expressions, boundary } = collapse(ordered.shape, [ordered.expression], 1)
  const [count, reach] = [kernel.integer(channels), kernel.integer(batch * sizeOf(lengths))]
  const outer = kernel.coordinates('group', kernel.sizes(shape.slice(0, boundary)))
  const inner = kernel.coordinates('r', kernel.sizes(shape.slice(boundary)))
  const loaded = kernel.emit(expressions[0]!, shape, [...outer.names, ...inner.names])
  planner.record(
    kernel.finish({
      threads: MOMENT_THREADS,
      shared: `// Mean, sum of squared distances from it, and number of elements.
var<workgroup> parts: array<vec3<f32>, ${MOMENT_THREADS}>;
fn meet(a: vec3<f32>, b: vec3<f32>) -> vec3<f32> {
  let n = a.z + b.z;
  if (n == 0.0) { return a; }
  let d = b.x - a.x;
  return vec3<f32>(a.x + d * b.z / n, a.y + b.y + d * d * a.z * b.z / n, n);
}
`,
      body: `if (group >= ${count}) { return; }
${outer.statements}var seen = vec3<f32>(0.0, 0.0, 0.0);
for (var r = local; r < ${reach}; r += THREADS) {
${inner.statements}${loaded.statements}let d = ${loaded.value} - seen.x;
seen.z += 1.0;
seen.x += d / seen.z;
seen.y += d * (${loaded.value} - seen.x);
}
parts[local] = seen;
workgroupBarrier();
for (var half = THREADS / 2; half > 0; half /= 2) {
  if (local < half) { parts[local] = meet(parts[local], parts[local + half]); }
  workgroupBarrier();
}
if (local == 0) {
  ${result}[group] = parts[0].x;
  ${result}[${count} + group] = parts[0].y / parts[0].z;
}
`,
      workgroups: spread(channels),
      flops: 6 * sizeOf(x.shape),
    }),
  )
  const row = (i: number): LoadValue => ({
    dtype: 'float32',
    shape: [channels],
    expression: { ...both.expression, offset: i * channels, strides: [1] },
  })
  return [row(0), row(1)]
}
