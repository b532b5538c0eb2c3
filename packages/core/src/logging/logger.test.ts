import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { ConsoleHandler, LogHub } from './logger.js'
import { Terminal, type TextStream } from './terminal.js'

class Recorder implements TextStream {
  text = ''
  constructor(
    readonly isTTY: boolean,
    readonly columns?: number,
  ) {}
  write(text: string): void {
    this.text += text
  }
}

const dir = mkdtempSync(join(tmpdir(), 'nemo-log-'))
afterEach(() => {
  delete process.env.NEMO_REDIRECT_LOGS_TO_STDERR
})

const LINE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (\w+) +([\w.]+): ([\s\S]*)$/

describe('Logger', () => {
  it('writes level, ISO time and module, warnings to standard error', () => {
    const [out, err] = [new Recorder(false), new Recorder(false)]
    const log = new LogHub([new ConsoleHandler(new Terminal(out, err))]).logger('asr.data')
    log.info('12 utterances\nin 3 files')
    log.debug('not shown')
    log.warning('one was skipped')
    expect(out.text.match(LINE)?.slice(1)).toEqual(['INFO', 'asr.data', '12 utterances\n    in 3 files\n'])
    expect(err.text.match(LINE)?.slice(1)).toEqual(['WARNING', 'asr.data', 'one was skipped\n'])
  })

  it('NEMO_REDIRECT_LOGS_TO_STDERR sends everything to standard error', () => {
    process.env.NEMO_REDIRECT_LOGS_TO_STDERR = '1'
    const [out, err] = [new Recorder(false), new Recorder(false)]
    new LogHub([new ConsoleHandler(new Terminal(out, err))]).logger('a').info('x')
    expect([out.text, err.text.endsWith('a: x\n')]).toEqual(['', true])
  })

  it('colours only a terminal', () => {
    const out = new Recorder(true)
    new LogHub([new ConsoleHandler(new Terminal(out, out))]).logger('a').info('x')
    const noColor = process.env.NO_COLOR !== undefined && process.env.NO_COLOR !== ''
    expect(out.text.includes('\u001b[32m')).toBe(!noColor && process.env.TERM !== 'dumb')
  })

  it('a file also gets what was said before it was opened, and an error file only what is serious', () => {
    const hub = new LogHub([])
    const log = hub.logger('trainer')
    log.info('before')
    log.error('bad before')
    const all = join(dir, 'all.txt')
    const errors = join(dir, 'errors.txt')
    const closeAll = hub.addFile(all)
    const closeErrors = hub.addFile(errors, 'warning')
    hub.forgetKept()
    log.info('after')
    closeAll()
    closeErrors()
    log.error('nobody listens')
    const messages = (path: string): string[] =>
      readFileSync(path, 'utf8')
        .trim()
        .split('\n')
        .map((line) => line.match(LINE)![3]!)
    expect(messages(all)).toEqual(['before', 'bad before', 'after'])
    expect(messages(errors)).toEqual(['bad before'])
    rmSync(dir, { recursive: true })
  })

  it('verbosity drops lower levels and once says a message once', () => {
    const records: string[] = []
    const hub = new LogHub([{ handle: ({ level, message }) => void records.push(`${level} ${message}`) }])
    hub.verbosity = 'warning'
    const log = hub.logger('a')
    log.info('x')
    log.once('warning', 'w')
    log.once('warning', 'w')
    log.critical('c')
    expect(records).toEqual(['warning w', 'critical c'])
  })
})

describe('Terminal', () => {
  it('prints lines above the status line and removes it in the end', () => {
    const out = new Recorder(true)
    const terminal = new Terminal(out, out)
    const interactive = terminal.isInteractive
    terminal.setStatus('50%')
    terminal.writeLine('line')
    terminal.setStatus('60%')
    terminal.setStatus(undefined)
    const clear = '\r\u001b[2K'
    expect(out.text).toBe(interactive ? `${clear}50%${clear}line\n50%${clear}60%${clear}` : 'line\n')
  })

  it('has no status line where it cannot be redrawn', () => {
    const out = new Recorder(false)
    const terminal = new Terminal(out, out)
    terminal.setStatus('50%')
    terminal.writeLine('line')
    expect(out.text).toBe('line\n')
  })
})
