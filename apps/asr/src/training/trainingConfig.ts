import { trainerConfigSchema } from '@nemo/core'
import { z } from 'zod'

const section = z.record(z.string(), z.unknown())

/** What every training recipe of this folder is configured by; recipes add their own sections. */
export const trainingConfigShape = {
  name: z.string(),
  /** The model's own config; its sections are checked by the modules that they make. */
  model: section,
  trainer: trainerConfigSchema,
  exp_manager: section,
  /** Go on with a run of the same settings that was interrupted. */
  resume: z.boolean().default(true),
}

/** A training recipe's config. */
export interface TrainingConfig {
  readonly name: string
  readonly model: Readonly<Record<string, unknown>>
  readonly trainer: z.output<typeof trainerConfigSchema>
  readonly exp_manager: Readonly<Record<string, unknown>>
  readonly resume: boolean
}
