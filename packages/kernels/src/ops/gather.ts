import { elementKernel } from '../elementKernel.js'
import type { OpKernel } from '../opKernel.js'

/** Slices along an axis by index, one thread per element; negative indices count from the end. */
export const Gather: OpKernel = (op) => {
  const [x, indices] = [op.load(0), op.load(1)]
  const axis = op.axis(op.attribute<number>('axis'))
  const target = op.allocateOutput()
  op.record(
    elementKernel('Gather', target, (kernel, at) => {
      const picked = kernel.emit(indices.expression, indices.shape, at.slice(axis, axis + indices.shape.length))
      const size = kernel.integer(x.shape[axis]!)
      const place = kernel.variable()
      const loaded = kernel.emit(x.expression, x.shape, [
        ...at.slice(0, axis),
        place,
        ...at.slice(axis + indices.shape.length),
      ])
      return {
        statements: `${picked.statements}let ${place} = select(${picked.value}, ${picked.value} + ${size}, ${picked.value} < 0);
${loaded.statements}`,
        value: loaded.value,
      }
    }),
  )
  return [target]
}

/** Single elements along an axis by index, one thread each. */
export const GatherElements: OpKernel = (op) => {
  const [x, indices] = [op.load(0), op.load(1)]
  const axis = op.axis(op.attribute<number>('axis'))
  const target = op.allocateOutput()
  op.record(
    elementKernel('GatherElements', target, (kernel, at) => {
      const picked = kernel.emit(indices.expression, indices.shape, at, 'index')
      const size = kernel.integer(x.shape[axis]!)
      const place = kernel.variable()
      const loaded = kernel.emit(x.expression, x.shape, at.with(axis, place))
      return {
        statements: `${picked.statements}let ${place} = select(${picked.value}, ${picked.value} + ${size}, ${picked.value} < 0);
${loaded.statements}`,
        value: loaded.value,
      }
    }),
  )
  return [target]
}

/** Slices by tuples of indices, one thread per element. */
export const GatherND: OpKernel = (op) => {
  const [x, indices] = [op.load(0), op.load(1)]
  const batch = op.attribute<number>('batch_dims')
  const depth = indices.shape.at(-1)!
  const lead = indices.shape.length - 1
  const target = op.allocateOutput()
  op.record(
    elementKernel('GatherND', target, (kernel, at) => {
      let statements = ''
      const places = Array.from({ length: depth }, (_, i) => {
        const picked = kernel.emit(indices.expression, indices.shape, [...at.slice(0, lead), String(i)])
        const place = kernel.variable()
        const size = kernel.integer(x.shape[batch + i]!)
        statements += `${picked.statements}let ${place} = select(${picked.value}, ${picked.value} + ${size}, ${picked.value} < 0);\n`
        return place
      })
      const loaded = kernel.emit(x.expression, x.shape, [...at.slice(0, batch), ...places, ...at.slice(lead)])
      return { statements: statements + loaded.statements, value: loaded.value }
    }),
  )
  return [target]
}
