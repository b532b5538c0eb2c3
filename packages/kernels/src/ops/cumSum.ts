import { sizeOf } from '@nemo/graph'
import { KernelBuilder, spread, THREADS } from '../kernelBuilder.js'
import type { OpKernel } from '../opKernel.js'
import { permute } from '../value.js'

/** Running sums: one thread per line walks it from its start or its end. */
export const CumSum: OpKernel = (op) => {
  const x = op.value(0)
  const axis = op.axis(op.numbers(1)![0]!)
  const order = [...x.shape.flatMap((_, i) => (i === axis ? [] : [i])), axis]
  const source = permute(x, order)
  const target = op.allocateOutput()
  const place = permute(target, order)
  if (place.expression.kind !== 'load') throw new Error('unreachable: a permuted load is a load')
  const kernel = new KernelBuilder('CumSum')
  const { element } = target.expression
  const result = kernel.write(target.expression.storage, element)
  const lines = sizeOf(source.shape.slice(0, -1))
  const [count, length] = [kernel.integer(lines), kernel.integer(source.shape.at(-1)!)]
  const outer = kernel.coordinates('index', kernel.sizes(source.shape.slice(0, -1)))
  const coordinates = [...outer.names, 'r']
  const loaded = kernel.emit(source.expression, source.shape, coordinates)
  const position = kernel.position(place.expression, place.shape, coordinates)
  const step = op.attribute<number>('reverse') ? `${length} - 1 - e` : 'e'
  const add = `${loaded.statements}sum += ${loaded.value};\n`
  const put = `${result}[${position}] = sum;\n`
  op.record(
    kernel.finish({
      body: `if (index >= ${count}) { return; }
${outer.statements}var sum = ${element}(0);
for (var e = 0; e < ${length}; e++) {
let r = ${step};
${op.attribute<number>('exclusive') ? put + add : add + put}}
`,
      workgroups: spread(Math.ceil(lines / THREADS)),
    }),
  )
  return [target]
}
