import { sizeOf } from '@nemo/graph'
import { collapse } from '../expression.js'
import { KernelBuilder, spread, THREADS } from '../kernelBuilder.js'
import type { OpKernel } from '../opKernel.js'
import type { Planner } from '../planner.js'
import { box, type LoadValue, type Value } from '../value.js'

/** Writes a value into a box of a buffer, one thread per element. The value may be an expression. */
export function store(planner: Planner, found: Value, target: LoadValue): void {
  const value = planner.fit(found)
  const kernel = new KernelBuilder('Store')
  const result = kernel.write(target.expression.storage, target.expression.element)
  const { shape, expressions } = collapse(value.shape, [value.expression, target.expression])
  const [source, place] = expressions
  const count = sizeOf(value.shape)
  const total = kernel.integer(count)
  const split = kernel.coordinates('index', kernel.sizes(shape))
  const emitted = kernel.emit(source!, shape, split.names, 'index')
  if (place?.kind !== 'load') throw new Error('unreachable: a collapsed load is a load')
  const position = kernel.position(place, shape, split.names)
  planner.record(
    kernel.finish({
      body: `if (index >= ${total}) { return; }
${split.statements}${emitted.statements}${result}[${position}] = ${emitted.value};
`,
      workgroups: spread(Math.ceil(count / THREADS)),
      batchable: true,
    }),
  )
}

/** Joins tensors along an axis: one kernel per input writes its part. */
export const Concat: OpKernel = (op) => {
  const target = op.allocateOutput()
  const axis = op.axis(op.attribute<number>('axis'))
  let at = 0
  for (let i = 0; i < op.node.inputs.length; i++) {
    const value = op.value(i)
    const starts = target.shape.map((_, a) => (a === axis ? at : 0))
    const part = box(
      target,
      starts,
      value.shape,
      starts.map(() => 1),
    )
    store(op.planner, value, part as LoadValue)
    at += value.shape[axis]!
  }
  return [target]
}

/** Cuts a tensor along an axis: no work. */
export const Split: OpKernel = (op) => {
  const axis = op.axis(op.attribute<number>('axis'))
  const x = op.planner.load(op.value(0))
  let at = 0
  return op.node.outputs.map((_, i) => {
    const sizes = op.outputShape(i)
    const starts = sizes.map((_, a) => (a === axis ? at : 0))
    at += sizes[axis]!
    return box(
      x,
      starts,
      sizes,
      sizes.map(() => 1),
    )
  })
}
