/// <reference types="@webgpu/types" />
import { WebGPUUnavailableError } from './errors.js'

/** Which GPU to take. */
export interface DeviceOptions {
  /**
   * Part of the adapter's name, vendor or description, in any case (`nvidia`, `swiftshader`), or its number in the list
   * that the error for a number too large shows. In a browser, which chooses by itself, the number must be 0. Default: any.
   */
  readonly adapter?: string | number
  /** What to prefer among several GPUs. Default `high-performance`. */
  readonly powerPreference?: 'high-performance' | 'low-power'
}

/** An adapter's names, as they are shown to people. */
export function describeAdapter(info: GPUAdapterInfo): string {
  return [info.vendor, info.architecture, info.device, info.description].filter((part) => part !== '').join(' ')
}

const INSTALL =
  'Install a driver: NVIDIA, AMD and Intel GPUs on Linux need their Vulkan driver and the package libvulkan1 (vulkan-loader); ' +
  'Windows and macOS bring theirs. In a browser use Chrome or Edge 113, Firefox 141, Safari 26 or later over https. ' +
  'To compute on the CPU pass the runtime ort() instead.'

// The limits worth raising; everything else stays at WebGPU's guaranteed defaults.
const RAISED_LIMITS = ['maxStorageBufferBindingSize', 'maxBufferSize'] as const

/**
 * Opens a device through `navigator.gpu`, or in Node through the npm package `webgpu` (Dawn).
 *
 * @throws WebGPUUnavailableError if there is no WebGPU or no adapter that fits; nothing is computed elsewhere instead.
 */
export async function openDevice(options: DeviceOptions): Promise<{ device: GPUDevice; adapter: GPUAdapterInfo }> {
  const gpu = await findGpu()
  const wanted = typeof options.adapter === 'number' ? await numbered(gpu, options.adapter) : options.adapter
  const request = { powerPreference: options.powerPreference ?? 'high-performance' } as const
  let adapter: GPUAdapter | null
  try {
    adapter = await gpu(wanted).requestAdapter(request)
  } catch (error) {
    const { message } = error as Error
    // Dawn wants the letters as they are, and lists what there is when it finds nothing.
    const spelled = namesIn(message).find((name) => matches(name, wanted))
    if (spelled === undefined)
      throw new WebGPUUnavailableError(`WebGPU found no adapter: ${message}. ${INSTALL}`, { cause: error })
    adapter = await gpu(spelled).requestAdapter(request)
  }
  if (!adapter) throw new WebGPUUnavailableError(`WebGPU found no adapter. ${INSTALL}`)
  const name = describeAdapter(adapter.info)
  if (typeof options.adapter === 'string' && !matches(name, wanted)) {
    throw new WebGPUUnavailableError(
      `Expected a WebGPU adapter named ${JSON.stringify(wanted)}, found ${JSON.stringify(name)}.`,
    )
  }
  alive.push(adapter)
  const requiredLimits: Record<string, number> = {}
  for (const limit of RAISED_LIMITS) requiredLimits[limit] = adapter.limits[limit]
  const requiredFeatures = WANTED_FEATURES.filter((feature) => adapter.features.has(feature))
  return { device: await adapter.requestDevice({ requiredLimits, requiredFeatures }), adapter: adapter.info }
}

const WANTED_FEATURES: readonly GPUFeatureName[] = ['timestamp-query', 'shader-f16']

type FindGpu = (adapter: string | undefined) => GPU

// Name of the adapter of a number; Dawn lists all of them when it is asked for one that nobody has.
async function numbered(gpu: FindGpu, number: number): Promise<string | undefined> {
  let names: readonly string[] = []
  if (browserGpu()) names = ['the one that the browser chooses']
  else {
    try {
      await gpu('no adapter has this name').requestAdapter()
    } catch (error) {
      names = [...new Set(namesIn((error as Error).message))]
    }
  }
  const name = names[number]
  if (name === undefined) {
    const list = names.map((each, i) => `${i}: ${each}`).join(', ')
    throw new WebGPUUnavailableError(
      `Expected the number of a WebGPU adapter, found ${number}. There ${names.length === 0 ? `is none. ${INSTALL}` : `are ${list}.`}`,
    )
  }
  return browserGpu() ? undefined : name
}

// Dawn's objects must outlive the devices made from them, and its garbage-collected wrappers do not see to that.
const alive: object[] = []

const matches = (name: string, wanted: string | undefined): boolean =>
  wanted === undefined || name.toLowerCase().includes(wanted.toLowerCase())

const browserGpu = (): GPU | undefined => (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu

const namesIn = (message: string): string[] => [...message.matchAll(/name: '([^']+)'/g)].map(([, name]) => name!)

// No kernel reads workgroup memory that it has not written, so it need not be cleared.
const DAWN_SWITCHES = ['enable-dawn-features=disable_workgroup_init']

/** What gives a GPU for part of an adapter's name. */
async function findGpu(): Promise<FindGpu> {
  const browser = browserGpu()
  if (browser) return () => browser
  let dawn: typeof import('webgpu')
  try {
    dawn = await import('#webgpu')
  } catch (error) {
    throw new WebGPUUnavailableError(
      `There is no navigator.gpu, and the npm package webgpu cannot be loaded: ${(error as Error).message}. ${INSTALL}`,
      { cause: error },
    )
  }
  Object.assign(globalThis, dawn.globals)
  return (adapter) => {
    const gpu = dawn.create([...DAWN_SWITCHES, ...(adapter === undefined ? [] : [`adapter=${adapter}`])])
    alive.push(gpu)
    return gpu
  }
}
