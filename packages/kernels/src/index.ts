export { type CostMeter, costMeter, type KernelCost, type RunCost } from './costMeter.js'
export { UnsupportedGraphError, WebGPUDeviceError, WebGPUUnavailableError } from './errors.js'
export { type WebGPUOptions, type WebGPURuntime, webgpu } from './webgpu.js'
