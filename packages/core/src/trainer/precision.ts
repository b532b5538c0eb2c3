import type { Precision, Runtime } from '@nemo/graph'
import { TrainerError } from './errors.js'
import type { TrainerConfig } from './trainerConfig.js'

/** What a trainer's `precision` means. */
export function precisionOf({ precision }: Pick<TrainerConfig, 'precision'>): Precision {
  return precision === 16 || precision === '16' || precision === '16-mixed' ? '16-mixed' : '32'
}

/**
 * Sees that a runtime computes as the config says.
 *
 * @throws TrainerError if not, or where anomalies are looked for in mixed precision.
 */
export function requirePrecision(config: Pick<TrainerConfig, 'precision' | 'detect_anomaly'>, runtime: Runtime): void {
  const [wanted, found] = [precisionOf(config), runtime.precision ?? '32']
  if (wanted !== found) {
    throw new TrainerError(
      wanted === '16-mixed'
        ? `trainer.precision is ${config.precision}, but the runtime ${runtime.name} computes in float32. Give webgpu({ precision: '16-mixed' }) on a GPU with shader-f16, or use precision=32.`
        : `The runtime ${runtime.name} stores half precision, which needs loss scaling. Add trainer.precision=16-mixed, or make the runtime without precision.`,
    )
  }
  if (wanted === '16-mixed' && config.detect_anomaly) {
    throw new TrainerError(
      'trainer.detect_anomaly with precision 16-mixed would tell of every overflow that loss scaling sees to. Look for the anomaly with precision=32.',
    )
  }
}
