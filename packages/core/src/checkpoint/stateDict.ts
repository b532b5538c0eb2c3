import { CheckpointContentError } from './errors.js'
import type { PythonValue, StateDict } from './pythonValue.js'
import { isTensor } from './tensorData.js'

/**
 * Checks that a value of a checkpoint is a state dict: names with tensors and nothing else.
 *
 * @param what - Names the value in errors.
 * @throws CheckpointContentError naming the first key that is not; for Lightning checkpoints it says where the state dict is.
 */
export function asStateDict(value: PythonValue, what: string): StateDict {
  if (!(value instanceof Map)) {
    throw new CheckpointContentError(`${what}: expected a state dict, found ${value === null ? 'None' : typeof value}.`)
  }
  for (const [key, item] of value) {
    if (typeof key === 'string' && isTensor(item)) continue
    const hint =
      value.get('state_dict') instanceof Map ? ' This is a training checkpoint: take its entry state_dict.' : ''
    throw new CheckpointContentError(
      `${what}: expected a state dict of tensors, but the entry ${JSON.stringify(String(key))} is none.${hint}`,
    )
  }
  return value as StateDict
}
