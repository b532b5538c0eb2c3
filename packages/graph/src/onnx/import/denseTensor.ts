import { allocate } from '../../dtype.js'
import { OnnxFormatError } from '../proto/errors.js'
import type { SparseTensorProto } from '../proto/model.js'
import { type ReadExternalData, type TensorArray, tensorToArray } from '../proto/tensor.js'

// A few bytes of a file may announce any size; half a gigabyte of zeros is beyond use.
const LARGEST = 2 ** 26

/**
 * The elements of a sparse tensor with its zeros written out.
 *
 * @throws OnnxFormatError if indices are out of range, unsorted or repeated, or do not fit the values; or if the dense
 * tensor would have more than 2^26 elements.
 */
export function denseTensor(
  proto: SparseTensorProto,
  options: { readonly path: string; readonly readExternal?: ReadExternalData },
): TensorArray {
  const { path } = options
  const fail = (message: string): never => {
    throw new OnnxFormatError(message, { path })
  }
  const values = tensorToArray(proto.values, { ...options, path: `${path}.values` })
  const indices = tensorToArray(proto.indices, { ...options, path: `${path}.indices` })
  const shape = [...proto.dims]
  if (values.dtype === 'string') return fail('sparse tensors hold numbers, found strings.')
  if (indices.dtype !== 'int64') return fail(`expected int64 indices, found ${indices.dtype}.`)
  if (!shape.every((dim) => Number.isSafeInteger(dim) && dim >= 0))
    return fail(`expected dims of 0 or more, found [${shape.join(', ')}].`)
  const size = shape.reduce((product, dim) => product * dim, 1)
  if (!(size <= LARGEST)) return fail(`shape [${shape.join(', ')}] has more than ${LARGEST} elements.`)
  const count = values.data.length
  const width = indices.shape.length === 1 ? 1 : shape.length
  if (indices.shape[0] !== count || indices.shape.length > 2 || (indices.shape[1] ?? 1) !== width)
    return fail(
      `expected indices of shape [${count}] or [${count}, ${shape.length}], found [${indices.shape.join(', ')}].`,
    )
  const data = allocate(values.dtype, size)
  let last = -1
  for (let i = 0; i < count; i++) {
    let place = 0
    if (indices.shape.length === 1) place = Number(indices.data[i])
    else {
      shape.forEach((dim, axis) => {
        const index = Number(indices.data[i * width + axis])
        if (index < 0 || index >= dim) fail(`index ${index} is outside axis ${axis} of size ${dim}.`)
        place = place * dim + index
      })
    }
    if (place <= last || place >= size) fail(`indices must grow and stay below ${size}, found ${place} after ${last}.`)
    last = place
    data[place] = values.data[i]!
  }
  return { dtype: values.dtype, shape, data } as TensorArray
}
