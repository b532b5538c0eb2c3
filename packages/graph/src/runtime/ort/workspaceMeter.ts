// Memory grows in the first runs, while the arena finds its size; sampling costs a system call.
const SAMPLED_RUNS = 8

/** Follows the process's resident memory around the runs of one session. */
export class WorkspaceMeter {
  #before = 0
  #highest = 0
  #runs = 0

  /** To be called before each run. */
  starts(): void {
    if (this.#runs === 0) this.#before = residentBytes()
  }

  /** To be called after each run. */
  ends(): void {
    if (this.#runs++ < SAMPLED_RUNS) this.#sample()
  }

  /** Bytes that the process has grown by since before the first run; 0 before that. */
  growth(): number {
    if (this.#runs === 0) return 0
    this.#sample()
    return Math.max(0, this.#highest - this.#before)
  }

  #sample(): void {
    this.#highest = Math.max(this.#highest, residentBytes())
  }
}

/** Highest resident memory of the process, in bytes; 0 in a browser. */
export function peakResidentBytes(): number {
  // Node gives kilobytes on every platform.
  return (globalThis.process?.resourceUsage?.().maxRSS ?? 0) * 1024
}

// 0 in a browser.
const residentBytes = (): number => globalThis.process?.memoryUsage?.rss?.() ?? 0
