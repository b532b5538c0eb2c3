import { parseArgs } from 'node:util'
import { getLogger } from '@nemo/core'
import { type Preparation, PreparationBars } from './preparation.js'

/** Arguments of a preparation besides the common ones: their default, or undefined for none; true for a switch. */
export type PreparationFlags = Readonly<Record<string, string | true | undefined>>

/** Values of arguments. */
export type PreparationValues = Readonly<Record<string, string | boolean | undefined>>

/**
 * Runs a preparation with this process's arguments: `--data_root`, `--num_workers`, `--mirror`, `--cleanup`, `--log` and its own.
 * Prints the manifests, each on a line.
 */
export async function runPreparation(
  usage: string,
  flags: PreparationFlags,
  prepare: (preparation: Preparation, values: PreparationValues) => Promise<string[]>,
): Promise<void> {
  const text = { type: 'string' } as const
  const own = Object.entries(flags).map(([name, value]) => [
    name,
    value === true ? { type: 'boolean' } : value === undefined ? text : { ...text, default: value },
  ])
  const { values } = parseArgs({
    options: {
      data_root: text,
      num_workers: { ...text, default: '4' },
      mirror: text,
      cleanup: { type: 'boolean' },
      log: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
      ...(Object.fromEntries(own) as Record<string, { type: 'string' | 'boolean' }>),
    },
  }) as { values: PreparationValues }
  const explained = `usage: ${usage} [--num_workers N] [--mirror URL] [--cleanup]`
  if (values.help === true) {
    console.log(explained)
    return
  }
  const workers = Number(values.num_workers)
  if (typeof values.data_root !== 'string' || !Number.isInteger(workers) || workers < 1) {
    console.error(explained)
    process.exitCode = 2
    return
  }
  const progress = new PreparationBars()
  try {
    const manifests = await prepare(
      {
        dataRoot: values.data_root,
        workers,
        mirror: typeof values.mirror === 'string' ? values.mirror : undefined,
        cleanup: values.cleanup === true,
        progress,
      },
      values,
    )
    progress.finish()
    for (const manifest of manifests) console.log(manifest)
  } catch (error) {
    progress.finish()
    // A stack tells nothing about a network or a folder; the same command goes on from here.
    getLogger('recipe').error(error instanceof Error ? error.message : String(error))
    process.exitCode = 1
  }
}
