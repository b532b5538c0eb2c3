import { GraphError } from '../../errors.js'

/** Where in an ONNX message something is wrong. */
export interface OnnxPlace {
  /** Message and fields from the root, as in `ModelProto.graph.node[3].attribute[0]`. */
  readonly path: string
  /** Byte offset in the file; absent when the message did not come from bytes. */
  readonly offset?: number
}

/**
 * Bytes that are not a well-formed ONNX message, or a message that cannot be written or turned into a tensor.
 *
 * Its code is `NEMO_ONNX_FORMAT`; `path` names the message and field, `offset` the byte where reading stopped.
 */
export class OnnxFormatError extends GraphError {
  readonly path: string
  readonly offset: number | undefined
  constructor(message: string, place: OnnxPlace, options?: ErrorOptions) {
    const at = place.offset === undefined ? '' : ` at byte ${place.offset}`
    super('NEMO_ONNX_FORMAT', `${place.path}${at}: ${message}`, options)
    this.path = place.path
    this.offset = place.offset
  }
}
