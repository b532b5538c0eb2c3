export { type CostMeter, costMeter, type KernelCost, type RunCost } from './costMeter.js'
export { UnsupportedGraphError, WebGPUDeviceError, WebGPUUnavailableError } from './errors.js'
export type { KernelTime } from './kernelTimer.js'
export { type WebGPUOptions, type WebGPURuntime, webgpu } from './webgpu.js'
