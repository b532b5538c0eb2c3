import { KernelBuilder, spread } from '../kernelBuilder.js'
import type { OpKernel } from '../opKernel.js'

// Threads of an utterance's workgroup; they stride over its states.
const THREADS = 64
// Threads of a frame's workgroup in the gradient.
const FRAME_THREADS = 64
// The logarithm of zero, as in the op's definition: finite, so that differences of two of them are numbers.
const LOG_ZERO = '-1e30'

/**
 * Graves' forward-backward algorithm in log space, in two kernels.
 *
 * The first has one workgroup per utterance. Threads stride over the 2U + 1 states (blank, label, blank, ...) and meet at
 * barriers between frames; the variables of all frames lie in global memory, so targets may be of any length. Forward it
 * stores alpha, backward it turns that into the posterior of each state, in place. It also links each label's state to the
 * next state of the same label, which takes U² / threads comparisons.
 *
 * The second has one workgroup per frame: it writes e^logProbs for every class and subtracts each class's posteriors,
 * adding them up along the links, so in an order that depends on nothing.
 *
 * Frames past an utterance's length get gradient 0. An utterance that no alignment fits has loss infinity and gradient NaN,
 * or 0 and 0 with `zero_infinity`.
 */
export const CTCLoss: OpKernel = (op) => {
  const [B, T, C] = op.shape(0) as [number, number, number]
  const U = op.shape(1)[1]!
  const S = 2 * U + 1
  const [logProbs, targets, frames, labels] = [op.dense(0), op.dense(1), op.dense(2), op.dense(3)]
  const [loss, gradient] = [op.allocateOutput(0), op.allocateOutput(1)]
  const posterior = op.scratch('float32', [B, Math.max(T, 1), S])
  const ahead = op.scratch('float32', [B, 2, S])
  // Per utterance: the next state of each label, whether it is the label's first, and whether any alignment fits.
  const links = op.scratch('int32', [B, 2 * U + 1])
  const blank = op.attribute<number>('blank')
  const zeroInfinity = op.attribute<number>('zero_infinity') !== 0

  const first = new KernelBuilder('CTCForwardBackward')
  const losses = first.write(loss.expression.storage, 'f32')
  const alpha = first.write(posterior.expression.storage, 'f32')
  const beta = first.write(ahead.expression.storage, 'f32')
  const link = first.write(links.expression.storage, 'i32')
  const lp = first.read(logProbs.expression.storage, 'f32')
  const target = first.read(targets.expression.storage, 'i32')
  const frameCount = first.read(frames.expression.storage, 'i32')
  const labelCount = first.read(labels.expression.storage, 'i32')
  const [t, c, u, s, blankClass] = first.sizes([T, C, U, S, blank]) as [string, string, string, string, string]
  const infeasibleLoss = first.bits(zeroInfinity ? 0 : 0x7f800000, 'f32')
  op.record(
    first.finish({
      threads: THREADS,
      workgroups: [B, 1, 1],
      shared: `fn log_add(a: f32, b: f32) -> f32 {
  let peak = max(a, b);
  return peak + log(exp(a - peak) + exp(b - peak));
}
`,
      body: `let item = group;
let length = min(${frameCount}[item], ${t});
let count = ${labelCount}[item];
let last = 2 * count;
let states = ${s};
let lp0 = item * ${t} * ${c};
let target0 = item * ${u};
let link0 = item * (2 * ${u} + 1);
let alpha0 = item * ${t} * states;
let beta0 = item * 2 * states;
for (var n = local; n < ${u}; n += THREADS) {
  var next = -1;
  var head = 1;
  let own = ${target}[target0 + n];
  if (n < count) {
    for (var m = n + 1; m < count; m++) { if (${target}[target0 + m] == own) { next = m; break; } }
    for (var m = 0; m < n; m++) { if (${target}[target0 + m] == own) { head = 0; break; } }
  } else { head = 0; }
  ${link}[link0 + n] = next;
  ${link}[link0 + ${u} + n] = head;
}
for (var frame = 0; frame < length; frame++) {
  for (var n = local; n <= last; n += THREADS) {
    let isLabel = (n & 1) == 1;
    var class_ = ${blankClass};
    if (isLabel) { class_ = ${target}[target0 + n / 2]; }
    let emission = max(${lp}[lp0 + frame * ${c} + class_], ${LOG_ZERO});
    var reached = ${LOG_ZERO};
    if (frame == 0) {
      if (n <= 1) { reached = 0.0; }
    } else {
      let before = alpha0 + (frame - 1) * states + n;
      reached = ${alpha}[before];
      if (n >= 1) { reached = log_add(reached, ${alpha}[before - 1]); }
      if (isLabel && n >= 3 && class_ != ${blankClass} && ${target}[target0 + n / 2 - 1] != class_) {
        reached = log_add(reached, ${alpha}[before - 2]);
      }
    }
    ${alpha}[alpha0 + frame * states + n] = max(reached + emission, ${LOG_ZERO});
  }
  storageBarrier();
  workgroupBarrier();
}
var likelihood = ${LOG_ZERO};
if (length > 0) {
  let end = alpha0 + (length - 1) * states + last;
  likelihood = ${alpha}[end];
  if (count > 0) { likelihood = log_add(likelihood, ${alpha}[end - 1]); }
} else if (count == 0) { likelihood = 0.0; }
let feasible = likelihood > ${LOG_ZERO} / 10.0;
if (local == 0) {
  ${link}[link0 + 2 * ${u}] = select(0, 1, feasible);
  ${losses}[item] = select(${infeasibleLoss}, -likelihood, feasible);
}
storageBarrier();
workgroupBarrier();
for (var frame = length - 1; frame >= 0; frame--) {
  let now = beta0 + (frame & 1) * states;
  let later = beta0 + ((frame + 1) & 1) * states;
  for (var n = local; n <= last; n += THREADS) {
    let isLabel = (n & 1) == 1;
    var class_ = ${blankClass};
    if (isLabel) { class_ = ${target}[target0 + n / 2]; }
    var reached = ${LOG_ZERO};
    if (frame == length - 1) {
      if (n >= last - 1) { reached = 0.0; }
    } else {
      reached = ${beta}[later + n];
      if (n + 1 <= last) { reached = log_add(reached, ${beta}[later + n + 1]); }
      if (isLabel && n + 2 <= last) {
        let following = ${target}[target0 + n / 2 + 1];
        if (following != ${blankClass} && following != class_) { reached = log_add(reached, ${beta}[later + n + 2]); }
      }
    }
    let at = alpha0 + frame * states + n;
    let emission = max(${lp}[lp0 + frame * ${c} + class_], ${LOG_ZERO});
    ${alpha}[at] = exp(max(${alpha}[at] + reached, ${LOG_ZERO}) - likelihood);
    ${beta}[now + n] = max(reached + emission, ${LOG_ZERO});
  }
  storageBarrier();
  workgroupBarrier();
}
`,
    }),
  )

  const second = new KernelBuilder('CTCGradient')
  const result = second.write(gradient.expression.storage, 'f32')
  const gamma = second.read(posterior.expression.storage, 'f32')
  const chain = second.read(links.expression.storage, 'i32')
  const lps = second.read(logProbs.expression.storage, 'f32')
  const wanted = second.read(targets.expression.storage, 'i32')
  const counts = second.read(labels.expression.storage, 'i32')
  const lengths = second.read(frames.expression.storage, 'i32')
  const [t2, c2, u2, s2, blank2, total] = second.sizes([T, C, U, S, blank, B * T]) as [
    string,
    string,
    string,
    string,
    string,
    string,
  ]
  const nothing = second.bits(zeroInfinity ? 0 : 0x7fc00000, 'f32')
  op.record(
    second.finish({
      threads: FRAME_THREADS,
      workgroups: spread(B * T),
      shared: `var<workgroup> parts: array<f32, ${FRAME_THREADS}>;\n`,
      body: `if (group >= ${total}) { return; }
let item = group / ${t2};
let frame = group % ${t2};
let inside = frame < ${lengths}[item];
let link0 = item * (2 * ${u2} + 1);
let works = ${chain}[link0 + 2 * ${u2}] == 1;
let base = group * ${c2};
let gamma0 = group * ${s2};
let count = ${counts}[item];
var blanks = 0.0;
for (var n = local; n <= count; n += THREADS) { blanks += ${gamma}[gamma0 + 2 * n]; }
parts[local] = blanks;
for (var k = local; k < ${c2}; k += THREADS) {
  ${result}[base + k] = select(0.0, select(${nothing}, exp(${lps}[base + k]), works), inside);
}
storageBarrier();
workgroupBarrier();
for (var half = THREADS / 2; half > 0; half /= 2) {
  if (local < half) { parts[local] += parts[local + half]; }
  workgroupBarrier();
}
if (inside && works) {
  for (var n = local; n < count; n += THREADS) {
    let class_ = ${wanted}[item * ${u2} + n];
    if (${chain}[link0 + ${u2} + n] == 1 && class_ != ${blank2}) {
      var sum = 0.0;
      for (var m = n; m >= 0; m = ${chain}[link0 + m]) { sum += ${gamma}[gamma0 + 2 * m + 1]; }
      ${result}[base + class_] -= sum;
    }
  }
  if (local == 0) {
    var sum = parts[0];
    // Targets may hold the blank itself.
    for (var n = 0; n < count; n++) { if (${wanted}[item * ${u2} + n] == ${blank2}) { sum += ${gamma}[gamma0 + 2 * n + 1]; } }
    ${result}[base + ${blank2}] -= sum;
  }
}
`,
    }),
  )
  return [loss, gradient]
}
