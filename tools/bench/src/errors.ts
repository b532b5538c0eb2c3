/** A benchmark that cannot run. `code` is stable. */
export class BenchError extends Error {
  readonly code: 'NEMO_BENCH_PEER' | 'NEMO_BENCH_USAGE' | 'NEMO_BENCH_PROTOCOL'

  constructor(code: BenchError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'BenchError'
    this.code = code
  }
}
