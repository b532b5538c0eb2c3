import type { z } from 'zod'
import { CorpusOptionError } from './errors.js'

/**
 * Checks the parameters of a corpus and fills in their defaults.
 *
 * @throws CorpusOptionError naming the first wrong key, what is allowed and what was found.
 */
export function parseParameters<Schema extends z.ZodType>(
  corpus: string,
  schema: Schema,
  given: unknown,
): z.output<Schema> {
  const parsed = schema.safeParse(given)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const path = issue?.path ?? []
  const found = path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key], given)
  const key = path.length === 0 ? '' : `, key ${path.join('.')}`
  throw new CorpusOptionError(`${corpus} corpus${key}: ${issue?.message}; found ${JSON.stringify(found)}.`)
}
