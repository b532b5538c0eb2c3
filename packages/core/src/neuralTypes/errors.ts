import { isAccepted, NeuralTypeComparisonResult } from './comparison.js'
import type { AnyNeuralType } from './neuralType.js'

/** Base of every error about neural types; `code` is stable across versions. */
export class NeuralTypeError extends Error {
  readonly code: string
  constructor(code: string, message: string) {
    super(`${message} [${code}]`)
    this.name = new.target.name
    this.code = code
  }
}

/** An axis, an element type, a neural type or a table of ports that makes no sense. */
export class NeuralTypeDefinitionError extends NeuralTypeError {
  constructor(message: string) {
    super('NEMO_NEURAL_TYPE_DEFINITION', message)
  }
}

/** A type-checked method that was not called with one object of named ports, or did not return one. */
export class TypecheckUsageError extends NeuralTypeError {
  constructor(message: string) {
    super('NEMO_TYPECHECK_USAGE', message)
  }
}

/** A value for a port that the module does not have. */
export class NeuralPortNameMismatchError extends NeuralTypeError {
  constructor(message: string) {
    super('NEMO_PORT_NAME', message)
  }
}

/** A mandatory port without a value. */
export class NeuralPortMissingError extends NeuralTypeError {
  constructor(message: string) {
    super('NEMO_PORT_MISSING', message)
  }
}

/** A tensor of another rank than its port wants. */
export class NeuralPortRankError extends NeuralTypeError {
  constructor(message: string) {
    super('NEMO_PORT_RANK', message)
  }
}

/** Lists nested deeper, or less deep, than the port wants. */
export class NeuralPortContainerError extends NeuralTypeError {
  constructor(message: string) {
    super('NEMO_PORT_CONTAINER', message)
  }
}

/** A tensor whose neural type does not fit the port it was given to. */
export class NeuralPortNmTensorMismatchError extends NeuralTypeError {
  /**
   * @param where - Module and port, for the message.
   * @param expected - Type of the port.
   * @param found - Type of the tensor.
   * @param result - `expected.compare(found)`.
   */
  constructor(
    where: string,
    readonly expected: AnyNeuralType,
    readonly found: AnyNeuralType,
    readonly result: NeuralTypeComparisonResult,
  ) {
    super(
      'NEMO_PORT_TYPE',
      `${where}: ${NeuralTypeComparisonResult[result]}\n` +
        `expected ${expected}\n   found ${found}\n${remedy(expected, found, result)}`,
    )
  }
}

function remedy(expected: AnyNeuralType, found: AnyNeuralType, result: NeuralTypeComparisonResult): string {
  const wanted = expected.elementsType
  const offered = found.elementsType
  switch (result) {
    case NeuralTypeComparisonResult.LESS:
      return `The port wants the narrower ${wanted}, and not every ${offered} is one: connect an output of type ${wanted}.`
    case NeuralTypeComparisonResult.TRANSPOSE_SAME:
      return transposeRemedy(expected, found)
    case NeuralTypeComparisonResult.DIM_INCOMPATIBLE:
      return 'The axes are the same and their sizes are not: resize or project the tensor, or change the sizes in the configuration.'
    case NeuralTypeComparisonResult.SAME_TYPE_INCOMPATIBLE_PARAMS:
      return `The element type is the same and its parameters are not (${wanted}, ${offered}): convert the data, or use the same values in both modules.`
    default:
      return incompatibleRemedy(expected, found)
  }
}

// NeMo's INCOMPATIBLE covers many cases; the one thing that is wrong is worth saying.
function incompatibleRemedy(expected: AnyNeuralType, found: AnyNeuralType): string {
  const wanted = expected.elementsType
  if (!isAccepted(wanted.compare(found.elementsType)))
    return `Connect a tensor of ${wanted} with axes ${expected.axesText}.`
  const kinds = (type: AnyNeuralType): string =>
    (type.axes ?? [])
      .map(({ kind }) => kind.name)
      .sort()
      .join()
  return kinds(expected) === kinds(found)
    ? transposeRemedy(expected, found)
    : `The elements fit and the axes do not: connect a tensor with axes ${expected.axesText}.`
}

function transposeRemedy(expected: AnyNeuralType, found: AnyNeuralType): string {
  const axes = found.axes ?? []
  const perm = (expected.axes ?? []).map((axis) =>
    axes.findIndex(({ kind, isList }) => kind === axis.kind && isList === axis.isList),
  )
  if (perm.includes(-1) || new Set(perm).size < perm.length) {
    return `Convert between lists and tensors, or reorder the axes, to get ${expected.axesText}.`
  }
  return perm.every((from, to) => from === to)
    ? `The axes are the same and their sizes are not: resize or project the tensor to get ${expected.axesText}.`
    : `Transpose the tensor with perm [${perm.join(', ')}] to get ${expected.axesText}.`
}
