import { sizeOf } from '@nemo/graph'
import { KernelBuilder, spread, THREADS } from '../kernelBuilder.js'
import type { OpKernel } from '../opKernel.js'
import { permute } from '../value.js'

/**
 * One thread per element counts how many of its line come before it (larger, or equal and earlier; NaN counts as largest);
 * the first k write themselves to their rank. The work is the square of the axis' length; results are always sorted.
 */
export const TopK: OpKernel = (op) => {
  const x = op.planner.load(op.value(0))
  const axis = op.axis(op.attribute<number>('axis'))
  const order = [...x.shape.flatMap((_, i) => (i === axis ? [] : [i])), axis]
  const source = permute(x, order)
  const [values, indices] = [op.allocateOutput(0), op.allocateOutput(1)]
  const place = permute(values, order)
  if (place.expression.kind !== 'load') throw new Error('unreachable: a permuted load is a load')
  const kernel = new KernelBuilder('TopK')
  const { element } = values.expression
  const ys = kernel.write(values.expression.storage, element)
  const at = kernel.write(indices.expression.storage, 'i32')
  const count = sizeOf(source.shape)
  const total = kernel.integer(count)
  const length = kernel.integer(source.shape.at(-1)!)
  const k = kernel.integer(values.shape[axis]!)
  const split = kernel.coordinates('index', kernel.sizes(source.shape))
  const lead = split.names.slice(0, -1)
  const own = kernel.emit(source.expression, source.shape, split.names)
  const other = kernel.emit(source.expression, source.shape, [...lead, 'e'])
  const position = kernel.position(place.expression, place.shape, [...lead, 'rank'])
  const [a, b] = [other.value, own.value]
  const operator = op.attribute<number>('largest') ? '>' : '<'
  const isNan = (name: string) => (element === 'f32' ? `is_nan(${name})` : 'false')
  const nanFirst = op.attribute<number>('largest') ? `(${isNan(a)} && !${isNan(b)})` : `(!${isNan(a)} && ${isNan(b)})`
  const equal = `(${a} == ${b} || (${isNan(a)} && ${isNan(b)}))`
  op.record(
    kernel.finish({
      body: `if (index >= ${total}) { return; }
${split.statements}${own.statements}var rank = 0;
for (var e = 0; e < ${length}; e++) {
${other.statements}if (${a} ${operator} ${b} || ${nanFirst} || (${equal} && e < ${split.names.at(-1)})) { rank++; }
}
if (rank < ${k}) {
  ${ys}[${position}] = ${b};
  ${at}[${position}] = ${split.names.at(-1)};
}
`,
      workgroups: spread(Math.ceil(count / THREADS)),
    }),
  )
  return [values, indices]
}
