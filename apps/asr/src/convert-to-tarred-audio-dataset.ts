/**
 * Packs the audio of a manifest into tar archives, for data sections with `is_tarred: true`.
 *
 *   pnpm recipe asr/convert-to-tarred-audio-dataset --manifest_path FILE --num_shards N [--target_dir DIR] [--shuffle ...]
 *
 * With --concat_manifest_paths FILE [FILE ...] and --metadata_path FILE, other manifests are added to the tarred dataset of
 * --manifest_path. With --write_metadata only a metadata.yaml to fill in is written. Arguments are those of NeMo's script.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { convertToTarredAudioDataset } from '@nemo/asr'
import { atomicWriteFile, getLogger, ProgressBar, stringifyYaml } from '@nemo/core'

const usage =
  'usage: pnpm recipe asr/convert-to-tarred-audio-dataset --manifest_path FILE --num_shards N [--target_dir DIR] ' +
  '[--max_duration S] [--min_duration S] [--shuffle] [--shuffle_seed N] [--workers N] ' +
  '[--concat_manifest_paths FILE ... --metadata_path FILE] [--write_metadata]'
const text = { type: 'string' } as const
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    manifest_path: text,
    concat_manifest_paths: { type: 'string', multiple: true },
    target_dir: { type: 'string', default: './tarred' },
    metadata_path: text,
    num_shards: { type: 'string', default: '-1' },
    max_duration: text,
    min_duration: text,
    shuffle: { type: 'boolean', default: false },
    shuffle_seed: text,
    write_metadata: { type: 'boolean', default: false },
    workers: { type: 'string', default: '1' },
    help: { type: 'boolean', short: 'h' },
  },
})
const number = (value: string | undefined): number | null => (value === undefined ? null : Number(value))
const options = {
  num_shards: Number(values.num_shards),
  max_duration: number(values.max_duration),
  min_duration: number(values.min_duration),
  shuffle: values.shuffle,
  shuffle_seed: number(values.shuffle_seed),
}
if (values.help) console.log(usage)
else if (values.write_metadata) {
  const path = join(values.target_dir, 'default_metadata.yaml')
  const metadata = { version: 0, num_samples_per_shard: null, is_concatenated_manifest: false, dataset_config: options }
  await mkdir(values.target_dir, { recursive: true })
  await atomicWriteFile(path, [new TextEncoder().encode(stringifyYaml({ ...metadata, history: [] }))])
  console.log(path)
} else if (values.manifest_path === undefined) {
  console.error(usage)
  process.exitCode = 2
} else {
  let bar: ProgressBar | undefined
  const result = await convertToTarredAudioDataset({
    ...options,
    manifest_path: values.manifest_path,
    target_dir: values.target_dir,
    workers: Number(values.workers),
    // A shell gives further paths after the first.
    concat_manifest_paths: [...(values.concat_manifest_paths ?? []), ...positionals],
    metadata_path: values.metadata_path ?? null,
    onProgress(done, wanted) {
      bar ??= new ProgressBar({ label: 'writing archives', total: wanted, unit: 'archive' })
      bar.update(done)
    },
  })
  bar?.finish()
  const { samples, archives, filtered, leftOver, manifest, metadata } = result
  const log = getLogger('recipe')
  log.info(`${samples} samples in ${archives.length} archives, ${filtered} left out by their duration`)
  if (leftOver > 0) log.warning(`${leftOver} samples left out, so that all archives have the same number`)
  log.info(`metadata: ${metadata}`)
  console.log(manifest)
}
