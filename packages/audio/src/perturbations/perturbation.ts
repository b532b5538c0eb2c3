import type { z } from 'zod'
import type { AudioSegment } from '../audioSegment.js'
import { AudioArgumentError, shown } from '../errors.js'
import type { RandomGenerator } from '../randomGenerator.js'

/**
 * A random change of a waveform. `perturb` is a pure function of the segment and the generator's state: the segment
 * given stays as it is.
 *
 * Source: NeMo v1.0.0 `collections/asr/parts/perturb.py`.
 */
export interface Perturbation {
  /** At most so long, in samples, becomes a segment of `length` samples. */
  maxAugmentationLength(length: number): number
  perturb(segment: AudioSegment, random: RandomGenerator): AudioSegment | Promise<AudioSegment>
}

/** Checks a perturbation's configuration. @throws AudioArgumentError naming the key, what is allowed and what was found. */
export function parsePerturbationConfig<Schema extends z.ZodType>(
  name: string,
  schema: Schema,
  config: unknown,
): z.output<Schema> {
  const parsed = schema.safeParse(config)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const key = issue?.path.join('.') ?? ''
  throw new AudioArgumentError(
    `augmentation "${name}"${key === '' ? '' : `, key ${key}`}: ${issue?.message ?? 'wrong configuration'}; found ${shown(valueAt(config, issue?.path ?? []))}.`,
  )
}

function valueAt(config: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined,
    config,
  )
}
