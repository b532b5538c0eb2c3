import { sizeOf } from '@nemo/graph'
import type { Dispatch } from './kernelBuilder.js'
import { KernelBuilder, spread, THREADS } from './kernelBuilder.js'
import type { DenseValue } from './value.js'

/**
 * A kernel with one thread per element of a result in C order. `body` gets the element's coordinates and returns
 * statements and the element; threads past the end do nothing.
 */
export function elementKernel(
  label: string,
  target: DenseValue,
  body: (
    kernel: KernelBuilder,
    coordinates: readonly string[],
  ) => { readonly statements: string; readonly value: string },
): Dispatch {
  const kernel = new KernelBuilder(label)
  const result = kernel.write(target.expression.storage, target.expression.element)
  const count = sizeOf(target.shape)
  const total = kernel.integer(count)
  const split = kernel.coordinates('index', kernel.sizes(target.shape))
  const { statements, value } = body(kernel, split.names)
  return kernel.finish({
    body: `if (index >= ${total}) { return; }\n${split.statements}${statements}${result}[index] = ${value};\n`,
    workgroups: spread(Math.ceil(count / THREADS)),
  })
}
