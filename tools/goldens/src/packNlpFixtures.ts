/**
 * Packs the reference cases that unit tests of packages/nlp need into small safetensors files:
 *
 *   node --conditions=@nemo/source --import tsx tools/goldens/src/packNlpFixtures.ts DIR
 *
 * The metadata key `case` holds what case.json says; tolerances stand in its `arrays`.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeSafetensors } from '@nemo/core'
import { GoldenCase } from './goldenCase.js'

const fixtures = fileURLToPath(new URL('../../../packages/nlp/test/fixtures/', import.meta.url))
const LARGEST_FIXTURE = 200_000

/** Writes some members of a case and the arrays whose names start so. */
function pack(folder: string, name: string, members: readonly string[], prefix: string, as: string): void {
  const golden = new GoldenCase(join(folder, name))
  const keys = Object.keys(golden.arrays).filter((key) => key.startsWith(prefix))
  const json = {
    ...Object.fromEntries(members.map((member) => [member, golden.json[member]])),
    arrays: Object.fromEntries(keys.map((key) => [key, golden.spec(key)])),
  }
  const tensors = new Map(keys.map((key) => [key, golden.array(key)]))
  const bytes = writeSafetensors(tensors, new Map([['case', JSON.stringify(json)]]))
  if (bytes.length > LARGEST_FIXTURE) throw new Error(`${as}: ${bytes.length} bytes are too many for a fixture.`)
  const path = join(fixtures, `${as}.safetensors`)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, bytes)
  console.log(path, bytes.length)
}

const folder = resolve(process.argv[2] ?? '.')
pack(folder, 'nlp-heads', ['heads'], '', 'heads')
pack(folder, 'nlp-transformer', ['losses', 'aggregator'], 'losses/', 'losses')
pack(
  folder,
  'nlp-metrics',
  ['classification_report', 'intent_slot', 'perplexity', 'global_average_loss', 'top_k', 'squad', 'glue'],
  '',
  'metrics',
)
