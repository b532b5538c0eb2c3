import fc from 'fast-check'
import { fieldsInOrder, type Messages, type NamedField } from '../../src/onnx/proto/schema.js'

const text = fc.string({ unit: 'binary', maxLength: 40 })
// Views at odd addresses, as decoding gives them.
const bytes = fc.uint8Array({ maxLength: 20 }).map((array) => Uint8Array.from([0, ...array]).subarray(1))

function single(field: NamedField, depth: number): fc.Arbitrary<unknown> {
  switch (field.kind) {
    case 'int32':
      return fc.integer()
    case 'int64':
      return fc.oneof(fc.integer(), fc.maxSafeInteger())
    case 'enum':
      return fc.constantFrom(...field.values!)
    case 'float':
      return fc.float({ noNaN: true })
    case 'string':
      return text
    case 'bytes':
      return bytes
    case 'message':
      return arbitraryMessage(field.message!, depth - 1)
    case 'floatArray':
      return fc.float32Array({ minLength: 1, maxLength: 5 })
    case 'doubleArray':
      return fc.float64Array({ minLength: 1, maxLength: 5 })
    case 'int32Array':
      return fc.int32Array({ minLength: 1, maxLength: 5 })
    case 'int64Array':
      return fc.bigInt64Array({ minLength: 1, maxLength: 5 })
    case 'uint64Array':
      return fc.bigUint64Array({ minLength: 1, maxLength: 5 })
  }
}

/**
 * Any value of a message that can be written: at most one field of each oneof, no empty optional lists. Optional messages
 * appear only while `depth` lasts, so recursive messages end.
 */
export function arbitraryMessage<N extends keyof Messages>(name: N, depth: number): fc.Arbitrary<Messages[N]> {
  const fields = fieldsInOrder(name).filter(
    (f) => f.kind !== 'message' || depth > 0 || f.presence === 'required' || f.repeated,
  )
  const entries = fields.map((field) => {
    const filledList = field.repeated && field.presence !== 'optional'
    if (field.repeated && field.kind === 'message' && depth <= 0)
      return [field.key, filledList ? fc.constant([]) : fc.constant(undefined)]
    const of = field.repeated
      ? fc.array(single(field, depth), { minLength: filledList ? 0 : 1, maxLength: 3 })
      : single(field, depth)
    return [field.key, field.presence === 'optional' ? fc.option(of, { nil: undefined, freq: 2 }) : of]
  })
  return fc.record(Object.fromEntries(entries) as Record<string, fc.Arbitrary<unknown>>).map((record) => {
    const seen = new Set<string>()
    for (const field of fields) {
      if (record[field.key] === undefined) delete record[field.key]
      else if (field.oneof !== undefined) {
        if (seen.has(field.oneof)) delete record[field.key]
        seen.add(field.oneof)
      }
    }
    return record as unknown as Messages[N]
  })
}
