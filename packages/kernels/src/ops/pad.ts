import { elementKernel } from '../elementKernel.js'
import type { OpKernel } from '../opKernel.js'
import { numberOf } from '../value.js'

/** Grows or crops every axis, one thread per element of the result. */
export const Pad: OpKernel = (op) => {
  const x = op.value(0)
  const rank = x.shape.length
  const given = op.numbers(1)!
  const axes = op.numbers(3)?.map((axis) => op.axis(axis)) ?? x.shape.map((_, i) => i)
  const begins = new Array<number>(rank).fill(0)
  axes.forEach((axis, i) => {
    begins[axis] = given[i]!
  })
  const mode = op.attribute<string>('mode')
  const filling = op.has(2) ? op.load(2) : numberOf(0, x.dtype)
  const target = op.allocateOutput()
  op.record(
    elementKernel(`Pad${mode}`, target, (kernel, at) => {
      let statements = ''
      const inside: string[] = []
      const places = at.map((name, axis) => {
        if (begins[axis] === 0 && x.shape[axis] === target.shape[axis]) return name
        const place = kernel.variable()
        const size = kernel.integer(x.shape[axis]!)
        const raw = `${name} - ${kernel.integer(begins[axis]!)}`
        if (mode === 'constant') {
          statements += `let ${place} = ${raw};\n`
          inside.push(`${place} >= 0 && ${place} < ${size}`)
        } else if (mode === 'edge') statements += `let ${place} = clamp(${raw}, 0, ${size} - 1);\n`
        else if (mode === 'wrap') statements += `let ${place} = modulo(${raw}, ${size});\n`
        else {
          // Mirrored without the edge: period 2 (n - 1).
          const period = `max(2 * ${size} - 2, 1)`
          const turned = kernel.variable()
          statements += `let ${turned} = modulo(${raw}, ${period});\nlet ${place} = min(${turned}, 2 * ${size} - 2 - ${turned});\n`
        }
        return place
      })
      const loaded = kernel.emit(x.expression, x.shape, places)
      const fill = kernel.emit(
        filling.expression,
        filling.shape,
        filling.shape.map(() => '0'),
      )
      const result = kernel.variable()
      return {
        statements: `${statements}${fill.statements}var ${result} = ${fill.value};
if (${inside.join(' && ') || 'true'}) {
${loaded.statements}${result} = ${loaded.value};
}
`,
        value: result,
      }
    }),
  )
  return [target]
}
