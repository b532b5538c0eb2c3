import type { Tensor } from '@nemo/graph'
import type { ElementType } from './elementType.js'
import type { AxesNotation, Layout, LayoutOf, LayoutText } from './layout.js'
import type { AnyNeuralType, NeuralType } from './neuralType.js'

/**
 * A symbolic tensor with its neural type: `NmTensor<'B D T', SpectrogramType>`. It is a plain graph tensor with one
 * more property, so every graph op takes it; and since a plain tensor has no neural type, every port takes that,
 * unchecked, as in NeMo.
 *
 * @typeParam Axes - The axes: `'B D T'`, `'B D:64 T'`, or null for none.
 * @typeParam Element - The element type.
 */
export type NmTensor<Axes extends AxesNotation = AxesNotation, Element extends ElementType = ElementType> = Tensor & {
  readonly neuralType?: NeuralType<LayoutOf<Axes>, Element> | undefined
}

/**
 * Gives a tensor a neural type, in place, and returns it: the way for values that enter a graph, such as the batches
 * of a data layer, to be checked from the first port on.
 *
 * @param tensor - A tensor; a type that it already has is replaced.
 * @param neuralType - Its new type, made by `port`.
 */
export function withNeuralType<L extends Layout, Element extends ElementType>(
  tensor: Tensor,
  neuralType: NeuralType<L, Element>,
): NmTensor<LayoutText<L>, Element> {
  return attachNeuralType(tensor, neuralType) as NmTensor<LayoutText<L>, Element>
}

/** Sets the `neuralType` of an object. It is not enumerable, so that structural equality ignores it. */
export function attachNeuralType<Value extends object>(value: Value, neuralType: AnyNeuralType): Value {
  return Object.defineProperty(value, 'neuralType', { value: neuralType, writable: true, configurable: true })
}
