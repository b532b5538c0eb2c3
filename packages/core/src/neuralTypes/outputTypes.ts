import { NeuralPortMissingError, NeuralPortNameMismatchError, TypecheckUsageError } from './errors.js'
import { attachNeuralType } from './nmTensor.js'
import { type PortTypes, portDeclarations } from './ports.js'
import { checkRank, isRecord, neuralTypeOf, shapeOf, type TypecheckedCall, visitPortValues } from './portValue.js'

/**
 * Checks the result of a type-checked method against its output ports and gives each tensor in it the neural type of
 * its port, in place. A method with a single output port may return that port's value alone. Values that are not
 * tensors are left as they are, and so is the type of a tensor that fits the port already: a module that hands an input
 * through must not widen the type that the tensor's producer gave it.
 *
 * @param call - The call, for messages.
 * @param outputTypes - The output ports.
 * @param outputs - What the method returned.
 *
 * Source: NeMo v1.0.0 `Typing._attach_and_validate_output_types`, which replaces the type in every case.
 */
export function attachOutputTypes(call: TypecheckedCall, outputTypes: PortTypes, outputs: unknown): void {
  const ports = portDeclarations(outputTypes)
  const named = namedOutputs(call, [...ports.keys()], outputs)
  for (const key of Object.keys(named)) {
    if (!ports.has(key)) {
      throw new NeuralPortNameMismatchError(
        `In ${call.where}: no output port is called ${key}. expected ${[...ports.keys()].join(', ') || 'none'} | ` +
          `found ${Object.keys(named).join(', ')}. Declare it in outputTypes, or do not return it.`,
      )
    }
  }
  for (const port of ports.values()) {
    const value = named[port.key] ?? null
    if (value === null) {
      if (port.neuralType.optional) continue
      throw new NeuralPortMissingError(
        `In ${call.where}: the output port ${port.key} (${port.neuralType}) has no value. Return it, or declare it optional.`,
      )
    }
    visitPortValues(call, 'output', port, value, (item, neuralType, place) => {
      checkRank(item, neuralType, place)
      if (shapeOf(item) === null || !Object.isExtensible(item)) return
      const known = neuralTypeOf(item)
      if (known === null || !neuralType.accepts(known)) attachNeuralType(item as object, neuralType)
    })
  }
}

function namedOutputs(call: TypecheckedCall, ports: readonly string[], outputs: unknown): Record<string, unknown> {
  if (typeof outputs === 'object' && outputs !== null && isRecord(outputs) && shapeOf(outputs) === null) return outputs
  if (ports.length === 1) return { [ports[0]!]: outputs }
  if (ports.length === 0 && outputs === undefined) return {}
  throw new TypecheckUsageError(
    `${call.where} returned ${Array.isArray(outputs) ? 'a list' : `a value of type ${typeof outputs}`} instead of named ports. ` +
      `expected an object: { ${ports.join(', ')} }.`,
  )
}
