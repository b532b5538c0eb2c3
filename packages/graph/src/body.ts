import type { Tensor } from './tensor.js'

/**
 * A sub-graph (the body of a Scan). `inputs` are placeholders; everything `outputs` depend on is reachable from them or
 * is a constant, so that a body holds no reference to the outer graph: outer values enter through `inputs` too.
 */
export class Body {
  constructor(
    readonly inputs: readonly Tensor[],
    readonly outputs: readonly Tensor[],
  ) {}
}
