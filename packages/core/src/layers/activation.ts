import { gelu, hardtanh, leakyRelu, relu, selu, sigmoid, swish, type Tensor, tanh } from '@nemo/graph'
import { Layer } from '../modules/containers.js'
import { ModuleError } from '../modules/errors.js'

/** A parameterless element-wise function as a layer. */
export class Activation extends Layer {
  constructor(
    readonly name: string,
    readonly apply: (x: Tensor) => Tensor,
  ) {
    super()
  }

  forward(x: Tensor): Tensor {
    return this.apply(x)
  }
}

const functions: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  relu,
  selu,
  swish,
  silu: swish,
  sigmoid,
  tanh,
  gelu: (x) => gelu(x),
  hardtanh: (x) => hardtanh(x, -1, 1),
  leaky_relu: (x) => leakyRelu(x),
  identity: (x) => x,
}

/** Names that `activation` knows. */
export const activationNames: readonly string[] = Object.keys(functions)

/**
 * The activation that a config names, as a layer. `hardtanh` has PyTorch's limits, -1 and 1, as in
 * NeMo's encoders (its blocks on their own would clip at 0 and 20).
 *
 * @throws ModuleError for an unknown name.
 */
export function activation(name: string): Activation {
  const apply = Object.hasOwn(functions, name) ? functions[name] : undefined
  if (!apply) throw new ModuleError(`Unknown activation '${name}'. Known: ${activationNames.join(', ')}.`)
  return new Activation(name, apply)
}
