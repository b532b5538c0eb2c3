/// <reference types="@webgpu/types" />
import {
  CompileError,
  compile,
  type Executable,
  input,
  matMul,
  type Parameter,
  type Plan,
  type Precision,
  type Runtime,
  RuntimeError,
  reduceMax,
  sizeOf,
  type Tensor,
  type TensorData,
} from '@nemo/graph'
import { BufferPool, type BufferSource, deviceBuffers } from './bufferPool.js'
import { checkSupport } from './checkSupport.js'
import { ConstantHome } from './constantHome.js'
import { type DeviceOptions, describeAdapter, openDevice } from './device.js'
import { ELEMENT_BYTES, fromDevice, toDevice } from './elementType.js'
import { WebGPUDeviceError } from './errors.js'
import { type KernelTime, KernelTimer } from './kernelTimer.js'
import { lowerForWebGPU } from './lower.js'
import { kernels } from './ops/registry.js'
import { ParameterHome } from './parameterHome.js'
import { PipelineCache } from './pipelineCache.js'
import type { PlanResources } from './planner.js'
import { planRun } from './planRun.js'
import { Recording } from './recording.js'
import type { HalfFormat, Storage } from './storage.js'
import { DEFAULT_TILES, type Tiles, type TuningStore, tunedTiles } from './tuning.js'

/** Options of the WebGPU executor. */
export interface WebGPUOptions extends DeviceOptions {
  /** A device to share with other code; it is not destroyed with the runtime. Default: one of its own. */
  readonly device?: GPUDevice
  /**
   * `16-mixed`: products with weights and what is made of them element by element are stored in half precision, summed up
   * in float32; features, statistics, norms, softmax, losses, weights and states of optimisers keep float32. The device must
   * have `shader-f16`. Train with loss scaling, as the trainer's `precision` does. Default `32`.
   */
  readonly precision?: Precision
  /**
   * With `16-mixed` on a device without `shader-f16`: round to half precision all the same, but store in 4 bytes. It gains
   * nothing but to see what mixed precision does to a training. Default false.
   */
  readonly emulateHalf?: boolean
  /** Most bytes of a buffer, to leave room for others or to try what a smaller device would say. Default: the device's. */
  readonly maxBufferBytes?: number
  /** Where the best sizes of tiles for this device are kept; they are measured when they are not there. Default: none. */
  readonly tuning?: TuningStore
}

/** The WebGPU executor. */
export interface WebGPURuntime extends Runtime {
  readonly name: 'webgpu'
  readonly precision: Precision
  /** Names of the GPU in use. */
  readonly adapter: string
  /** Bytes of device memory that tensors within runs take, parameters and constants not counted. */
  readonly workingBytes: number
  /**
   * Times every kernel of the runs that `work` makes, by the device's own clock. Runs are slower meanwhile.
   *
   * @throws WebGPUDeviceError if the device has no timestamps.
   */
  profile(work: () => Promise<unknown>): Promise<readonly KernelTime[]>
}

/**
 * WebGPU as executor of graphs: `navigator.gpu` in a browser, Dawn in Node.
 *
 * @param options.adapter - Part of the GPU's name, or its number. Default: the first that performs well.
 * @throws WebGPUUnavailableError if there is no such GPU; it says what to install. WebGPUDeviceError if mixed precision was
 * asked for and the device has no `shader-f16`.
 */
export async function webgpu(options: WebGPUOptions = {}): Promise<WebGPURuntime> {
  if (options.device) {
    const { adapterInfo } = options.device
    const name = adapterInfo ? describeAdapter(adapterInfo) : 'a given device'
    return tuned(new DeviceRuntime(options.device, name, options), options)
  }
  const { device, adapter } = await openDevice(options)
  try {
    return await tuned(new DeviceRuntime(device, describeAdapter(adapter), options), options)
  } catch (error) {
    device.destroy()
    throw error
  }
}

async function tuned(runtime: DeviceRuntime, { tuning }: WebGPUOptions): Promise<WebGPURuntime> {
  if (tuning) await runtime.tune(tuning)
  return runtime
}

// Rows (and columns) and inner axis of the products that are measured; slow devices get shorter ones.
const MEASURED = {
  fast: { large: [1024, 1024], small: [48, 1024] },
  slow: { large: [768, 64], small: [48, 256] },
} as const
const FAST_MILLISECONDS = 1

// Plans of the most recent shapes that a program keeps.
const MOST_PLANS = 64

