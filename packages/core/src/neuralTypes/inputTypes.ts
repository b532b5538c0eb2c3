import { isAccepted } from './comparison.js'
import {
  NeuralPortMissingError,
  NeuralPortNameMismatchError,
  NeuralPortNmTensorMismatchError,
  TypecheckUsageError,
} from './errors.js'
import { type PortTypes, portDeclarations } from './ports.js'
import { checkRank, isRecord, neuralTypeOf, type TypecheckedCall, visitPortValues } from './portValue.js'

/**
 * Checks the argument of a type-checked method against its input ports. Ports whose value is undefined or null count
 * as left open.
 *
 * @param call - The call, for messages.
 * @param inputTypes - The input ports.
 * @param args - Everything that the method was called with.
 *
 * Source: NeMo v1.0.0 `Typing._validate_input_types`.
 */
export function validateInputTypes(call: TypecheckedCall, inputTypes: PortTypes, args: readonly unknown[]): void {
  const ports = portDeclarations(inputTypes)
  const inputs = namedInputs(call, [...ports.keys()], args)
  const given = Object.entries(inputs).filter(([, value]) => value !== undefined && value !== null)
  const unknown = Object.keys(inputs).filter((key) => !ports.has(key))
  const names = new Set(given.map(([key]) => key))
  const open = [...ports.values()].filter((port) => !names.has(port.key) && !port.neuralType.optional)
  if (unknown.length > 0) {
    const optional = [...ports.values()].filter((port) => port.neuralType.optional).map((port) => port.key)
    throw new NeuralPortNameMismatchError(
      `In ${call.where}: no input port is called ${list(unknown)}. expected ${list([...ports.keys()])}` +
        `${optional.length > 0 ? `, of which ${list(optional)} may be left open` : ''} | found ${list(Object.keys(inputs))}.` +
        `${open.length > 0 ? ` Is it ${list(open.map((port) => port.key))}?` : ' Remove it.'}`,
    )
  }
  if (open.length > 0) {
    throw new NeuralPortMissingError(
      `In ${call.where}: ${open.length === 1 ? 'a mandatory input port has' : 'mandatory input ports have'} no value: ` +
        `${open.map((port) => `${port.key} (${port.neuralType})`).join(', ')}. ` +
        `expected ${list([...ports.keys()])} | found ${list([...names])}. Connect ${open.length === 1 ? 'it' : 'them'}.`,
    )
  }
  for (const [key, value] of given) {
    visitPortValues(call, 'input', ports.get(key)!, value, (item, neuralType, place) => {
      const found = neuralTypeOf(item)
      if (found !== null) {
        const result = neuralType.compare(found)
        if (!isAccepted(result)) throw new NeuralPortNmTensorMismatchError(place, neuralType, found, result)
      }
      checkRank(item, neuralType, place)
    })
  }
}

function namedInputs(
  call: TypecheckedCall,
  ports: readonly string[],
  args: readonly unknown[],
): Record<string, unknown> {
  const [inputs = {}] = args
  if (args.length > 1 || typeof inputs !== 'object' || inputs === null || !isRecord(inputs)) {
    throw new TypecheckUsageError(
      `${call.where} was called with ${args.length === 1 ? 'a value' : `${args.length} arguments`} instead of named ports. ` +
        `expected one object: { ${ports.join(', ')} }.`,
    )
  }
  return inputs
}

function list(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.join(', ')
}
