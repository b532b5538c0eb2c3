/// <reference types="@webgpu/types" />
import { WebGPUDeviceError } from './errors.js'
import type { Dispatch, DispatchCost } from './kernelBuilder.js'

/** Time and work of the kernels of one name. */
export interface KernelTime extends DispatchCost {
  readonly label: string
  readonly dispatches: number
  /** On the device, by its own clock. */
  readonly milliseconds: number
}

// Most queries of a set that every device makes.
const MOST_QUERIES = 4096
const NANOSECONDS_PER_MILLISECOND = 1e6

/** Measures kernels by timestamps of the device: while it does, each kernel is a pass of its own. */
export class KernelTimer {
  readonly #device: GPUDevice
  readonly #byLabel = new Map<string, KernelTime>()
  readonly #pending: Promise<void>[] = []

  /** @throws WebGPUDeviceError if the device has no timestamps. */
  constructor(device: GPUDevice) {
    if (!device.features.has('timestamp-query')) {
      throw new WebGPUDeviceError(
        'This device has no timestamp queries, so kernels cannot be timed. Time whole runs instead, or use another adapter; Chrome needs --enable-dawn-features=allow_unsafe_apis for some.',
      )
    }
    this.#device = device
  }

  /** Timers for the kernels of one submission. */
  begin(): SubmissionTimer {
    return new SubmissionTimer(this.#device)
  }

  /** Counts a submission's kernels in; call it after the submission. */
  add(submission: SubmissionTimer): void {
    this.#pending.push(
      submission.read().then((times) => {
        for (const { dispatch, nanoseconds } of times) {
          const { label, cost } = dispatch
          const sum = this.#byLabel.get(label)
          this.#byLabel.set(label, {
            label,
            dispatches: (sum?.dispatches ?? 0) + 1,
            milliseconds: (sum?.milliseconds ?? 0) + nanoseconds / NANOSECONDS_PER_MILLISECOND,
            bytesRead: (sum?.bytesRead ?? 0) + cost.bytesRead,
            bytesWritten: (sum?.bytesWritten ?? 0) + cost.bytesWritten,
            flops: (sum?.flops ?? 0) + cost.flops,
          })
        }
      }),
    )
  }

  /** Times of all kernels so far, the longest first. */
  async times(): Promise<readonly KernelTime[]> {
    await Promise.all(this.#pending)
    return [...this.#byLabel.values()].sort((a, b) => b.milliseconds - a.milliseconds)
  }
}

/** Timestamps around the kernels of one submission. */
export class SubmissionTimer {
  readonly #device: GPUDevice
  readonly #dispatches: Dispatch[] = []
  readonly #sets: GPUQuerySet[] = []
  #readable: GPUBuffer | undefined

  constructor(device: GPUDevice) {
    this.#device = device
  }

  /** Where the pass of the next kernel writes its times. */
  next(dispatch: Dispatch): GPUComputePassTimestampWrites {
    const at = (this.#dispatches.push(dispatch) - 1) * 2
    if (at % MOST_QUERIES === 0)
      this.#sets.push(this.#device.createQuerySet({ type: 'timestamp', count: MOST_QUERIES }))
    const index = at % MOST_QUERIES
    return {
      querySet: this.#sets.at(-1)!,
      beginningOfPassWriteIndex: index,
      endOfPassWriteIndex: index + 1,
    }
  }

  /** Brings the times where the host can read them; call it when all passes are encoded. */
  finish(encoder: GPUCommandEncoder): void {
    const words = this.#dispatches.length * 2
    if (words === 0) return
    const bytes = this.#sets.length * MOST_QUERIES * BigUint64Array.BYTES_PER_ELEMENT
    const resolved = this.#device.createBuffer({
      size: bytes,
      usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
    })
    this.#readable = this.#device.createBuffer({
      size: bytes,
      usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ,
    })
    this.#sets.forEach((set, i) => {
      const count = Math.min(MOST_QUERIES, words - i * MOST_QUERIES)
      encoder.resolveQuerySet(set, 0, count, resolved, i * MOST_QUERIES * BigUint64Array.BYTES_PER_ELEMENT)
    })
    encoder.copyBufferToBuffer(resolved, 0, this.#readable, 0, bytes)
  }

  /** The kernels and how long each took. */
  async read(): Promise<readonly { readonly dispatch: Dispatch; readonly nanoseconds: number }[]> {
    if (!this.#readable) return []
    await this.#readable.mapAsync(GPUMapMode.READ)
    const stamps = new BigUint64Array(this.#readable.getMappedRange().slice(0))
    this.#readable.destroy()
    for (const set of this.#sets) set.destroy()
    return this.#dispatches.map((dispatch, i) => ({
      dispatch,
      nanoseconds: Math.max(0, Number(stamps[2 * i + 1]! - stamps[2 * i]!)),
    }))
  }
}
