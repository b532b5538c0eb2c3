import type { OpKernel } from '../opKernel.js'
import { box } from '../value.js'

/** A strided box: no work; indices clamp and count from the end as ONNX has them. */
export const Slice: OpKernel = (op) => {
  const shape = op.shape(0)
  const given = op.numbers(1)!
  const axes = op.numbers(3) ?? given.map((_, i) => i)
  const stepsGiven = op.numbers(4)
  const starts = shape.map(() => 0)
  const steps = shape.map(() => 1)
  axes.forEach((axis, i) => {
    const at = op.axis(axis)
    const [size, step] = [shape[at]!, stepsGiven?.[i] ?? 1]
    const start = given[i]! < 0 ? given[i]! + size : given[i]!
    starts[at] = Math.min(Math.max(start, 0), step > 0 ? size : size - 1)
    steps[at] = step
  })
  return [box(op.value(0), starts, op.outputShape(), steps)]
}
