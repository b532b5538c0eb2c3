import { expManagerConfigSchema, trainerConfigSchema } from '@nemo/core'
import { z } from 'zod'

/** What every training recipe of this folder is configured by; recipes add their own sections. */
export const trainingConfigShape = {
  name: z.string(),
  /** The model's own config; its sections are checked by the modules that they make. */
  model: z.record(z.string(), z.unknown()),
  trainer: trainerConfigSchema,
  exp_manager: expManagerConfigSchema,
  /** Go on with a run of the same settings that was interrupted. */
  resume: z.boolean().default(true),
}

/** A training recipe's config. */
export type TrainingConfig = z.output<z.ZodObject<typeof trainingConfigShape>>
