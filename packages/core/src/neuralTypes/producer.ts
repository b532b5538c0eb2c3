import { identity, Tensor } from '@nemo/graph'
import { attachNeuralType } from './nmTensor.js'
import { neuralTypeOf } from './portValue.js'

/** One call of a module in a drawn graph, with all that is needed to draw it again in another mode. */
export interface ModuleCall {
  readonly module: object
  /** The ports that it was called with; undefined for a data layer, whose tensors come from batches. */
  readonly inputs: object | undefined
  /** Draws the call once more on other inputs. */
  readonly draw: (inputs: object | undefined) => unknown
}

/** Where a tensor comes from: an output port of a module's call. NeMo 0.x's `NmTensor.producer`, `producer_args` and `name`. */
export interface Producer {
  readonly call: ModuleCall
  /** Place of the tensor in what the call returned: the port's key, then places in lists. Empty for a bare tensor. */
  readonly path: readonly (string | number)[]
}

const producers = new WeakMap<Tensor, Producer>()
// Nothing is looked for until a data layer has begun a graph of module calls.
let anyProduced = false
let insideCall = false

/** The call of a module that a tensor comes out of; undefined outside graphs that begin at a data layer. */
export function producerOf(tensor: Tensor): Producer | undefined {
  return producers.get(tensor)
}

/** Makes tensors the outputs of a call: the beginning of a graph of module calls. */
export function markProduced(call: ModuleCall, outputs: Readonly<Record<string, Tensor>>): void {
  anyProduced = true
  for (const [key, tensor] of Object.entries(outputs)) producers.set(tensor, { call, path: [key] })
}

/**
 * Draws a call of a module. Where its inputs come from a data layer, the outputs remember the call, so that the graph can be
 * drawn again for training, evaluation or export; calls inside the call are its own business.
 */
export function drawCall<Result>(
  module: object,
  inputs: object | undefined,
  draw: (inputs: object | undefined) => Result,
): Result {
  if (insideCall || !anyProduced) return draw(inputs)
  insideCall = true
  let result: Result
  try {
    result = draw(inputs)
  } finally {
    insideCall = false
  }
  if (result instanceof Promise || !comesFromCall(tensorsOf(inputs))) return result
  const call: ModuleCall = { module, inputs, draw }
  return mapTensors(result, (tensor, path) => {
    const output = producers.has(tensor) ? handedThrough(tensor) : tensor
    producers.set(output, { call, path })
    return output
  }) as Result
}

// An input that comes out again must be a tensor of its own: in another mode the module may do something to it.
function handedThrough(tensor: Tensor): Tensor {
  const neuralType = neuralTypeOf(tensor)
  const output = identity(tensor)
  return neuralType === null ? output : attachNeuralType(output, neuralType)
}

/** Maps every tensor in plain objects and lists; other values stay. */
export function mapTensors(
  value: unknown,
  map: (tensor: Tensor, path: readonly (string | number)[]) => Tensor,
  path: readonly (string | number)[] = [],
): unknown {
  if (value instanceof Tensor) return map(value, path)
  if (Array.isArray(value)) return value.map((item, i) => mapTensors(item, map, [...path, i]))
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapTensors(item, map, [...path, key])]))
}

/** Every tensor in plain objects and lists. */
export function tensorsOf(value: unknown): Tensor[] {
  const found: Tensor[] = []
  mapTensors(value, (tensor) => {
    found.push(tensor)
    return tensor
  })
  return found
}

// Ops may stand between two modules.
function comesFromCall(tensors: readonly Tensor[]): boolean {
  const seen = new Set<Tensor>()
  const open = [...tensors]
  while (open.length > 0) {
    const tensor = open.pop()!
    if (seen.has(tensor)) continue
    seen.add(tensor)
    if (producers.has(tensor)) return true
    for (const input of tensor.node.inputs) if (input) open.push(input)
  }
  return false
}
