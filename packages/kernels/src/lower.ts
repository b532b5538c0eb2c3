import { combine, decompose, type OpDefinition, ops, type RewriteRule, simplify, type Tensor } from '@nemo/graph'
import { multiplyHigh } from './ops/random.js'

/** Ops of our own that have kernels; the others are replaced by their definitions. */
const native: ReadonlySet<OpDefinition> = new Set([
  ops.ConvInputGradient,
  ops.ConvWeightGradient,
  ops.RandomBits,
  ops.CTCLoss,
])

const rules: readonly RewriteRule[] = [multiplyHigh]

/** Says every op in the words that this executor has kernels for. */
export function lowerForWebGPU(outputs: readonly Tensor[]): Tensor[] {
  return simplify(decompose(outputs, combine(rules), native))
}
