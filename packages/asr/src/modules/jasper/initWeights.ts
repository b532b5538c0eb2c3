import {
  Conv1d,
  fans,
  kaimingNormal,
  kaimingUniform,
  Linear,
  type Module,
  normalInit,
  uniformInit,
  xavierNormal,
  xavierUniform,
} from '@nemo/core'
import type { TensorData } from '@nemo/graph'
import { z } from 'zod'

const initialisers = {
  xavier_uniform: (shape) => xavierUniform(shape),
  xavier_normal: (shape) => xavierNormal(shape),
  kaiming_uniform: (shape) => kaimingUniform(shape),
  kaiming_normal: (shape) => kaimingNormal(shape),
  tds_uniform: (shape) => uniformInit(shape, -tdsScale(shape), tdsScale(shape)),
  tds_normal: (shape) => normalInit(shape, 0, tdsScale(shape)),
} satisfies Record<string, (shape: readonly number[]) => TensorData<'float32'>>

// Hannun et al. 2019, sequence-to-sequence speech recognition with time-depth separable convolutions.
const tdsScale = (shape: readonly number[]): number => 2 / Math.sqrt(fans(shape).fanIn)

/** How weights of convolutions and linear layers start; null leaves PyTorch's default. */
export type InitMode = keyof typeof initialisers

/** The config key `init_mode`. */
export const initModeField = z
  .enum(Object.keys(initialisers) as [InitMode, ...InitMode[]])
  .nullable()
  .default('xavier_uniform')

/** Initialises the weights (not the biases) of all convolutions and linear layers below a module. NeMo's `init_weights`. */
export function initWeights(module: Module, mode: InitMode | null): void {
  if (mode === null) return
  for (const part of module.modules()) {
    if (part instanceof Conv1d || part instanceof Linear) part.weight.set(initialisers[mode](part.weight.shape))
  }
}
