import { nodeModule } from '../config/nodeModule.js'
import { processTerminal, type Terminal } from './terminal.js'

/** How serious a message is, as in Python's `logging` and NeMo. */
export type LogLevel = 'debug' | 'info' | 'warning' | 'error' | 'critical'

const RANK: Record<LogLevel, number> = { debug: 10, info: 20, warning: 30, error: 40, critical: 50 }

/** One message on its way to the handlers. */
export interface LogRecord {
  readonly time: Date
  readonly level: LogLevel
  /** What speaks: `asr.data`, `trainer`. */
  readonly module: string
  readonly message: string
}

/** Takes messages somewhere. */
export interface LogHandler {
  handle(record: LogRecord): void
  close?(): void
}

/** `2026-01-31T10:00:00.000Z INFO     trainer: message`; further lines of a message are indented. */
export function formatRecord({ time, level, module, message }: LogRecord): string {
  const head = `${time.toISOString()} ${level.toUpperCase().padEnd(8)} ${module}: `
  return head + message.trimEnd().replaceAll('\n', '\n    ')
}

const COLORS: Record<LogLevel, string> = { debug: '36', info: '32', warning: '33', error: '35', critical: '31' }

/** Prints messages: info and below to standard output, the rest to standard error (all with `NEMO_REDIRECT_LOGS_TO_STDERR`). */
export class ConsoleHandler implements LogHandler {
  constructor(private readonly terminal: Terminal = processTerminal()) {}

  handle(record: LogRecord): void {
    const redirect = /^(?:1|true|yes)$/i.test(process.env.NEMO_REDIRECT_LOGS_TO_STDERR ?? '')
    const stream = redirect || RANK[record.level] > RANK.info ? 'err' : 'out'
    const line = formatRecord(record)
    if (!this.terminal.takesColor(stream)) {
      this.terminal.writeLine(line, stream)
      return
    }
    const end = line.indexOf(': ') + 1
    this.terminal.writeLine(`\u001b[${COLORS[record.level]}m${line.slice(0, end)}\u001b[0m${line.slice(end)}`, stream)
  }
}

/** Appends messages to a file, each written at once so that a killed run keeps its last words. */
export class FileHandler implements LogHandler {
  private file: number | undefined

  /**
   * @param path - The file; made if it does not exist.
   * @param minimum - Leave out messages below this level. Default `debug`.
   */
  constructor(
    path: string,
    private readonly minimum: LogLevel = 'debug',
  ) {
    this.file = nodeModule('node:fs').openSync(path, 'a')
  }

  handle(record: LogRecord): void {
    if (this.file === undefined || RANK[record.level] < RANK[this.minimum]) return
    nodeModule('node:fs').writeSync(this.file, `${formatRecord(record)}\n`)
  }

  close(): void {
    if (this.file !== undefined) nodeModule('node:fs').closeSync(this.file)
    this.file = undefined
  }
}

// What is said before an experiment folder exists is kept for its log file, up to this many messages.
const MAX_KEPT = 1000

/**
 * Where all loggers of a process send their messages. Messages said while no file is open are kept for the next one, so that
 * a run's log file also tells how the run was set up.
 */
export class LogHub {
  private readonly handlers = new Set<LogHandler>()
  private kept: LogRecord[] = []
  private openFiles = 0
  private readonly seen = new Set<string>()
  private minimum: LogLevel = 'info'

  /** @param handlers - Default: the console. */
  constructor(handlers: readonly LogHandler[] = [new ConsoleHandler()]) {
    for (const handler of handlers) this.handlers.add(handler)
  }

  /** Messages below this level are dropped. Default `info`. */
  get verbosity(): LogLevel {
    return this.minimum
  }

  set verbosity(level: LogLevel) {
    this.minimum = level
  }

  /** A logger that speaks as `module`. */
  logger(module: string): Logger {
    return new Logger(this, module)
  }

  /** Sends a message to every handler, unless its level is below {@link verbosity}. */
  log(level: LogLevel, module: string, message: string): void {
    if (RANK[level] < RANK[this.minimum]) return
    const record: LogRecord = { time: new Date(), level, module, message }
    if (this.openFiles === 0 && this.kept.length < MAX_KEPT) this.kept.push(record)
    for (const handler of this.handlers) handler.handle(record)
  }

  /** Like {@link log}, but only the first time for the same module and message. */
  logOnce(level: LogLevel, module: string, message: string): void {
    const key = `${module}\0${message}`
    if (this.seen.has(key)) return
    this.seen.add(key)
    this.log(level, module, message)
  }

  /** Adds a handler. @returns A function that removes and closes it. */
  addHandler(handler: LogHandler): () => void {
    this.handlers.add(handler)
    return () => {
      if (this.handlers.delete(handler)) handler.close?.()
    }
  }

  /**
   * Also writes messages to a file, the kept ones first.
   *
   * @param minimum - Leave out messages below this level. Default `debug`.
   * @returns A function that stops writing and closes the file.
   */
  addFile(path: string, minimum: LogLevel = 'debug'): () => void {
    const handler = new FileHandler(path, minimum)
    for (const record of this.kept) handler.handle(record)
    const remove = this.addHandler(handler)
    this.openFiles++
    let open = true
    return () => {
      if (open) this.openFiles--
      open = false
      remove()
    }
  }

  /** Forgets the kept messages. Called once a run's log files are open, so that the next run's do not repeat them. */
  forgetKept(): void {
    this.kept = []
  }
}

/** Speaks for one module. Cheap to make; all loggers of a {@link LogHub} share its handlers. */
export class Logger {
  constructor(
    private readonly hub: LogHub,
    /** The name that each line carries. */
    readonly module: string,
  ) {}

  debug(message: string): void {
    this.hub.log('debug', this.module, message)
  }

  info(message: string): void {
    this.hub.log('info', this.module, message)
  }

  warning(message: string): void {
    this.hub.log('warning', this.module, message)
  }

  error(message: string): void {
    this.hub.log('error', this.module, message)
  }

  critical(message: string): void {
    this.hub.log('critical', this.module, message)
  }

  /** Logs a message only the first time it is said. */
  once(level: LogLevel, message: string): void {
    this.hub.logOnce(level, this.module, message)
  }
}

let shared: LogHub | undefined

/** The log of this process: NeMo's `logging` object. */
export function processLog(): LogHub {
  shared ??= new LogHub()
  return shared
}

/** A logger on this process's log. `getLogger('asr.data').info('12 utterances skipped')`. */
export function getLogger(module: string): Logger {
  return processLog().logger(module)
}
