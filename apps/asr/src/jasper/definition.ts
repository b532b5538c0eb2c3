import type { ConvASREncoderConfig, SpectrogramAugmentationConfig } from '@nemo/asr'
import { loadYaml, validateConfig } from '@nemo/core'
import { z } from 'zod'
import { spokenDigitsSchema } from '../corpus/spokenDigits.js'

/** Config of the recipe `asr/jasper-tutorial`. */
export const jasperTutorialSchema = z.strictObject({
  name: z.string(),
  train_dataset: z.string().nullable(),
  eval_datasets: z.string().nullable(),
  corpus: spokenDigitsSchema.extend({ dir: z.string() }),
  model_definition: z.string(),
  batch_size: z.int().min(1),
  num_epochs: z.int().min(1).nullable(),
  max_steps: z.int().min(1).nullable(),
  lr: z.number().positive(),
  weight_decay: z.number().min(0),
  seed: z.int(),
  log_freq: z.int().min(1),
  eval_freq: z.int().min(1),
  checkpoint_freq: z.int().min(1),
  log_dir: z.string(),
})

/** A model definition of NeMo 0.x: settings of modules by their classes. */
export interface JasperDefinition {
  readonly labels: readonly string[]
  readonly SpectrogramAugmentation: SpectrogramAugmentationConfig
  readonly JasperEncoder: Omit<ConvASREncoderConfig, 'feat_in'>
}

const definitionSchema = z.looseObject({
  labels: z.array(z.string()).min(1),
  SpectrogramAugmentation: z.record(z.string(), z.unknown()).default({}),
  JasperEncoder: z.record(z.string(), z.unknown()),
})

/** Reads a model definition; the modules check their own settings. @throws ConfigError naming what is missing. */
export function readJasperDefinition(path: string): JasperDefinition {
  return validateConfig(definitionSchema, loadYaml(path), { source: path }) as unknown as JasperDefinition
}
