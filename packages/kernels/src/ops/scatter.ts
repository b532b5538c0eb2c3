import { sizeOf } from '@nemo/graph'
import { elementKernel } from '../elementKernel.js'
import type { OpKernel } from '../opKernel.js'

const combinations: Readonly<Record<string, (old: string, update: string) => string>> = {
  none: (_, update) => update,
  add: (old, update) => `${old} + ${update}`,
  mul: (old, update) => `${old} * ${update}`,
  max: (old, update) => `max(${old}, ${update})`,
  min: (old, update) => `min(${old}, ${update})`,
}

/**
 * One thread per element of the result looks through the indices of its line and takes the updates meant for it, in
 * order: no atomics, so equal inputs give equal bits, and the last of several plain updates wins. The work is the result's
 * size times the length of the indices along the axis.
 */
export const ScatterElements: OpKernel = (op) => {
  const axis = op.axis(op.attribute<number>('axis'))
  const combine = combinations[op.attribute<string>('reduction')]!
  const [x, indices, updates] = [op.load(0), op.load(1), op.load(2)]
  const target = op.allocateOutput()
  op.record(
    elementKernel('ScatterElements', target, (kernel, at) => {
      const old = kernel.emit(x.expression, x.shape, at, 'index')
      const coordinates = at.with(axis, 'e')
      const index = kernel.emit(indices.expression, indices.shape, coordinates)
      const update = kernel.emit(updates.expression, updates.shape, coordinates)
      const size = kernel.integer(x.shape[axis]!)
      const length = kernel.integer(indices.shape[axis]!)
      // The indices may cover only the beginning of the other axes.
      const inside = at.flatMap((name, i) =>
        i === axis || indices.shape[i] === x.shape[i] ? [] : [`${name} < ${kernel.integer(indices.shape[i]!)}`],
      )
      const result = kernel.variable()
      return {
        statements: `${old.statements}var ${result} = ${old.value};
if (${inside.join(' && ') || 'true'}) {
  for (var e = 0; e < ${length}; e++) {
${index.statements}if (${index.value} == ${at[axis]} || ${index.value} + ${size} == ${at[axis]}) {
${update.statements}${result} = ${combine(result, update.value)};
}
  }
}
`,
        value: result,
      }
    }),
  )
  return [target]
}

/** The same for slices at tuples of indices: each thread looks through all tuples. */
export const ScatterND: OpKernel = (op) => {
  const combine = combinations[op.attribute<string>('reduction')]!
  const [x, indices, updates] = [op.load(0), op.dense(1), op.dense(2)]
  const depth = indices.shape.at(-1)!
  const tuples = sizeOf(indices.shape.slice(0, -1))
  const slice = x.shape.slice(depth)
  const target = op.allocateOutput()
  op.record(
    elementKernel('ScatterND', target, (kernel, at) => {
      const old = kernel.emit(x.expression, x.shape, at, 'index')
      const list = kernel.read(indices.expression.storage, 'i32')
      const news = kernel.read(updates.expression.storage, updates.expression.element)
      const inner = at.slice(depth)
      const within =
        inner.map((name, i) => `${name} * ${kernel.integer(sizeOf(slice.slice(i + 1)))}`).join(' + ') || '0'
      const width = kernel.integer(sizeOf(slice))
      const hits = at.slice(0, depth).map((name, i) => {
        const index = `${list}[e * ${depth} + ${i}]`
        return `(${index} == ${name} || ${index} + ${kernel.integer(x.shape[i]!)} == ${name})`
      })
      const result = kernel.variable()
      return {
        statements: `${old.statements}var ${result} = ${old.value};
let within = ${within};
for (var e = 0; e < ${kernel.integer(tuples)}; e++) {
  if (${hits.join(' && ') || 'true'}) { ${result} = ${combine(result, `${news}[e * ${width} + within]`)}; }
}
`,
        value: result,
      }
    }),
  )
  return [target]
}
