import type { Parameter, Tensor } from '@nemo/graph'

let collecting: Map<Parameter, Tensor> | undefined

/**
 * Says that the program that is being built shall replace a buffer (a running statistic, a counter) after each run.
 * Outside `collectUpdates` it has no effect: a graph built for looking only changes nothing.
 */
export function recordUpdate(buffer: Parameter, value: Tensor): void {
  collecting?.set(buffer, value)
}

/**
 * What a buffer holds at this point of the program that is being built: the update recorded so far, or its value before
 * the run. A module that is applied twice updates its statistics twice.
 */
export function updatedValue(buffer: Parameter): Tensor {
  return collecting?.get(buffer) ?? buffer
}

/** Builds a graph and gathers the updates that its modules record on the way. */
export function collectUpdates<T>(build: () => T): { result: T; updates: Map<Parameter, Tensor> } {
  const outer = collecting
  const updates = new Map<Parameter, Tensor>()
  collecting = updates
  try {
    return { result: build(), updates }
  } finally {
    collecting = outer
  }
}
