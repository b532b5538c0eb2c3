import { type DType, input, type Tensor } from '@nemo/graph'
import { AxisKind } from '../neuralTypes/axes.js'
import type { ElementType } from '../neuralTypes/elementType.js'
import {
  BoolType,
  CategoricalValuesType,
  ClassificationTarget,
  Index,
  IntType,
  LabelsType,
  LengthsType,
  MaskType,
  PredictionsType,
  RegressionValuesType,
} from '../neuralTypes/elementTypes.js'
import type { AnyNeuralType } from '../neuralTypes/neuralType.js'
import { attachNeuralType } from '../neuralTypes/nmTensor.js'
import { portName } from '../neuralTypes/portName.js'
import { type PortTypes, portDeclarations } from '../neuralTypes/ports.js'
import { ModuleError } from './errors.js'

// The nearest ancestor counts, so subclasses stand before their bases.
const dtypes: readonly (readonly [abstract new (...args: never[]) => ElementType, DType])[] = [
  [MaskType, 'bool'],
  [RegressionValuesType, 'float32'],
  [CategoricalValuesType, 'int64'],
  [PredictionsType, 'int64'],
  [LabelsType, 'int64'],
  [LengthsType, 'int64'],
  [Index, 'int64'],
  [ClassificationTarget, 'int64'],
  [IntType, 'int64'],
  [BoolType, 'bool'],
]

/** The dtype in which values of an element type enter a graph: int64 for labels and lengths, bool for masks, else float32. */
export function dtypeOfElement(element: ElementType): DType {
  return dtypes.find(([type]) => element instanceof type)?.[1] ?? 'float32'
}

/**
 * A program input for a port. The batch axis is the symbol `B` everywhere; other axes are named after the port, as two
 * ports' times need not agree.
 */
export function symbolicInput(key: string, type: AnyNeuralType, ports?: PortTypes): Tensor {
  const name = portName(key, ports)
  const shape = (type.axes ?? []).map((axis, i) => {
    if (axis.size !== null) return axis.size
    if (axis.kind === AxisKind.Batch) return 'B'
    return `${String(axis.kind)}${(type.axes ?? []).filter((other, j) => j < i && other.kind === axis.kind).length || ''}_${name}`
  })
  return attachNeuralType(input(name, dtypeOfElement(type.elementsType), shape), type)
}

/**
 * Program inputs for the ports of a table, by key.
 *
 * @param keys - Ports to make; default all mandatory ones.
 * @throws ModuleError for a port that holds a list of tensors, which has no one input.
 */
export function symbolicInputs(ports: PortTypes, keys?: readonly string[]): Record<string, Tensor> {
  const inputs: Record<string, Tensor> = {}
  for (const { key, neuralType, containerDepth } of portDeclarations(ports).values()) {
    if (keys ? !keys.includes(key) : neuralType.optional) continue
    if (containerDepth > 0) throw new ModuleError(`Port ${key} holds a list of tensors; give its inputs one by one.`)
    inputs[key] = symbolicInput(key, neuralType, ports)
  }
  return inputs
}
