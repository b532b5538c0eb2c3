import type { DType } from '../../../dtype.js'
import { dataTypeName, dtypeOf } from '../../proto/tensor.js'
import type { ImportedNode } from '../importedNode.js'

/** The dtype that an attribute names by its ONNX number; strings, complex numbers and 8-bit floats are refused. */
export function castTarget(node: ImportedNode, dataType: number): DType {
  const dtype = dtypeOf(dataType)
  if (dtype === undefined || dtype === 'string')
    return node.unsupported(`elements of ${dataTypeName(dataType)} are not supported.`)
  return dtype
}
