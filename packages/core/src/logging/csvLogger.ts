import type { ConfigValue } from '../config/configValue.js'
import { nodeModule } from '../config/nodeModule.js'
import { stringifyYaml } from '../config/stringifyYaml.js'
import type { MetricsLogger } from './metricsLogger.js'

const quote = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)

/** Splits CSV text into rows of cells. Quoted cells may hold commas, quotes and line breaks. */
export function parseCsv(text: string): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  let cell = ''
  let quoted = false
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index]!
    if (quoted) {
      if (character !== '"') cell += character
      else if (text[index + 1] === '"') {
        cell += '"'
        index += 1
      } else quoted = false
    } else if (character === '"') quoted = true
    else if (character === ',') {
      row.push(cell)
      cell = ''
    } else if (character === '\n') {
      row.push(cell)
      rows.push(row)
      row = []
      cell = ''
    } else if (character !== '\r') cell += character
  }
  // A last line without its line break was cut off by a crash.
  return rows
}

/** Options of {@link CSVLogger}. */
export interface CSVLoggerOptions {
  /** Folder of `metrics.csv` and `hparams.yaml`; must exist. */
  readonly dir: string
  /** After a resume: the first step that is done again. Rows from it on are dropped. */
  readonly purgeStep?: number
}

/**
 * Writes metrics to `metrics.csv`: a column for each name, a row for each call, the first column `step`. A new name
 * adds a column. An existing file is continued.
 */
export class CSVLogger implements MetricsLogger {
  readonly name = 'csv'
  /** Path of `metrics.csv`. */
  readonly path: string
  private readonly dir: string
  private columns: string[] = ['step']
  private file: number | undefined

  constructor({ dir, purgeStep }: CSVLoggerOptions) {
    const fs = nodeModule('node:fs')
    this.dir = dir
    this.path = nodeModule('node:path').join(dir, 'metrics.csv')
    if (fs.existsSync(this.path)) {
      const [header = ['step'], ...rows] = parseCsv(fs.readFileSync(this.path, 'utf8'))
      this.columns = header
      const step = header.indexOf('step')
      this.rewrite(purgeStep === undefined ? rows : rows.filter((row) => !(Number(row[step]) >= purgeStep)))
    } else this.rewrite([])
  }

  logMetrics(metrics: Readonly<Record<string, number>>, step: number): void {
    const fs = nodeModule('node:fs')
    const added = Object.keys(metrics).filter((name) => !this.columns.includes(name))
    if (added.length > 0) {
      const rows = parseCsv(fs.readFileSync(this.path, 'utf8')).slice(1)
      this.columns = [...this.columns, ...added]
      this.rewrite(rows)
    }
    const cells = this.columns.map((name) => (name === 'step' ? String(step) : String(metrics[name] ?? '')))
    fs.writeSync(this.open(), `${cells.map(quote).join(',')}\n`)
  }

  logHyperparams(params: Readonly<Record<string, ConfigValue>>): void {
    const path = nodeModule('node:path').join(this.dir, 'hparams.yaml')
    nodeModule('node:fs').writeFileSync(path, stringifyYaml(params as ConfigValue))
  }

  flush(): void {
    if (this.file !== undefined) nodeModule('node:fs').fsyncSync(this.file)
  }

  close(): void {
    if (this.file !== undefined) nodeModule('node:fs').closeSync(this.file)
    this.file = undefined
  }

  private open(): number {
    this.file ??= nodeModule('node:fs').openSync(this.path, 'a')
    return this.file
  }

  /** Writes the whole file anew: beside it first, so that a crash leaves the old one. */
  private rewrite(rows: readonly (readonly string[])[]): void {
    const fs = nodeModule('node:fs')
    this.close()
    const lines = [this.columns, ...rows].map((row) =>
      this.columns.map((_, index) => quote(row[index] ?? '')).join(','),
    )
    fs.writeFileSync(`${this.path}.tmp`, `${lines.join('\n')}\n`)
    fs.renameSync(`${this.path}.tmp`, this.path)
  }
}
