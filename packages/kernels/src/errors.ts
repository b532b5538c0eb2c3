import { GraphError } from '@nemo/graph'

/** There is no WebGPU here, or no adapter that fits the request; the message says what to install. */
export class WebGPUUnavailableError extends GraphError {
  constructor(message: string, options?: ErrorOptions) {
    super('NEMO_WEBGPU_UNAVAILABLE', message, options)
  }
}

/** The device was lost, refused a kernel, or is too small for a tensor. */
export class WebGPUDeviceError extends GraphError {
  constructor(message: string, options?: ErrorOptions) {
    super('NEMO_WEBGPU_DEVICE', message, options)
  }
}

/** The graph holds an op, element type or size that this executor does not run. */
export class UnsupportedGraphError extends GraphError {
  constructor(message: string) {
    super('NEMO_WEBGPU_UNSUPPORTED', message)
  }
}
