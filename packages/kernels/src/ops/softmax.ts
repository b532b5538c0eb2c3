import { sizeOf } from '@nemo/graph'
import { KernelBuilder, spread } from '../kernelBuilder.js'
import type { OpKernel } from '../opKernel.js'
import { permute } from '../value.js'

const ROW_THREADS = 64

/**
 * One workgroup per row: the largest element, then the sum of exponentials, then the results; 3 passes over the row, two
 * trees in 4 bytes of workgroup memory a thread. Rows of -infinity give NaN, as everywhere.
 */
function alongAxis(type: string, finish: (x: string) => string): OpKernel {
  return (op) => {
    const x = op.value(0)
    const axis = op.axis(op.attribute<number>('axis'))
    const kept = x.shape.flatMap((_, i) => (i === axis ? [] : [i]))
    // Read three times, so an expression is computed first.
    const source = permute(op.planner.load(x), [...kept, axis])
    const target = op.allocateOutput()
    const place = permute(target, [...kept, axis])
    const kernel = new KernelBuilder(type)
    const result = kernel.write(target.expression.storage, 'f32')
    const rows = sizeOf(kept.map((i) => x.shape[i]!))
    const [count, length] = [kernel.integer(rows), kernel.integer(x.shape[axis]!)]
    const lowest = kernel.bits(0xff800000, 'f32')
    const outer = kernel.coordinates('group', kernel.sizes(source.shape.slice(0, -1)))
    const coordinates = [...outer.names, 'r']
    const loaded = kernel.emit(source.expression, source.shape, coordinates)
    if (place.expression.kind !== 'load') throw new Error('unreachable: a permuted load is a load')
    const position = kernel.position(place.expression, place.shape, coordinates)
    const tree = (combine: string) => `workgroupBarrier();
for (var half = THREADS / 2; half > 0; half /= 2) {
  if (local < half) { parts[local] = ${combine}; }
  workgroupBarrier();
}
`
    op.record(
      kernel.finish({
        threads: ROW_THREADS,
        shared: `var<workgroup> parts: array<f32, ${ROW_THREADS}>;\n`,
        body: `if (group >= ${count}) { return; }
${outer.statements}var largest = ${lowest};
for (var r = local; r < ${length}; r += THREADS) {
${loaded.statements}largest = max_nan(largest, ${loaded.value});
}
parts[local] = largest;
${tree('max_nan(parts[local], parts[local + half])')}let peak = parts[0];
workgroupBarrier();
var sum = 0.0;
for (var r = local; r < ${length}; r += THREADS) {
${loaded.statements}sum += exp(${loaded.value} - peak);
}
parts[local] = sum;
${tree('parts[local] + parts[local + half]')}let total = parts[0];
for (var r = local; r < ${length}; r += THREADS) {
${loaded.statements}${result}[${position}] = ${finish(loaded.value)};
}
`,
        workgroups: spread(rows),
        // A comparison, exponential, sum and two steps of the result for each element.
        flops: 6 * sizeOf(x.shape),
      }),
    )
    return [target]
  }
}

/** e^x / sum e^x along an axis. */
export const Softmax = alongAxis('Softmax', (x) => `exp(${x} - peak) / total`)
/** x - ln sum e^x along an axis. */
export const LogSoftmax = alongAxis('LogSoftmax', (x) => `${x} - peak - log(total)`)
