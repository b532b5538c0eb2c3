import { geometryOf, sizeOf } from '@nemo/graph'
import { elementKernel } from '../elementKernel.js'
import { KernelBuilder, spread, THREADS } from '../kernelBuilder.js'
import type { OpKernel } from '../opKernel.js'
import type { OpContext } from '../planner.js'
import { maxFold, mean, reduce } from './reduction.js'

// Nested loops over the taps of a window; `place` is the position in the flattened plane.
function windowLoops(
  op: OpContext,
  kernel: KernelBuilder,
  at: readonly string[],
  inside: (place: string) => string,
): string {
  const lengths = op.shape(0).slice(2)
  const taps = op.attribute<readonly number[]>('kernel_shape')
  const geometry = geometryOf({ ...op.node.attributes, group: 1 }, lengths.length)
  let [open, close, place] = ['', '', '0']
  lengths.forEach((length, axis) => {
    const [tap, t] = [kernel.variable(), kernel.variable()]
    const [stride, dilation, pad, size] = kernel.sizes([
      geometry.strides[axis]!,
      geometry.dilations[axis]!,
      geometry.pads[axis]!,
      length,
    ])
    open += `for (var ${tap} = 0; ${tap} < ${kernel.integer(taps[axis]!)}; ${tap}++) {
let ${t} = ${at[axis + 2]} * ${stride} - ${pad} + ${tap} * ${dilation};
if (${t} < 0 || ${t} >= ${size}) { continue; }
`
    close += '}\n'
    place = `(${place} * ${size} + ${t})`
  })
  return `${open}${inside(place)}${close}`
}

/** Largest element of each window, and its position in the flattened data; one thread per window, the first of equals. */
export const MaxPool: OpKernel = (op) => {
  if (op.attribute<number>('storage_order') !== 0) op.refuse('storage_order 1 is not there.')
  const x = op.dense(0)
  const target = op.allocateOutput()
  const positions = op.node.outputs.length > 1 ? op.allocateOutput(1) : undefined
  const kernel = new KernelBuilder('MaxPool')
  const { element } = target.expression
  const result = kernel.write(target.expression.storage, element)
  const where = positions && kernel.write(positions.expression.storage, 'i32')
  const xs = kernel.read(x.expression.storage, element)
  const count = sizeOf(target.shape)
  const total = kernel.integer(count)
  const split = kernel.coordinates('index', kernel.sizes(target.shape))
  const plane = kernel.integer(sizeOf(x.shape.slice(2)))
  const lowest = kernel.bits(maxFold(target).start, element)
  op.record(
    kernel.finish({
      body: `if (index >= ${total}) { return; }
${split.statements}let base = (${split.names[0]} * ${kernel.integer(x.shape[1]!)} + ${split.names[1]}) * ${plane};
var best = ${lowest};
var best_at = -1;
${windowLoops(op, kernel, split.names, (place) => `let here = base + ${place};\nif (best_at < 0 || ${xs}[here] > best) { best = ${xs}[here]; best_at = here; }\n`)}${result}[index] = best;
${where ? `${where}[index] = best_at;\n` : ''}`,
      workgroups: spread(Math.ceil(count / THREADS)),
    }),
  )
  return positions ? [target, positions] : [target]
}

/** Mean of each window, one thread each. */
export const AveragePool: OpKernel = (op) => {
  const x = op.dense(0)
  const taps = op.attribute<readonly number[]>('kernel_shape')
  const lengths = x.shape.slice(2)
  const geometry = geometryOf({ ...op.node.attributes, group: 1 }, lengths.length)
  const includePad = op.attribute<number>('count_include_pad') !== 0
  if (includePad && op.attribute<number>('ceil_mode') !== 0) {
    const hangs = lengths.some((length, axis) => {
      const last =
        (op.outputShape()[axis + 2]! - 1) * geometry.strides[axis]! + geometry.dilations[axis]! * (taps[axis]! - 1)
      return last >= length + geometry.pads[axis]! + geometry.pads[axis + lengths.length]!
    })
    if (hangs) op.refuse('count_include_pad with windows that hang over the padding is not there.')
  }
  const target = op.allocateOutput()
  op.record(
    elementKernel('AveragePool', target, (kernel, at) => {
      const xs = kernel.read(x.expression.storage, 'f32')
      const plane = kernel.integer(sizeOf(lengths))
      const base = `(${at[0]} * ${kernel.integer(x.shape[1]!)} + ${at[1]}) * ${plane}`
      const loops = windowLoops(op, kernel, at, (place) => `sum += ${xs}[base + ${place}];\ncount += 1.0;\n`)
      return {
        statements: `let base = ${base};\nvar sum = 0.0;\nvar count = 0.0;\n${loops}`,
        value: includePad ? `sum / f32(${kernel.integer(sizeOf(taps))})` : 'sum / count',
      }
    }),
  )
  return [target]
}

const planeAxes = (op: OpContext): number[] => op.shape(0).flatMap((_, axis) => (axis < 2 ? [] : [axis]))

/** Mean over all axes after the second. */
export const GlobalAveragePool: OpKernel = (op) => [mean(op.planner, op.value(0), planeAxes(op))]
/** Largest element over all axes after the second. */
export const GlobalMaxPool: OpKernel = (op) => {
  const x = op.value(0)
  return [reduce(op.planner, x, planeAxes(op), maxFold(x))]
}
