import { elementKernel } from '../elementKernel.js'
import type { OpKernel } from '../opKernel.js'

/** Reverses the first `lengths[b]` elements of each item, one thread per element. */
export const ReverseSequence: OpKernel = (op) => {
  const [x, lengths] = [op.value(0), op.load(1)]
  const [batch, time] = [op.attribute<number>('batch_axis'), op.attribute<number>('time_axis')]
  const target = op.allocateOutput()
  op.record(
    elementKernel('ReverseSequence', target, (kernel, at) => {
      const length = kernel.emit(lengths.expression, lengths.shape, [at[batch]!])
      const place = kernel.variable()
      const loaded = kernel.emit(x.expression, x.shape, at.with(time, place))
      return {
        statements: `${length.statements}let ${place} = select(${at[time]}, ${length.value} - 1 - ${at[time]}, ${at[time]} < ${length.value});
${loaded.statements}`,
        value: loaded.value,
      }
    }),
  )
  return [target]
}