class DeviceRuntime implements WebGPURuntime {
  readonly name = 'webgpu'
  readonly adapter: string
  readonly precision: Precision
  readonly #half: HalfFormat | undefined
  readonly #device: GPUDevice
  readonly #owned: boolean
  readonly #buffers: BufferSource
  readonly #pool: BufferPool
  readonly #pipelines: PipelineCache
  readonly #parameters: ParameterHome
  #tiles = DEFAULT_TILES
  #timer: KernelTimer | undefined
  #failure: string | undefined
  #disposed = false
  // Runs enter the device's queue one after the other.
  #turn: Promise<unknown> = Promise.resolve()

  constructor(device: GPUDevice, adapter: string, options: WebGPUOptions) {
    this.adapter = adapter
    this.precision = options.precision ?? '32'
    this.#half = halfFormat(device, adapter, options)
    this.#device = device
    this.#owned = options.device === undefined
    this.#buffers = deviceBuffers(device, options.maxBufferBytes)
    this.#pool = new BufferPool(this.#buffers)
    this.#parameters = new ParameterHome(this.#buffers)
    this.#pipelines = new PipelineCache(device)
    void device.lost.then(({ reason, message }) => {
      if (!this.#disposed) {
        this.#failure = `The GPU was lost (${reason}): ${message}. Parameters that lived there are gone; make a new runtime and go on from the last checkpoint (in a recipe, run the same command again).`
      }
    })
    device.addEventListener('uncapturederror', (event) => {
      this.#failure ??= `The GPU refused a command: ${(event as GPUUncapturedErrorEvent).error.message}`
    })
  }

  get workingBytes(): number {
    return this.#pool.bytes
  }

