import { decompose } from '../../rewrite/decompose.js'
import { combine, simplify } from '../../rewrite/simplify.js'
import type { Tensor } from '../../tensor.js'
import { batchNormTraining } from './lowerings/batchNormTraining.js'

/** Says every op in the words that ONNX Runtime's CPU kernels execute fastest, as measured by tools/bench. */
export async function lowerForOrt(outputs: readonly Tensor[]): Promise<Tensor[]> {
  return simplify(decompose(outputs, combine([batchNormTraining]), new Set()))
}
