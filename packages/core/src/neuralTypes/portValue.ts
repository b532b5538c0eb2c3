import { NeuralPortContainerError, NeuralPortRankError } from './errors.js'
import type { AnyNeuralType } from './neuralType.js'
import { NeuralType } from './neuralType.js'
import type { PortDeclaration } from './ports.js'

/** A type-checked call, for messages. */
export interface TypecheckedCall {
  /** Class and method: `ConvASREncoder.forward`. */
  readonly where: string
  /** Whether the depth of nested lists is left unchecked. */
  readonly ignoreCollections: boolean
}

/** Where in a call a value is: `In ConvASREncoder.forward, input port audioSignal[2]`. */
export function describePlace(call: TypecheckedCall, direction: 'input' | 'output', path: string): string {
  return `In ${call.where}, ${direction} port ${path}`
}

/**
 * Visits every value in the lists that a port holds, with the neural type that it has to have.
 *
 * List axes may be given as nested lists, whose items then have the remaining axes; or left to one object.
 *
 * @throws NeuralPortContainerError for a value at another depth than the port declares.
 */
export function visitPortValues(
  call: TypecheckedCall,
  direction: 'input' | 'output',
  port: PortDeclaration,
  value: unknown,
  visit: (value: unknown, neuralType: AnyNeuralType, place: string) => void,
): void {
  const { neuralType, containerDepth } = port
  const listAxes = neuralType.axes?.filter((axis) => axis.isList).length ?? 0
  const inLists = withoutListAxes(neuralType)
  const descend = (item: unknown, depth: number, path: string): void => {
    if (Array.isArray(item)) {
      item.forEach((inner, index) => {
        descend(inner, depth + 1, `${path}[${index}]`)
      })
      return
    }
    const place = describePlace(call, direction, path)
    const asLists = depth === containerDepth + listAxes
    if (!asLists && depth !== containerDepth && !call.ignoreCollections) {
      throw new NeuralPortContainerError(
        `${place}: the value is in ${lists(depth)}, expected ${lists(containerDepth + listAxes)} around each ` +
          `(${neuralType}). ${depth < containerDepth ? 'Put it in a list' : 'Take it out of the list'}, or declare the port with as many [].`,
      )
    }
    visit(item, asLists ? inLists : neuralType, place)
  }
  descend(value, 0, port.key)
}

/**
 * Checks the rank of a value that knows it.
 *
 * @throws NeuralPortRankError if the value has a shape of another length than the type has axes.
 */
export function checkRank(value: unknown, neuralType: AnyNeuralType, place: string): void {
  const shape = shapeOf(value)
  if (shape === null || neuralType.axes === null || shape.length === neuralType.axes.length) return
  throw new NeuralPortRankError(
    `${place}: expected rank ${neuralType.axes.length}, ${neuralType.axesText} of ${neuralType.elementsType} | ` +
      `found rank ${shape.length}, shape [${shape.join(', ')}]. ` +
      `${shape.length < neuralType.axes.length ? 'Add the missing axis, as with unsqueeze' : 'Remove the surplus axis, as with squeeze'}, or connect another tensor.`,
  )
}

/** The shape of a tensor-like value; null when it has none. */
export function shapeOf(value: unknown): readonly unknown[] | null {
  if (typeof value !== 'object' || value === null || !('shape' in value)) return null
  return Array.isArray(value.shape) ? value.shape : null
}

/** The neural type of a value; null when it has none. */
export function neuralTypeOf(value: unknown): NeuralType | null {
  if (typeof value !== 'object' || value === null || !('neuralType' in value)) return null
  return value.neuralType instanceof NeuralType ? value.neuralType : null
}

/** Whether an object is a plain one, as an object literal makes it. */
export function isRecord(value: object): value is Record<string, unknown> {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

function withoutListAxes(neuralType: AnyNeuralType): AnyNeuralType {
  const { axes, elementsType, optional } = neuralType
  if (axes === null || !axes.some((axis) => axis.isList)) return neuralType
  return new NeuralType(
    axes.filter((axis) => !axis.isList),
    elementsType,
    { optional },
  )
}

function lists(depth: number): string {
  return depth === 0 ? 'no list' : depth === 1 ? 'one list' : `${depth} nested lists`
}
