import type { Program, TensorData } from '@nemo/graph'
import type { Batch } from '../data/dataset.js'
import { portName } from '../neuralTypes/portName.js'
import type { PortTypes } from '../neuralTypes/ports.js'

/** A batch's arrays by the names of a program's inputs; what it does not read is left out. */
export function batchFeeds(
  batch: Batch,
  ports: PortTypes,
  program: Pick<Program, 'inputs'>,
): Record<string, TensorData> {
  const read = new Set(program.inputs.map(({ name }) => name))
  const named = Object.entries(batch.arrays).map(([key, array]) => [portName(key, ports), array] as const)
  return Object.fromEntries(named.filter(([name]) => read.has(name)))
}
