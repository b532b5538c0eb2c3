import { mkdir, writeFile } from 'node:fs/promises'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'

/** What a measured number depends on. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryBytes: number
  readonly platform: string
  readonly node: string
}

/** The machine that this process runs on. */
export function thisMachine(): Machine {
  const processors = cpus()
  return {
    cpu: processors[0]?.model ?? 'unknown',
    cores: processors.length,
    memoryBytes: totalmem(),
    platform: `${process.platform}-${process.arch}`,
    node: process.version,
  }
}

/** Folder of the results, beside the sources. */
export const resultsFolder = join(import.meta.dirname, '..', 'results')

/**
 * Writes a result with its date, command and machine.
 *
 * @param benchmark - File name without its ending.
 * @returns the path of the file.
 */
export async function writeResult(
  benchmark: string,
  result: Readonly<Record<string, unknown>>,
  folder: string = resultsFolder,
): Promise<string> {
  await mkdir(folder, { recursive: true })
  const path = join(folder, `${benchmark}.json`)
  const command = ['pnpm bench', ...process.argv.slice(2)].join(' ')
  const full = { benchmark, date: new Date().toISOString(), command, machine: thisMachine(), ...result }
  await writeFile(path, `${JSON.stringify(full, null, 2)}\n`)
  return path
}
