import {
  type Executable,
  ort,
  type Parameter,
  type Plan,
  type Precision,
  type Runtime,
  type TensorData,
} from '@nemo/graph'
import { TrainerError } from './errors.js'
import { precisionOf } from './precision.js'
import type { TrainerConfig } from './trainerConfig.js'
import { tuningFile } from './tuningFile.js'

/** The executor that a trainer's `accelerator` names. */
export function acceleratorRuntime(
  config: Pick<TrainerConfig, 'accelerator' | 'num_threads'> & Partial<Pick<TrainerConfig, 'devices' | 'precision'>>,
): Runtime {
  const { devices } = config
  const adapter = Array.isArray(devices)
    ? devices[0]
    : typeof devices === 'string' && devices !== 'auto'
      ? devices
      : undefined
  const precision = precisionOf({ precision: config.precision ?? 32 })
  if (config.accelerator === 'webgpu')
    return new DeferredRuntime('webgpu', precision, () => openWebGPU(adapter, precision))
  if (adapter !== undefined) {
    throw new TrainerError(
      `trainer.devices=${JSON.stringify(devices)} chooses a GPU, but trainer.accelerator is ${config.accelerator ?? 'cpu'}. Add trainer.accelerator=webgpu, or leave devices out.`,
    )
  }
  if (precision === '16-mixed') {
    throw new TrainerError(
      `trainer.precision=${config.precision} needs a GPU with shader-f16, but trainer.accelerator is ${config.accelerator ?? 'cpu'}. Add trainer.accelerator=webgpu, or use precision=32.`,
    )
  }
  return ort({ worker: true, threads: config.num_threads })
}

// Known by name alone, so that whoever trains on the processor need not install it.
const KERNELS: string = '@nemo/kernels'

interface KernelOptions {
  readonly adapter?: string | number
  readonly precision: Precision
  readonly tuning?: ReturnType<typeof tuningFile>
}

async function openWebGPU(adapter: string | number | undefined, precision: Precision): Promise<Runtime> {
  let kernels: { webgpu(options: KernelOptions): Promise<Runtime> }
  try {
    kernels = (await import(/* @vite-ignore */ KERNELS)) as typeof kernels
  } catch (error) {
    throw new TrainerError(
      `trainer.accelerator=webgpu needs the package ${KERNELS}, which cannot be loaded: ${(error as Error).message}. Install it: npm i ${KERNELS}. In a browser pass the runtime webgpu() to the trainer instead.`,
      { cause: error },
    )
  }
  // A browser has no files to keep measurements in.
  const tuning = typeof globalThis.process?.getBuiltinModule === 'function' ? tuningFile() : undefined
  return kernels.webgpu({ precision, ...(tuning && { tuning }), ...(adapter !== undefined && { adapter }) })
}

/** A runtime that is opened when the first program is compiled, because devices open asynchronously. */
class DeferredRuntime implements Runtime {
  readonly name: string
  readonly precision: Precision
  readonly #open: () => Promise<Runtime>
  #opened: Promise<Runtime> | undefined

  constructor(name: string, precision: Precision, open: () => Promise<Runtime>) {
    this.name = name
    this.precision = precision
    this.#open = open
  }

  async compile(plan: Plan): Promise<Executable> {
    this.#opened ??= this.#open()
    return (await this.#opened).compile(plan)
  }

  // Parameters belong to the opened runtime, so nobody comes here for them.
  read(parameter: Parameter): Promise<TensorData> {
    throw new TrainerError(`Parameter ${parameter.name} does not live in this runtime.`)
  }

  release(_parameter: Parameter): void {}

  async dispose(): Promise<void> {
    const opened = await this.#opened?.catch(() => undefined)
    await opened?.dispose()
  }
}
