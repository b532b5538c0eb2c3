import { allocate, type DType, sizeOf, type TensorData } from '@nemo/graph'

/**
 * Stacks one-dimensional arrays as rows, filled up at the end.
 *
 * @param minimum - Columns there are at least. Default 0.
 * @returns `[rows, longest]`; with no rows `[0, minimum]`.
 */
export function padRows<T extends DType>(
  rows: readonly TensorData<T>['data'][],
  dtype: T,
  value: number | bigint = 0,
  minimum = 0,
): TensorData<T> {
  const longest = rows.reduce((length, row) => Math.max(length, row.length), minimum)
  const shape = [rows.length, longest]
  const data = allocate(dtype, sizeOf(shape))
  if (value !== 0 && value !== 0n) (data as Float32Array).fill(value as number)
  rows.forEach((row, i) => {
    ;(data as Float32Array).set(row as Float32Array, i * longest)
  })
  return { dtype, shape, data }
}

/** Whole numbers as an int64 vector. */
export function int64Vector(values: readonly number[]): TensorData<'int64'> {
  return { dtype: 'int64', shape: [values.length], data: BigInt64Array.from(values, BigInt) }
}
