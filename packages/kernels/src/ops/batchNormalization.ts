import { sizeOf } from '@nemo/graph'
import { apply, collapse } from '../expression.js'
import { KernelBuilder, spread } from '../kernelBuilder.js'
import type { OpKernel } from '../opKernel.js'
import type { Planner } from '../planner.js'
import { type DenseValue, type LoadValue, map, numberOf, permute, reshaped, type Value } from '../value.js'

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
  const perChannel = (value: Value) => reshaped(value, column) ?? reshaped(planner.dense(value), column)!
  const epsilon = numberOf(op.attribute<number>('epsilon'))
  const gainOf = (variance: Value) =>
    map(x.dtype, [channels], [op.value(1), variance, epsilon], ([s, v, e]) => `${s} / sqrt(${v} + ${e})`)
  const [centre, variance, gain] = training
    ? moments(planner, x as LoadValue, gainOf)
    : [op.value(3), op.value(4), gainOf(op.value(4))]
  const y = map(
    x.dtype,
    x.shape,
    [x, perChannel(centre), perChannel(gain), perChannel(op.value(2))],
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
  return [y, statistic(3, centre), statistic(4, variance)]
}

const MOMENT_THREADS = 256

/**
 * Mean, population variance and gain of each channel, `[C]`, in one pass: a workgroup per channel. Each thread follows its
 * own elements by Welford's update, which loses no digits to a large mean, and the threads meet in a tree by Chan's formula
 * (16 bytes of workgroup memory a thread).
 *
 * @param gainOf - What the channel is multiplied with, given its variance.
 */
function moments(planner: Planner, x: LoadValue, gainOf: (variance: Value) => Value): [Value, Value, Value] {
  const [batch, channels, ...lengths] = x.shape as [number, number, ...number[]]
  const made = ['mean', 'variance', 'gain'].map((what) =>
    planner.allocate('float32', [channels], `The ${what} of a batch`, 'results'),
  ) as [DenseValue, DenseValue, DenseValue]
  const gain = planner.fit(gainOf({ dtype: 'float32', shape: [channels], expression: found }))
  const kernel = new KernelBuilder('Moments')
  const [means, variances, gains] = made.map(({ expression }) => kernel.write(expression.storage, 'f32'))
  const ordered = permute(x, [1, 0, ...lengths.map((_, axis) => axis + 2)])
  const { shape, expressions, boundary } = collapse(ordered.shape, [ordered.expression], 1)
  const [count, reach] = [kernel.integer(channels), kernel.integer(batch * sizeOf(lengths))]
  const outer = kernel.coordinates('group', kernel.sizes(shape.slice(0, boundary)))
  const inner = kernel.coordinates('r', kernel.sizes(shape.slice(boundary)))
  const loaded = kernel.emit(expressions[0]!, shape, [...outer.names, ...inner.names])
  const factor = kernel.emit(gain.expression, [channels], ['group'], 'group')
  planner.record(
    kernel.finish({
      threads: MOMENT_THREADS,
      shared: `// Mean, sum of squared distances from it, and number of elements.
var<workgroup> parts: array<vec3<f32>, ${MOMENT_THREADS}>;
fn meet(a: vec3<f32>, b: vec3<f32>) -> vec3<f32> {
  let n = a.z + b.z;
  if (n == 0.0) { return a; }
  let d = b.x - a.x;
  // Of about as many elements on either side, the weighted mean loses least (Chan et al.).
  return vec3<f32>((a.x * a.z + b.x * b.z) / n, a.y + b.y + d * d * a.z * b.z / n, n);
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
  let variance = parts[0].y / parts[0].z;
${factor.statements}${means}[group] = parts[0].x;
  ${variances}[group] = variance;
  ${gains}[group] = ${factor.value};
}
`,
      workgroups: spread(channels),
      flops: 6 * sizeOf(x.shape),
    }),
  )
  return made
}

// The variance while the kernel that computes it runs.
const found = apply('f32', [], () => 'variance')
