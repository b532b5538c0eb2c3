import { atomicWriteFile } from '../../checkpoint/atomicWriteFile.js'
import { nodeBuiltin } from '../../checkpoint/nodeBuiltin.js'
import { getLogger } from '../../logging/logger.js'
import { OpProfile, type ProfileFiles } from './opProfile.js'
import type { Profiler } from './profiler.js'

/**
 * Logs a run's profile and writes it as `profile.txt` and, for Chrome's `chrome://tracing` and Perfetto, `trace.json`.
 *
 * @param ops - Profiles of the training step's programs, if they were made.
 */
export async function writeProfile(profiler: Profiler, folder: string, ops: ProfileFiles | undefined): Promise<void> {
  const { join } = nodeBuiltin('node:path', 'Profiling')
  const { mkdir } = nodeBuiltin('node:fs', 'Profiling').promises
  const profile = ops && (await OpProfile.read(ops))
  const text = [profiler.summary(), profile?.summary()].filter(Boolean).join('\n\n')
  const spans = profiler.spans()
  // The first training batch compiled and warmed up; ops are shown from the second on.
  const steps = spans.filter(({ name }) => name === TRAINING_STEP)
  const start = (steps[1] ?? steps[0])?.ts ?? 0
  const traceEvents = [...spans, ...(profile?.spans(start) ?? [])]
  await mkdir(folder, { recursive: true })
  await atomicWriteFile(join(folder, 'profile.txt'), `${text}\n`)
  await atomicWriteFile(join(folder, 'trace.json'), JSON.stringify({ traceEvents, displayTimeUnit: 'ms' }))
  getLogger('profiler').info(`profile (${join(folder, 'profile.txt')}, ${join(folder, 'trace.json')}):\n${text}`)
}

/** Name of the action that is one batch's training step. */
export const TRAINING_STEP = 'run_training_batch'