  /** Finds the fastest tiles, or takes those that were saved. */
  async tune(store: TuningStore): Promise<void> {
    let sizes: (typeof MEASURED)[keyof typeof MEASURED] | undefined
    this.#tiles = await tunedTiles(this.adapter, store, async (kind, tile) => {
      sizes ??=
        (await this.#time(DEFAULT_TILES, ...MEASURED.slow.small)) < FAST_MILLISECONDS ? MEASURED.fast : MEASURED.slow
      const [side, inner] = sizes[kind]
      return this.#time({ ...DEFAULT_TILES, [kind]: tile }, side, inner)
    })
  }

  // Milliseconds of a product [side, inner] x [inner, side].
  async #time(tiles: Tiles, side: number, inner: number): Promise<number> {
    this.#tiles = tiles
    const [a, b] = [input('a', 'float32', [side, inner]), input('b', 'float32', [inner, side])]
    const program = await compile({ y: reduceMax(matMul(a, b)) }, { runtime: this })
    const feeds = { a: zeros([side, inner]), b: zeros([inner, side]) }
    try {
      await program.run(feeds)
      if (this.#device.features.has('timestamp-query')) {
        const times = await this.profile(() => program.run(feeds))
        return times.find(({ label }) => label === 'MatMul')!.milliseconds
      }
      const start = performance.now()
      await program.run(feeds)
      return performance.now() - start
    } finally {
      await program.dispose()
    }
  }

  async profile(work: () => Promise<unknown>): Promise<readonly KernelTime[]> {
    const timer = new KernelTimer(this.#device)
    this.#timer = timer
    try {
      await work()
    } finally {
      this.#timer = undefined
    }
    return this.#guard(() => timer.times())
  }

  async compile(plan: Plan): Promise<Executable> {
    if (plan.profilePrefix !== undefined)
      throw new CompileError(
        'The webgpu runtime writes no profile files. Leave profilePrefix out and use its profile(), or profile with ort.',
      )
    const roots = lowerForWebGPU([...plan.outputs.map((o) => o.tensor), ...plan.updates.map((u) => u.tensor)])
    checkSupport(roots, plan.inputs, kernels)
    const recordings = new Map<string, Recording>()
    const constants = new ConstantHome(this.#buffers, ({ buffer, offset }, elements) => {
      this.#device.queue.writeBuffer(buffer, offset, elements)
    })
    const resources: PlanResources = {
      kernels,
      pool: this.#pool,
      largestBuffer: this.#buffers.largest,
      tiles: this.#tiles,
      half: this.#half,
      parameter: (parameter) => this.#storageOf(parameter),
      constant: (value, what) => constants.place(value, what),
    }
    const recordingFor = async (feeds: ReadonlyMap<string, TensorData>): Promise<Recording> => {
      const key = plan.inputs.map(({ name }) => feeds.get(name)!.shape.join('x')).join(';')
      let recording = recordings.get(key)
      if (!recording) {
        recording = await this.#record(plan, roots, feeds, resources)
        if (recordings.size >= MOST_PLANS) {
          const [oldest] = recordings.keys()
          recordings.get(oldest!)!.dispose()
          recordings.delete(oldest!)
        }
      } else recordings.delete(key)
      recordings.set(key, recording)
      return recording
    }
    return {
      run: async (feeds) => {
        const results = await this.#inTurn(async () => {
          await this.#takeOver(plan.parameters)
          const recording = await recordingFor(feeds)
          const reading = recording.submit(feeds, this.#timer)
          for (const { parameter } of plan.updates) parameter.touch()
          return { reading }
        })
        const outputs = await this.#guard(() => results.reading)
        return outputs
      },
      memory: async () => ({
        parameterBytes: plan.parameters.reduce((sum, { shape }) => sum + sizeOf(shape) * ELEMENT_BYTES, 0),
        updateBytes: 0,
        workspaceBytes: this.#pool.bytes,
        peakResidentBytes: 0,
      }),
      dispose: async () => {
        await this.#inTurn(async () => {
          for (const recording of recordings.values()) recording.dispose()
          recordings.clear()
          constants.dispose()
        })
      },
    }
  }

  async #record(
    plan: Plan,
    roots: readonly Tensor[],
    feeds: ReadonlyMap<string, TensorData>,
    resources: PlanResources,
  ): Promise<Recording> {
    const planned = planRun(plan, roots, feeds, resources)
    return Recording.create({ device: this.#device, pipelines: this.#pipelines, ...planned })
  }

  async read(parameter: Parameter): Promise<TensorData> {
    const storage = this.#parameters.find(parameter)
    if (!storage) throw new RuntimeError(`Parameter ${parameter.name} does not live in this runtime.`)
    const bytes = sizeOf(parameter.shape) * ELEMENT_BYTES
    if (bytes === 0) return fromDevice(parameter.dtype, parameter.shape, new ArrayBuffer(0))
    return this.#inTurn(() =>
      this.#guard(async () => {
        const staging = this.#device.createBuffer({
          size: bytes,
          usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
        })
        const encoder = this.#device.createCommandEncoder()
        encoder.copyBufferToBuffer(storage.buffer, storage.offset, staging, 0, bytes)
        this.#device.queue.submit([encoder.finish()])
        await staging.mapAsync(GPUMapMode.READ)
        const value = fromDevice(parameter.dtype, parameter.shape, staging.getMappedRange().slice(0))
        staging.destroy()
        return value
      }),
    )
  }

  release(_parameter: Parameter): void {
    // The buffer stays: programs are recorded with it, and the next value goes into the same place.
  }

  async dispose(): Promise<void> {
    const home = new Map<Parameter, TensorData>()
    // What a lost device held is gone.
    for (const parameter of this.#failure ? [] : this.#parameters.parameters) {
      if (parameter.owner === this) home.set(parameter, await this.read(parameter))
    }
    for (const [parameter, value] of home) parameter.set(value)
    this.#disposed = true
    this.#pool.dispose()
    this.#parameters.dispose()
    if (this.#owned) this.#device.destroy()
  }

  #storageOf(parameter: Parameter): Storage {
    this.#parameters.settle([parameter])
    return this.#parameters.find(parameter)!
  }

  async #takeOver(parameters: readonly Parameter[]): Promise<void> {
    this.#parameters.settle(parameters)
    for (const parameter of parameters) {
      if (parameter.owner === this) continue
      const value = toDevice(await parameter.value(), `Parameter ${parameter.name}`)
      const { buffer, offset } = this.#storageOf(parameter)
      this.#device.queue.writeBuffer(buffer, offset, value)
      parameter.moveTo(this)
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#turn.then(() => this.#guard(work))
    this.#turn = next.catch(() => undefined)
    return next
  }

  // Reports what the device said meanwhile.
  async #guard<T>(work: () => Promise<T>): Promise<T> {
    if (this.#disposed) throw new RuntimeError('This WebGPU runtime was disposed; make a new one.')
    if (this.#failure) throw new WebGPUDeviceError(this.#failure)
    try {
      const result = await work()
      if (this.#failure) throw new WebGPUDeviceError(this.#failure)
      return result
    } catch (error) {
      // The device's own word says more than what failed because of it.
      if (this.#failure && !(error instanceof CompileError))
        throw new WebGPUDeviceError(this.#failure, { cause: error })
      throw error
    }
  }
}

// Never another precision than what was asked for.
function halfFormat(
  device: GPUDevice,
  adapter: string,
  { precision = '32', emulateHalf = false }: WebGPUOptions,
): HalfFormat | undefined {
  if (precision === '32') return undefined
  if (device.features.has('shader-f16')) return 'f16'
  if (emulateHalf) return 'bits'
  throw new WebGPUDeviceError(
    `Asked for precision 16-mixed, but ${adapter} has no shader-f16. Use precision 32, or another adapter.`,
  )
}

const zeros = (shape: readonly number[]): TensorData => ({
  dtype: 'float32',
  shape,
  data: new Float32Array(sizeOf(shape)),
})
