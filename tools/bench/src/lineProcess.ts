import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { BenchError } from './errors.js'

/**
 * A child process that obeys commands, one per line of its stdin, and answers each with one JSON object on a line of
 * its stdout. It says hello with one object when it is ready. Lines that do not start with `{` are its own chatter.
 */
export class LineProcess {
  readonly #child: ChildProcess
  readonly #waiting: { resolve(answer: unknown): void; reject(error: Error): void }[] = []
  readonly #early: unknown[] = []
  readonly #name: string
  readonly #closed: Promise<void>
  #errors = ''
  #ended: Error | undefined

  /**
   * @param name - What messages call it.
   * @param options.cwd - Folder to run in. Default the present one.
   */
  constructor(name: string, command: string, args: readonly string[], options: { cwd?: string } = {}) {
    this.#name = name
    this.#child = spawn(command, [...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(options.cwd !== undefined && { cwd: options.cwd }),
    })
    // A child that died takes no more commands; its exit tells why.
    this.#child.stdin!.on('error', () => undefined)
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-2000)
    })
    const lines = createInterface({ input: this.#child.stdout! })
    lines.on('line', (line) => this.#take(line))
    this.#child.on('error', (error) => this.#end(`cannot be started: ${error.message}`))
    this.#closed = new Promise((resolve) => {
      this.#child.on('close', (code, signal) => {
        this.#end(`ended with ${signal ?? `exit code ${code}`}`)
        resolve()
      })
    })
  }

  /** The next answer, which was asked for before or comes by itself (the hello). */
  next(): Promise<unknown> {
    if (this.#early.length > 0) return Promise.resolve(this.#early.shift())
    if (this.#ended) return Promise.reject(this.#ended)
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  /**
   * Sends a command and waits for its answer.
   *
   * @throws BenchError if the process is gone, with the end of its stderr.
   */
  ask(command: string): Promise<unknown> {
    const answer = this.next()
    if (!this.#ended) this.#child.stdin!.write(`${command}\n`)
    return answer
  }

  /** Settles when the process has ended, however it did. */
  ended(): Promise<void> {
    return this.#closed
  }

  /** Ends the process if it still runs. */
  kill(): void {
    this.#child.kill()
  }

  #take(line: string): void {
    if (!line.startsWith('{')) return
    let answer: unknown
    try {
      answer = JSON.parse(line)
    } catch {
      this.#end(`answered with a line that is not JSON: ${line.slice(0, 200)}`)
      return
    }
    const waiting = this.#waiting.shift()
    if (waiting) waiting.resolve(answer)
    else this.#early.push(answer)
  }

  #end(reason: string): void {
    const tail = this.#errors.trim()
    this.#ended ??= new BenchError('NEMO_BENCH_PROTOCOL', `${this.#name} ${reason}.${tail ? `\n${tail}` : ''}`)
    for (const { reject } of this.#waiting.splice(0)) reject(this.#ended)
  }
}
