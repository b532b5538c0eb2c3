export { UnsupportedGraphError, WebGPUDeviceError, WebGPUUnavailableError } from './errors.js'
export { type WebGPUOptions, type WebGPURuntime, webgpu } from './webgpu.js'
