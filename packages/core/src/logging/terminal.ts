/** The part of a writable stream that is needed here: `process.stdout`, `process.stderr`, or anything like them. */
export interface TextStream {
  write(text: string): unknown
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
}

const CLEAR_LINE = '\r\u001b[2K'

/**
 * A terminal (or what stands in for one: a pipe, a file) to which log lines and one status line go without getting in
 * each other's way: while a status line stands, lines are printed above it.
 */
export class Terminal {
  private readonly out: TextStream
  private readonly err: TextStream
  private status: string | undefined

  /**
   * @param out - Where ordinary text and the status line go. Default standard output.
   * @param err - Where warnings and errors go. Default standard error.
   */
  constructor(out: TextStream = process.stdout, err: TextStream = process.stderr) {
    this.out = out
    this.err = err
  }

  /** True if `out` can redraw a line in place. */
  get isInteractive(): boolean {
    return this.out.isTTY === true && process.env.TERM !== 'dumb'
  }

  /** Width in characters; 80 when it is not known. */
  get columns(): number {
    return this.out.columns ?? 80
  }

  /** True if a stream takes colours: a terminal, and neither `NO_COLOR` nor `TERM=dumb` is set. */
  takesColor(stream: 'out' | 'err'): boolean {
    if (process.env.NO_COLOR !== undefined && process.env.NO_COLOR !== '') return false
    if (process.env.TERM === 'dumb') return false
    return (stream === 'out' ? this.out : this.err).isTTY === true
  }

  /** Prints one line (or several), above the status line if there is one. */
  writeLine(text: string, stream: 'out' | 'err' = 'out'): void {
    const target = stream === 'out' ? this.out : this.err
    // Both streams usually are the same screen, so the status line must go even for a line on the other one.
    if (this.status !== undefined) this.out.write(CLEAR_LINE)
    target.write(`${text}\n`)
    if (this.status !== undefined) this.out.write(this.status)
  }

  /** Sets or (with `undefined`) removes the status line. Does nothing unless the terminal is interactive. */
  setStatus(text: string | undefined): void {
    if (!this.isInteractive || text === this.status) return
    if (text !== undefined) this.out.write(CLEAR_LINE + text)
    else if (this.status !== undefined) this.out.write(CLEAR_LINE)
    this.status = text
  }
}

let shared: Terminal | undefined

/** The terminal of this process, shared by the logger and progress bars. */
export function processTerminal(): Terminal {
  shared ??= new Terminal()
  return shared
}
